#include "Checkpoint/ShardIndex.h"

#include "Support/Json.h"
#include "Support/Text.h"

#include <algorithm>

namespace yoke {
namespace {

bool isPlainFileName(std::string_view name) {
  constexpr std::string_view forbidden("/\\\0", 3);
  return !name.starts_with('.') && name.size() <= 255 && name.ends_with(".safetensors") &&
         name.find_first_of(forbidden) == std::string_view::npos;
}

} // namespace

const ShardIndex::Weight *ShardIndex::find(std::string_view tensor) const {
  auto it = std::ranges::lower_bound(weights, tensor, std::less<>(), &Weight::tensor);
  return it == weights.end() || it->tensor != tensor ? nullptr : &*it;
}

Result<ShardIndex> parseShardIndex(std::string_view text, std::string_view source) {
  Json document = YOKE_TRY(parseJson(text, source));
  JsonObject root = YOKE_TRY(JsonObject::from(document, std::string(source)));
  JsonObject weightMap = YOKE_TRY(root.object("weight_map"));

  ShardIndex out;
  const auto &members = weightMap.json().get_ref<const Json::object_t &>();
  if (members.empty())
    return root.error("weight_map", "names no tensor");
  for (const auto &[tensor, shard] : members) {
    if (!shard.is_string() || !isPlainFileName(shard.get_ref<const std::string &>()))
      return weightMap.error(tensor, "shard name must be a plain file name ending in .safetensors, found " +
                                         describeJson(shard));
    out.shards.push_back(shard.get_ref<const std::string &>());
  }
  std::ranges::sort(out.shards);
  auto repeated = std::ranges::unique(out.shards);
  out.shards.erase(repeated.begin(), repeated.end());
  if (out.shards.size() > maxShards)
    return root.error("weight_map", fmt::format("{} shards exceed the limit of {}", out.shards.size(), maxShards));
  for (const auto &[tensor, shard] : members) {
    auto place = std::ranges::lower_bound(out.shards, shard.get_ref<const std::string &>());
    out.weights.push_back({tensor, static_cast<uint32_t>(place - out.shards.begin())});
  }
  return out;
}

} // namespace yoke
