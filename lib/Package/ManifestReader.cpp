#include "Package/Manifest.h"

#include <algorithm>

namespace yoke {
namespace {

namespace limit = manifest_limits;

constexpr size_t maxListed = size_t(1) << 20;

Result<TargetDescription> readTarget(const JsonObject &json) {
  YOKE_TRY(json.expectOnly({"triple", "cpu", "level", "features"}));
  TargetDescription out;
  out.triple = YOKE_TRY(json.string("triple"));
  out.cpu = YOKE_TRY(json.string("cpu"));
  out.level = YOKE_TRY(json.string("level"));
  out.features = YOKE_TRY(json.strings("features", maxListed));
  return out;
}

Result<KvLayer> readKvLayer(const JsonObject &json, const StepDescription &step) {
  YOKE_TRY(json.expectOnly({"heads", "head_dim", "key_offset", "value_offset", "element_bytes"}));
  KvLayer out;
  out.heads = YOKE_TRY(json.integer("heads", 1, limit::heads));
  out.headDim = YOKE_TRY(json.integer("head_dim", 1, limit::headDim));
  out.elementBytes = YOKE_TRY(json.integer("element_bytes", 2, 4, 4));
  if (out.elementBytes == 3)
    return json.error("element_bytes", "expected 2 or 4, found 3");
  int64_t bytes = out.blockBytes(step.pageTokens);
  if (bytes > step.pageBytes)
    return json.error("", fmt::format("{} bytes of keys exceed page_bytes {}", bytes, step.pageBytes));
  for (auto [key, offset] : {std::pair("key_offset", &out.keyOffset), std::pair("value_offset", &out.valueOffset)}) {
    *offset = YOKE_TRY(json.integer(key, 0, step.pageBytes - bytes));
    if (*offset % 4 != 0)
      return json.error(key, fmt::format("expected a multiple of 4, found {}", *offset));
  }
  return out;
}

Result<StepRecord> readRecord(const JsonObject &json, int64_t arenaBytes) {
  YOKE_TRY(json.expectOnly({"kind", "layer", "offset", "size"}));
  constexpr auto &names = StepRecord::names;
  StepRecord out;
  out.kind = static_cast<StepRecord::Kind>(YOKE_TRY(json.choice("kind", {names[0], names[1], names[2]})));
  out.layer = YOKE_TRY(json.integer("layer", 0, limit::layers));
  out.size = YOKE_TRY(json.integer("size", 1, limit::stepTokens));
  if (out.bytes() > arenaBytes)
    return json.error("size", fmt::format("{} bytes exceed arena_bytes {}", out.bytes(), arenaBytes));
  out.offset = YOKE_TRY(json.integer("offset", 0, arenaBytes - out.bytes()));
  if (out.offset % 8 != 0)
    return json.error("offset", fmt::format("expected a multiple of 8, found {}", out.offset));
  return out;
}

/// Keys and values of all layers must not share bytes of a page.
Status checkDisjoint(const JsonObject &json, const StepDescription &step) {
  struct Extent {
    int64_t begin, end;
    size_t layer;
  };
  std::vector<Extent> extents;
  for (size_t i = 0; i < step.kvLayers.size(); ++i)
    for (int64_t begin : {step.kvLayers[i].keyOffset, step.kvLayers[i].valueOffset})
      extents.push_back({begin, begin + step.kvLayers[i].blockBytes(step.pageTokens), i});
  std::ranges::sort(extents, {}, &Extent::begin);
  for (size_t i = 1; i < extents.size(); ++i)
    if (extents[i].begin < extents[i - 1].end)
      return json.error("kv_layers",
                        fmt::format("layers {} and {} overlap in the page", extents[i - 1].layer, extents[i].layer));
  return {};
}

Result<StepDescription> readStep(const JsonObject &json) {
  YOKE_TRY(json.expectOnly({"max_tokens", "arena_bytes", "arena_bytes_per_thread", "max_threads", "page_tokens",
                            "page_bytes", "output_columns", "rope_switch", "feature_columns", "kv_layers", "records"}));
  StepDescription out;
  out.maxTokens = YOKE_TRY(json.integer("max_tokens", 1, limit::stepTokens));
  out.arenaBytes = YOKE_TRY(json.integer("arena_bytes", 0, limit::arenaBytes));
  out.arenaBytesPerThread = YOKE_TRY(json.integer("arena_bytes_per_thread", 0, limit::arenaBytesPerThread));
  out.maxThreads = YOKE_TRY(json.integer("max_threads", 1, limit::threads));
  out.pageBytes = YOKE_TRY(json.integer("page_bytes", 0, limit::pageBytes));
  out.pageTokens = YOKE_TRY(json.integer("page_tokens", out.pageBytes == 0 ? 0 : 1, limit::pageTokens));
  out.outputColumns = YOKE_TRY(json.integer("output_columns", 1, limit::tokenIds));
  out.featureColumns = YOKE_TRY(json.integer("feature_columns", 0, limit::tokenIds, 0));
  out.ropeSwitch = YOKE_TRY(json.integer("rope_switch", 0, limit::tokenIds, 0));
  if (out.ropeSwitch > 0 && out.maxTokens < 2)
    return json.error("max_tokens", "expected at least 2, since there is a rope_switch");
  if (out.pageBytes % 64 != 0)
    return json.error("page_bytes", fmt::format("expected a multiple of 64, found {}", out.pageBytes));
  std::vector<JsonObject> layers = YOKE_TRY(json.objects("kv_layers", limit::layers));
  if (out.pageBytes == 0 && !layers.empty())
    return json.error("kv_layers", "expected none, since page_bytes is 0");
  for (const JsonObject &layer : layers)
    out.kvLayers.push_back(YOKE_TRY(readKvLayer(layer, out)));
  YOKE_TRY(checkDisjoint(json, out));
  if (json.has("records"))
    for (const JsonObject &record : YOKE_TRY(json.objects("records", 3 * limit::layers)))
      out.records.push_back(YOKE_TRY(readRecord(record, out.arenaBytes)));
  return out;
}

Result<LoopDescription> readLoop(const JsonObject &json, const Manifest &manifest) {
  YOKE_TRY(json.expectOnly({"draft", "capacity", "best"}));
  if (manifest.task != Task::Generate || manifest.step.pageBytes == 0)
    return json.error("", "expected none, since the model does not generate");
  LoopDescription out;
  out.draft = YOKE_TRY(json.string("draft"));
  out.capacity = YOKE_TRY(json.integer("capacity", 1, manifest.step.maxTokens));
  out.best = YOKE_TRY(json.integer("best", 0, manifest.vocabSize));
  return out;
}

Result<DraftDescription> readDraft(const JsonObject &json, int64_t vocabSize) {
  YOKE_TRY(json.expectOnly({"kind", "heads", "vocabulary", "entries"}));
  DraftDescription out;
  out.kind = draftHeadKinds[YOKE_TRY(json.choice("kind", {draftHeadKinds[0], draftHeadKinds[1], draftHeadKinds[2]}))];
  out.heads = YOKE_TRY(json.integer("heads", 1, limit::draftHeads));
  out.vocabulary = YOKE_TRY(json.integer("vocabulary", 1, vocabSize));
  for (const JsonObject &entry : YOKE_TRY(json.objects("entries", 2 * limit::draftHeads))) {
    YOKE_TRY(entry.expectOnly({"name", "step"}));
    out.entries.push_back({YOKE_TRY(entry.string("name")), YOKE_TRY(readStep(YOKE_TRY(entry.object("step"))))});
  }
  return out;
}

bool isSha256(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

} // namespace

Result<Manifest> Manifest::fromJson(const Json &json, std::string_view source) {
  JsonObject root = YOKE_TRY(JsonObject::from(json, std::string(source)));
  int64_t format = YOKE_TRY(root.integer("format", 1, INT64_MAX));
  if (format > formatVersion)
    return root.error("format", fmt::format("version {} is newer than this program knows ({})", format, formatVersion));
  YOKE_TRY(root.expectOnly({"format",        "yoke",         "llvm",          "architecture", "task",        "target",
                            "source_sha256", "parameters",   "weight_type",   "vocab_size",   "hidden_size", "layers",
                            "max_positions", "bos_token_id", "eos_token_ids", "pad_token_id", "step",        "kernels",
                            "remarks",       "token_bytes",  "loop",          "draft"}));
  Manifest out;
  out.yokeVersion = YOKE_TRY(root.string("yoke"));
  out.llvmVersion = YOKE_TRY(root.string("llvm"));
  out.architecture = YOKE_TRY(root.string("architecture"));
  out.task = static_cast<Task>(YOKE_TRY(root.choice("task", {"generate", "embed", "probe"})));
  out.target = YOKE_TRY(readTarget(YOKE_TRY(root.object("target"))));
  out.sourceSha256 = YOKE_TRY(root.string("source_sha256"));
  if (!isSha256(out.sourceSha256))
    return root.error("source_sha256", "expected 64 lower-case hexadecimal digits");
  out.parameters = YOKE_TRY(root.integer("parameters", 0, limit::parameters));
  out.weightType = YOKE_TRY(root.string("weight_type"));
  out.vocabSize = YOKE_TRY(root.integer("vocab_size", 1, limit::tokenIds));
  out.hiddenSize = YOKE_TRY(root.integer("hidden_size", 1, limit::hiddenSize));
  out.layers = YOKE_TRY(root.integer("layers", 0, limit::layers));
  out.maxPositions = YOKE_TRY(root.integer("max_positions", 1, limit::tokenIds));
  out.bosTokenId = YOKE_TRY(root.optionalInteger("bos_token_id", 0, out.vocabSize - 1));
  out.eosTokenIds = YOKE_TRY(root.integers("eos_token_ids", 0, out.vocabSize - 1, maxListed));
  out.padTokenId = YOKE_TRY(root.optionalInteger("pad_token_id", 0, out.vocabSize - 1));
  out.step = YOKE_TRY(readStep(YOKE_TRY(root.object("step"))));
  if (auto loop = YOKE_TRY(root.optionalObject("loop")))
    out.loop = YOKE_TRY(readLoop(*loop, out));
  if (out.task == Task::Generate && out.step.outputColumns < out.vocabSize)
    return root.error("step.output_columns",
                      fmt::format("expected at least vocab_size {} for task \"generate\", found {}", out.vocabSize,
                                  out.step.outputColumns));
  if (auto draft = YOKE_TRY(root.optionalObject("draft")))
    out.draft = YOKE_TRY(readDraft(*draft, out.vocabSize));
  if (out.draft && out.step.featureColumns == 0)
    return root.error("step.feature_columns", "expected the columns of what the draft heads go on from");
  for (const JsonObject &kernel : YOKE_TRY(root.objects("kernels", maxListed))) {
    YOKE_TRY(kernel.expectOnly({"name", "calls"}));
    out.kernels.push_back({YOKE_TRY(kernel.string("name")), YOKE_TRY(kernel.integer("calls", 0, INT64_MAX))});
  }
  out.remarks = YOKE_TRY(root.strings("remarks", maxListed));
  out.tokenBytes = YOKE_TRY(root.optionalInteger("token_bytes", 0, INT64_MAX));
  return out;
}

Result<Manifest> Manifest::parse(std::string_view text, std::string_view source) {
  JsonLimits limits;
  limits.depth = 8;
  return fromJson(YOKE_TRY(parseJson(text, source, limits)), source);
}

} // namespace yoke
