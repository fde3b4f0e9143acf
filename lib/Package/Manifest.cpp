#include "Package/Manifest.h"

#include <algorithm>

namespace yoke {
namespace {

Json optionalToJson(const std::optional<int64_t> &value) { return value ? Json(*value) : Json(nullptr); }

Json stepToJson(const StepDescription &step) {
  Json layers = Json::array();
  for (const KvLayer &layer : step.kvLayers) {
    layers.push_back({{"heads", layer.heads},
                      {"head_dim", layer.headDim},
                      {"key_offset", layer.keyOffset},
                      {"value_offset", layer.valueOffset}});
    if (layer.elementBytes != 4)
      layers.back()["element_bytes"] = layer.elementBytes;
  }
  Json json = {{"max_tokens", step.maxTokens},
               {"arena_bytes", step.arenaBytes},
               {"arena_bytes_per_thread", step.arenaBytesPerThread},
               {"max_threads", step.maxThreads},
               {"page_tokens", step.pageTokens},
               {"page_bytes", step.pageBytes},
               {"output_columns", step.outputColumns},
               {"kv_layers", std::move(layers)}};
  if (step.ropeSwitch > 0)
    json["rope_switch"] = step.ropeSwitch;
  for (const StepRecord &record : step.records)
    json["records"].push_back({{"kind", StepRecord::names[static_cast<size_t>(record.kind)]},
                               {"layer", record.layer},
                               {"offset", record.offset},
                               {"size", record.size}});
  if (step.featureColumns > 0)
    json["feature_columns"] = step.featureColumns;
  return json;
}

Json draftToJson(const DraftDescription &draft) {
  Json entries = Json::array();
  for (const DraftEntry &entry : draft.entries)
    entries.push_back({{"name", entry.name}, {"step", stepToJson(entry.step)}});
  return {
      {"kind", draft.kind}, {"heads", draft.heads}, {"vocabulary", draft.vocabulary}, {"entries", std::move(entries)}};
}

} // namespace

bool isDraftHeads(std::string_view spec) {
  return std::ranges::find(draftHeadKinds, spec.substr(0, spec.find(':'))) != std::end(draftHeadKinds);
}

const DraftEntry *DraftDescription::find(std::string_view name) const {
  for (const DraftEntry &entry : entries)
    if (entry.name == name)
      return &entry;
  return nullptr;
}

Json Manifest::toJson() const {
  Json kernelList = Json::array();
  for (const KernelUse &kernel : kernels)
    kernelList.push_back({{"name", kernel.name}, {"calls", kernel.calls}});
  Json json = {
      {"format", formatVersion},
      {"yoke", yokeVersion},
      {"llvm", llvmVersion},
      {"architecture", architecture},
      {"task", taskName(task)},
      {"target",
       {{"triple", target.triple}, {"cpu", target.cpu}, {"level", target.level}, {"features", target.features}}},
      {"source_sha256", sourceSha256},
      {"parameters", parameters},
      {"weight_type", weightType},
      {"vocab_size", vocabSize},
      {"hidden_size", hiddenSize},
      {"layers", layers},
      {"max_positions", maxPositions},
      {"bos_token_id", optionalToJson(bosTokenId)},
      {"eos_token_ids", eosTokenIds},
      {"pad_token_id", optionalToJson(padTokenId)},
      {"step", stepToJson(step)},
      {"kernels", std::move(kernelList)},
      {"remarks", remarks},
      {"token_bytes", optionalToJson(tokenBytes)}};
  if (loop)
    json["loop"] = {{"draft", loop->draft}, {"capacity", loop->capacity}, {"best", loop->best}};
  if (draft)
    json["draft"] = draftToJson(*draft);
  return json;
}

} // namespace yoke
