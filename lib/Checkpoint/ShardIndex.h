// model.safetensors.index.json: which shard holds which tensor.
#pragma once

#include "Support/Error.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace yoke {

struct ShardIndex {
  struct Weight {
    std::string tensor;
    uint32_t shard; ///< index into `shards`
  };
  std::vector<std::string> shards; ///< sorted plain file names, each once
  std::vector<Weight> weights;     ///< sorted by tensor

  const Weight *find(std::string_view tensor) const;
};

/// At most this many shards.
constexpr size_t maxShards = 10'000;

/// Reads the text of an index. Every shard must be a plain file name, one that cannot lead out of its folder, ending in
/// ".safetensors". No file is looked at.
Result<ShardIndex> parseShardIndex(std::string_view text, std::string_view source);

} // namespace yoke
