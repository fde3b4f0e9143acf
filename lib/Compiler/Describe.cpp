//===- Describe.cpp - a module's attributes as a manifest -----------------===//
#include "Compiler/Describe.h"

#include "LLM/LLM.h"

#include "mlir/IR/BuiltinAttributes.h"

using namespace mlir;
using namespace yoke;

namespace {
/// Typed reads from a dictionary attribute of the module.
class Fields {
public:
  Fields(ModuleOp module, StringRef name) : Fields(name, module->getAttrOfType<DictionaryAttr>(name)) {}
  Fields(StringRef name, DictionaryAttr dictionary) : name(name.str()), dictionary(dictionary) {}

  bool present() const { return static_cast<bool>(dictionary); }

  std::optional<int64_t> optionalInteger(StringRef key) const {
    auto value = dyn_cast_if_present<IntegerAttr>(dictionary.get(key));
    return value ? std::optional(value.getInt()) : std::nullopt;
  }
  Result<int64_t> integer(StringRef key) const {
    if (auto value = optionalInteger(key))
      return *value;
    return malformed("module attribute {}: expected an integer {}", name, key.str());
  }
  Result<std::string> string(StringRef key) const {
    if (auto value = dyn_cast_if_present<StringAttr>(dictionary.get(key)))
      return value.getValue().str();
    return malformed("module attribute {}: expected a string {}", name, key.str());
  }
  DictionaryAttr all() const { return dictionary; }

private:
  std::string name;
  DictionaryAttr dictionary;
};
} // namespace

static Status describeStep(const Fields &step, StepDescription &out) {
  out.maxTokens = YOKE_TRY(step.integer("max_tokens"));
  out.arenaBytes = YOKE_TRY(step.integer("arena_bytes"));
  out.arenaBytesPerThread = YOKE_TRY(step.integer("arena_bytes_per_thread"));
  out.outputColumns = YOKE_TRY(step.integer("output_columns"));
  out.featureColumns = step.optionalInteger("feature_columns").value_or(0);
  out.pageTokens = YOKE_TRY(step.integer("page_tokens"));
  out.pageBytes = step.optionalInteger("page_bytes").value_or(0);
  int64_t layers = step.optionalInteger("kv_layers").value_or(0);
  for (int64_t layer = 0; layer < layers; ++layer) {
    KvLayer kv;
    kv.heads = YOKE_TRY(step.integer("kv_heads"));
    kv.headDim = YOKE_TRY(step.integer("kv_head_dim"));
    kv.elementBytes = YOKE_TRY(step.integer("kv_element_bytes"));
    int64_t layerBytes = out.pageBytes / layers;
    kv.keyOffset = layer * layerBytes;
    kv.valueOffset = kv.keyOffset + layerBytes / 2;
    out.kvLayers.push_back(kv);
  }
  auto records = dyn_cast_if_present<ArrayAttr>(step.all().get("records"));
  if (!records)
    return {};
  for (auto record : records.getAsRange<DictionaryAttr>()) {
    auto number = [&](StringRef key) { return record.getAs<IntegerAttr>(key).getInt(); };
    auto kind = llvm::find(StepRecord::names, std::string_view(record.getAs<StringAttr>("kind").getValue()));
    out.records.push_back({static_cast<StepRecord::Kind>(kind - std::begin(StepRecord::names)), number("layer"),
                           number("offset"), number("size")});
  }
  return {};
}

/// Draft heads, nothing without them.
static Result<std::optional<DraftDescription>> describeDraft(ModuleOp module) {
  Fields draft(module, "llm.draft"), entries(module, "llm.entries");
  if (!draft.present())
    return std::nullopt;
  if (!entries.present())
    return malformed("the module has an attribute llm.draft, but no function of draft heads");
  DraftDescription out;
  out.kind = YOKE_TRY(draft.string("kind"));
  out.heads = YOKE_TRY(draft.integer("heads"));
  out.vocabulary = YOKE_TRY(draft.integer("vocabulary"));
  for (NamedAttribute entry : entries.all()) {
    DraftEntry described{entry.getName().str(), {}};
    YOKE_TRY(describeStep(Fields(entry.getName(), dyn_cast<DictionaryAttr>(entry.getValue())), described.step));
    out.entries.push_back(std::move(described));
  }
  return out;
}

Result<Manifest> yoke::describeModule(ModuleOp module) {
  Fields model(module, "llm.model"), step(module, "llm.step"), kernels(module, "llm.kernels");
  if (!model.present() || !step.present() || !kernels.present())
    return malformed("the module has no llm.model attribute that says what the model is");
  Manifest out;
  out.architecture = YOKE_TRY(model.string("architecture"));
  out.task = YOKE_TRY(model.string("task")) == "embed" ? Task::Embed : Task::Generate;
  out.vocabSize = YOKE_TRY(model.integer("vocab_size"));
  out.hiddenSize = YOKE_TRY(model.integer("hidden_size"));
  out.layers = YOKE_TRY(model.integer("layers"));
  out.maxPositions = YOKE_TRY(model.integer("max_positions"));
  out.parameters = YOKE_TRY(model.integer("parameters"));
  out.weightType = YOKE_TRY(model.string("weight_type"));
  out.bosTokenId = model.optionalInteger("bos_token_id");
  out.padTokenId = model.optionalInteger("pad_token_id");
  if (auto ids = dyn_cast_if_present<DenseI64ArrayAttr>(model.all().get("eos_token_ids")))
    out.eosTokenIds.assign(ids.asArrayRef().begin(), ids.asArrayRef().end());
  YOKE_TRY(describeStep(step, out.step));
  if (Fields loop(module, "decode.loop"); loop.present())
    out.loop = LoopDescription{"", YOKE_TRY(loop.integer("capacity")), loop.optionalInteger("best").value_or(0)};
  out.draft = YOKE_TRY(describeDraft(module));
  if (auto bytes = module->getAttrOfType<IntegerAttr>("llm.token_bytes"))
    out.tokenBytes = bytes.getInt();
  for (NamedAttribute entry : kernels.all())
    if (auto calls = dyn_cast<IntegerAttr>(entry.getValue()))
      out.kernels.push_back({entry.getName().str(), calls.getInt()});
  return out;
}

int64_t yoke::ropeSwitchOf(ModuleOp module) {
  int64_t from = 0;
  module.walk([&](llm::RopeTableOp op) {
    if (!op.getRope().getLongFrequencies().empty())
      from = op.getRope().getLongFrom();
  });
  return from;
}
