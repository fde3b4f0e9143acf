//===- Import.cpp - from a Hugging Face checkpoint to the llm dialect -----===//
#include "Import/Import.h"

#include "Import/Family.h"
#include "Import/SpecialTokens.h"
#include "Import/heads/HeadImport.h"
#include "MoE/MoE.h"
#include "Support/Text.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Verifier.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace yoke;
using namespace yoke::import;

namespace {

struct Choice {
  const Family *family = nullptr;
  std::string architecture;
  std::optional<StoredScheme> scheme;
};

} // namespace

/// What `quantization_config` says, nothing without one.
static Result<std::optional<StoredScheme>> readScheme(const JsonObject &config) {
  for (std::string_view key : {"quantization_config", "compression_config"}) {
    const Json *value = config.find(key);
    if (!value || (value->is_object() && value->empty()))
      continue;
    return YOKE_TRY(StoredScheme::read(YOKE_TRY(config.object(key))));
  }
  return std::nullopt;
}

/// The family named by architectures[0], or by model_type when there are no architectures.
static Result<Choice> chooseFamily(const JsonObject &config) {
  std::vector<std::string> architectures;
  if (YOKE_TRY(config.optionalArray("architectures")))
    architectures = YOKE_TRY(config.strings("architectures", 64));
  std::string modelType = YOKE_TRY(config.string("model_type", ""));
  // BAGEL says by this field alone that a Qwen 2 is a Mixture-of-Transformers.
  if (config.has("layer_module") && YOKE_TRY(config.string("layer_module", "")) == "Qwen2MoTDecoderLayer")
    architectures = {"Qwen2MoTForCausalLM"};

  Choice choice;
  for (const Family *family : families())
    if (architectures.empty() ? family->modelType == modelType
                              : is_contained(family->architectures, architectures.front()))
      choice = {family, architectures.empty() ? family->architectures.front().str() : architectures.front(), {}};
  auto scheme = readScheme(config);
  if (choice.family && scheme) {
    choice.scheme = *scheme;
    return choice;
  }
  if (choice.family)
    return tl::unexpected<Error>(scheme.error());

  std::string problem;
  if (!choice.family && architectures.empty() && modelType.empty())
    problem = "architectures: expected a list of at least one name, found nothing";
  else
    problem = fmt::format("unsupported {} {}", architectures.empty() ? "model_type" : "architecture",
                          quote(architectures.empty() ? modelType : architectures.front()));
  problem += "; supported: " + llvm::join(supportedArchitectures(), ", ");
  if (!scheme)
    problem += "; " + StringRef(scheme.error().message).split(": ").second.str();
  return malformed("{}: {}", config.source(), problem);
}

static void setModelAttributes(ModelBuilder &model, const Choice &choice, const SpecialTokens &tokens) {
  OpBuilder &b = model.builder();
  SmallVector<NamedAttribute> attributes;
  auto set = [&](StringRef name, Attribute value) { attributes.push_back(b.getNamedAttr(name, value)); };
  auto setNumber = [&](StringRef name, int64_t value) { set(name, b.getI64IntegerAttr(value)); };
  set("architecture", b.getStringAttr(choice.architecture));
  set("task", b.getStringAttr(choice.family->task));
  setNumber("vocab_size", model.shape().vocabulary);
  setNumber("hidden_size", model.shape().hidden);
  setNumber("layers", model.shape().layers);
  setNumber("max_positions", model.shape().positions);
  if (tokens.bos)
    setNumber("bos_token_id", *tokens.bos);
  set("eos_token_ids", b.getDenseI64ArrayAttr(tokens.eos));
  if (tokens.pad)
    setNumber("pad_token_id", *tokens.pad);
  setNumber("parameters", model.weights().parameters());
  set("weight_type", b.getStringAttr(model.weights().matrixType()));
  model.module()->setAttr("llm.model", b.getDictionaryAttr(attributes));
}

Result<OwningOpRef<ModuleOp>> yoke::importModel(MLIRContext &context, std::string_view text,
                                                const Checkpoint &checkpoint, const ImportOptions &options) {
  context.loadDialect<arith::ArithDialect, func::FuncDialect, llm::LLMDialect, ml_program::MLProgramDialect,
                      moe::MoEDialect, tensor::TensorDialect>();
  std::string source = printable(checkpoint.folder(), 4096) + "/config.json";
  Json document = YOKE_TRY(parseJson(text, source, {.bytes = size_t(1) << 24, .allowNonFinite = true}));
  JsonObject fields = YOKE_TRY(JsonObject::from(document, source));
  Choice choice = YOKE_TRY(chooseFamily(fields));
  const Family &family = *choice.family;

  ConfigReader config(fields, choice.architecture);
  config.accept({"quantization_config", "compression_config"});
  ModelBuilder model(context, checkpoint, options, family.basePrefix);
  if (choice.scheme) {
    if (options.weightType != WeightType::AsStored)
      return usageError("{}: the weights are quantised already and are not converted to another type", source);
    model.weights().setScheme(*choice.scheme);
  }
  YOKE_TRY(family.build(config, model));
  YOKE_TRY(model.weights().check([&](StringRef name) {
    StringRef bare = name;
    bare.consume_front(family.basePrefix);
    return isBuffer(name) || isHeadTensor(name) || name == "lm_head.weight" || name == "embed_out.weight" ||
           any_of(family.unusedTensors, [&](StringRef unused) { return bare.starts_with(unused); });
  }));
  SpecialTokens tokens = YOKE_TRY(readSpecialTokens(fields, checkpoint, family.tokens, model.shape().vocabulary));
  setModelAttributes(model, choice, tokens);
  if (options.draft)
    YOKE_TRY(importHeads(model, *options.draft, fields));

  if (failed(verify(model.module())))
    return yoke::failed("{}: the imported module does not verify (an error in Yoke)", source);
  return model.take();
}

Result<OwningOpRef<ModuleOp>> yoke::importCheckpoint(MLIRContext &context, const Checkpoint &checkpoint,
                                                     const ImportOptions &options) {
  return importModel(context, checkpoint.config(), checkpoint, options);
}
