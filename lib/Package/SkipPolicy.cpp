#include "Package/SkipPolicy.h"

#include "Package/Manifest.h"

namespace yoke {

Json SkipPolicy::toJson() const {
  return {{"kind", "ffn-skip"},
          {"format", formatVersion},
          {"model_sha256", modelSha256},
          {"layers", layers},
          {"hidden_size", hiddenSize},
          {"cold", {first, last}},
          {"warm_up", warmUp},
          {"tau", tau},
          {"k", k}};
}

Result<SkipPolicy> SkipPolicy::parse(std::string_view text, std::string_view source) {
  Json json = YOKE_TRY(parseJson(text, source, {.depth = 8, .bytes = size_t(1) << 24}));
  JsonObject root = YOKE_TRY(JsonObject::from(json, std::string(source)));
  YOKE_TRY(root.choice("kind", {"ffn-skip"}));
  int64_t format = YOKE_TRY(root.integer("format", 1, INT64_MAX));
  if (format > formatVersion)
    return root.error("format", fmt::format("version {} is newer than this program knows ({})", format, formatVersion));
  YOKE_TRY(root.expectOnly(
      {"kind", "format", "model_sha256", "layers", "hidden_size", "cold", "warm_up", "tau", "k", "measured"}));
  SkipPolicy out;
  out.modelSha256 = YOKE_TRY(root.string("model_sha256"));
  out.layers = YOKE_TRY(root.integer("layers", 1, manifest_limits::layers));
  out.hiddenSize = YOKE_TRY(root.integer("hidden_size", 1, manifest_limits::hiddenSize));
  std::vector<int64_t> warm = YOKE_TRY(root.integers("cold", 0, out.layers, 2));
  if (warm.size() != 2 || warm[0] >= warm[1])
    return root.error("cold", "expected two layers [s, e] with s < e: below s and from e on nothing is skipped");
  out.first = warm[0];
  out.last = warm[1];
  out.warmUp = YOKE_TRY(root.integer("warm_up", 0, manifest_limits::tokenIds));
  out.tau = YOKE_TRY(root.number("tau", -2, 2));
  out.k = YOKE_TRY(root.integer("k", 1, out.layers));
  return out;
}

Status SkipPolicy::checkModel(std::string_view sha256, int64_t modelLayers, int64_t modelHidden,
                              std::string_view source) const {
  if (layers != modelLayers)
    return malformed("{}: layers: the policy is for a model of {} layers, this one has {}", source, layers,
                     modelLayers);
  if (hiddenSize != modelHidden)
    return malformed("{}: hidden_size: the policy is for a model of hidden size {}, this one's is {}", source,
                     hiddenSize, modelHidden);
  if (modelSha256 != sha256)
    return malformed("{}: model_sha256: the policy was measured on another checkpoint, {} instead of {}", source,
                     modelSha256, sha256);
  return {};
}

} // namespace yoke
