// model.safetensors.index.json: an accepted shard name stays in its folder.
#include "Checkpoint/ShardIndex.h"

#include <cstdlib>

using namespace yoke;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Result<ShardIndex> index = parseShardIndex({reinterpret_cast<const char *>(data), size}, "fuzz");
  if (!index)
    return 0;
  for (const std::string &shard : index->shards)
    if (shard.find('/') != std::string::npos || shard.find('\0') != std::string::npos || shard.starts_with('.'))
      abort();
  for (const ShardIndex::Weight &weight : index->weights)
    if (weight.shard >= index->shards.size() || index->find(weight.tensor) != &weight)
      abort();
  return 0;
}
