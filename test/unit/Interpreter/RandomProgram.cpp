#include "RandomProgram.h"
#include "Random.h"
#include "RandomTensors.h"

#include "LLM/LLM.h"
#include "MoE/MoE.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Verifier.h"

#include <cmath>

using namespace mlir;
using namespace yoke;

namespace {
enum class Norm { Rms, RmsOffset, Layer, LayerNoBias };
enum class Residual { Sequential, Sandwich, PostNorm, ParallelShared, ParallelTwo };
enum class QkNorm { None, Head, Whole };

struct Config {
  explicit Config(Random &random);

  bool isEncoder;
  int64_t hidden, layers, heads, kvHeads, headDim, vocab, inner, maxPositions = 64;
  Norm norm;
  Residual residual;
  QkNorm qkNorm;
  bool isRotary, isInterleaved, hasLongRope, isGated, hasBias, hasSeparateBias, isFusedQkv, isTied;
  int64_t ropeDims, positionOffset;
  int64_t latent, plain; ///< of latent attention: behind what rotates, and of a query before; 0: another attention
  int64_t experts, topK; ///< of each feed-forward block; 0: it is dense
  int64_t groups, topGroups;
  bool hasSharedExpert;
  float softcap, finalSoftcap, embeddingScale;
  std::string description;

  /// Columns of a head of the cache.
  int64_t width() const { return headDim + latent; }
};
} // namespace

Config::Config(Random &random) {
  isEncoder = random.oneIn(4);
  hidden = random.pick<int64_t>({20, 24, 40, 50, 64, 72, 96});
  layers = random.integer(1, 3);
  auto [q, kv] = random.pick<std::pair<int64_t, int64_t>>({{5, 1}, {4, 2}, {3, 3}, {6, 2}, {1, 1}, {8, 4}, {2, 2}});
  heads = q, kvHeads = kv;
  headDim = random.pick<int64_t>({6, 8, 10, 16, 20, 24, 32});
  vocab = random.pick<int64_t>({37, 64, 97, 130});
  inner = random.pick<int64_t>({36, 44, 64, 82, 128});
  norm = random.pick({Norm::Rms, Norm::Rms, Norm::RmsOffset, Norm::Layer, Norm::LayerNoBias});
  residual = random.pick({Residual::Sequential, Residual::Sequential, Residual::Sandwich, Residual::PostNorm,
                          Residual::ParallelShared, Residual::ParallelTwo});
  qkNorm = random.pick({QkNorm::None, QkNorm::None, QkNorm::Head, QkNorm::Whole});
  isRotary = !random.oneIn(4);
  isInterleaved = random.oneIn(3);
  hasLongRope = random.oneIn(4);
  ropeDims = random.oneIn(3) ? 2 * random.integer(1, headDim / 2) : headDim;
  isGated = !random.oneIn(3);
  hasBias = random.oneIn(2);
  hasSeparateBias = random.oneIn(3);
  isFusedQkv = random.oneIn(4);
  isTied = random.oneIn(3);
  positionOffset = random.pick<int64_t>({0, 0, 2});
  softcap = random.oneIn(4) ? 1.5f : 0.0f;
  finalSoftcap = random.oneIn(5) ? 2.0f : 0.0f;
  embeddingScale = random.oneIn(3) ? std::sqrt(static_cast<float>(hidden)) : 1.0f;
  latent = random.oneIn(5) ? random.pick<int64_t>({7, 16, 40}) : 0;
  plain = random.integer(1, 9);
  if (latent)
    kvHeads = 1, qkNorm = QkNorm::None;
  experts = random.oneIn(3) ? random.integer(2, 19) : 0;
  groups = experts && random.oneIn(2) ? random.pick<int64_t>({2, 3, 4}) : 1;
  topGroups = random.integer(1, groups);
  experts = (experts + groups - 1) / groups * groups;
  topK = experts ? random.integer(1, std::min<int64_t>(experts / groups * topGroups, 5)) : 0;
  hasSharedExpert = random.oneIn(2);
  description =
      fmt::format("{} hidden={} layers={} heads={}/{} head_dim={} vocab={} inner={} norm={} residual={} qk_norm={} "
                  "rope={}/{} gated={} bias={} fused_qkv={} softcap={} experts={}/{} latent={}",
                  isEncoder ? "encoder" : "decoder", hidden, layers, heads, kvHeads, headDim, vocab, inner,
                  static_cast<int>(norm), static_cast<int>(residual), static_cast<int>(qkNorm), isRotary, ropeDims,
                  isGated, hasBias, isFusedQkv, softcap, topK, experts, latent);
}

namespace {
/// Writes @step.
class ProgramWriter {
public:
  ProgramWriter(Random &random, const Config &config, ModuleOp module, FloatType element)
      : random(random), config(config), module(module), weights(random, module, element),
        b(module.getLoc(), module.getContext()) {}

  void write();
  std::vector<RandomTensor> takeTensors() { return weights.take(); }

private:
  RankedTensorType rows(int64_t columns) {
    return RankedTensorType::get({ShapedType::kDynamic, columns}, b.getF32Type());
  }
  FloatAttr f32(float value) { return b.getF32FloatAttr(value); }
  static int64_t columns(Value x) { return cast<RankedTensorType>(x.getType()).getDimSize(1); }
  llm::ActivationKind kind() { return static_cast<llm::ActivationKind>(random.integer(0, 7)); }

  Value embed();
  Value ropeTable();
  Value normalize(Value x, const std::string &name, int64_t group = 0);
  Value linear(Value x, const std::string &name, int64_t outputs);
  Value slice(Value x, int64_t begin, int64_t size);
  Value prepareHeads(Value x, const std::string &name);
  Value latentQuery(Value x, const std::string &name);
  Value latentResult(Value x, const std::string &name);
  Value attention(Value x, const std::string &name, int64_t layer);
  Value dense(Value x, const std::string &name);
  void writeExpert(moe::ExpertsOp op);
  Value experts(Value x, const std::string &name);
  Value feedForward(Value x, const std::string &name);
  Value chain(Value x);
  Value layer(Value x, int64_t index);
  Value head(Value x);

  Random &random;
  const Config &config;
  ModuleOp module;
  RandomTensors weights;
  ImplicitLocOpBuilder b;
  Value tokens, batch, cache, table;
};
} // namespace

Value ProgramWriter::embed() {
  Value words = weights.matrix(b, "embed.weight", config.vocab, config.hidden);
  Value x = llm::EmbeddingOp::create(b, rows(config.hidden), tokens, words, b.getI64IntegerAttr(0));
  if (config.embeddingScale != 1.0f)
    x = llm::ScaleOp::create(b, x, f32(config.embeddingScale));
  if (config.isRotary)
    return x;
  Value places = weights.matrix(b, "positions.weight", config.maxPositions + config.positionOffset, config.hidden);
  Value ids = llm::PositionsOp::create(b, RankedTensorType::get({ShapedType::kDynamic}, b.getI32Type()), batch);
  Value y = llm::EmbeddingOp::create(b, rows(config.hidden), ids, places, b.getI64IntegerAttr(config.positionOffset));
  return arith::AddFOp::create(b, x, y);
}

Value ProgramWriter::ropeTable() {
  SmallVector<float> frequencies, longFrequencies;
  for (int64_t i = 0; i < config.ropeDims; i += 2)
    frequencies.push_back(std::pow(50.0f, -static_cast<float>(i) / static_cast<float>(config.ropeDims)));
  if (config.hasLongRope)
    for (float frequency : frequencies)
      longFrequencies.push_back(frequency * 0.375f);
  auto rope = llm::RopeAttr::get(b.getContext(), frequencies, random.oneIn(3) ? 1.1f : 1.0f, longFrequencies,
                                 config.hasLongRope ? 1.2f : 1.0f, config.hasLongRope ? 9 : 0);
  return llm::RopeTableOp::create(b, batch, rope);
}

/// Over runs of `group` elements, or whole rows.
Value ProgramWriter::normalize(Value x, const std::string &name, int64_t group) {
  Value scale = weights.vector(b, name + ".weight", group ? group : columns(x));
  if (config.norm == Norm::Rms || config.norm == Norm::RmsOffset || group)
    return llm::RmsNormOp::create(b, x, scale, f32(1e-5f), f32(config.norm == Norm::RmsOffset ? 1.0f : 0.0f));
  Value bias = config.norm == Norm::Layer ? weights.vector(b, name + ".bias", columns(x)) : Value();
  return llm::LayerNormOp::create(b, x, scale, bias, f32(1e-5f));
}

Value ProgramWriter::linear(Value x, const std::string &name, int64_t outputs) {
  Value weight = weights.matrix(b, name + ".weight", outputs, columns(x));
  if (!config.hasBias || random.oneIn(4))
    return llm::LinearOp::create(b, x, weight, Value(), TypeAttr());
  Value bias = weights.vector(b, name + ".bias", outputs);
  if (!config.hasSeparateBias)
    return llm::LinearOp::create(b, x, weight, bias, TypeAttr());
  return llm::BiasOp::create(b, llm::LinearOp::create(b, x, weight, Value(), TypeAttr()), bias);
}

Value ProgramWriter::slice(Value x, int64_t begin, int64_t size) {
  Value zero = arith::ConstantIndexOp::create(b, 0);
  Value count = tensor::DimOp::create(b, x, zero);
  return tensor::ExtractSliceOp::create(b, rows(size), x, ValueRange{}, ValueRange{count}, ValueRange{},
                                        ArrayRef<int64_t>{0, begin}, ArrayRef<int64_t>{ShapedType::kDynamic, size},
                                        ArrayRef<int64_t>{1, 1});
}

/// Norm and rotation of queries or keys.
Value ProgramWriter::prepareHeads(Value x, const std::string &name) {
  if (config.qkNorm != QkNorm::None)
    x = normalize(x, name, config.qkNorm == QkNorm::Head ? config.headDim : columns(x));
  if (!table)
    return x;
  return llm::RopeOp::create(b, x, table, b.getI64IntegerAttr(config.width()),
                             llm::RopeStyleAttr::get(b.getContext(), config.isInterleaved ? llm::RopeStyle::interleaved
                                                                                          : llm::RopeStyle::half));
}

Value ProgramWriter::latentQuery(Value x, const std::string &name) {
  Value plain = linear(x, name + ".plain", config.heads * config.plain);
  Value latent = llm::HeadLinearOp::create(
      b, plain, weights.stack(b, name + ".latent", config.heads, config.latent, config.plain), uint64_t(0));
  Value rotating = linear(x, name + ".rotating", config.heads * config.headDim);
  return llm::ConcatHeadsOp::create(b, rotating, latent, static_cast<uint64_t>(config.heads));
}

/// Of the attended latents.
Value ProgramWriter::latentResult(Value x, const std::string &name) {
  int64_t first = random.integer(0, config.headDim);
  return llm::HeadLinearOp::create(b, x, weights.stack(b, name + ".value", config.heads, config.plain, config.latent),
                                   static_cast<uint64_t>(first));
}

Value ProgramWriter::attention(Value x, const std::string &name, int64_t layer) {
  int64_t width = config.heads * config.headDim, kvWidth = config.kvHeads * config.headDim;
  Value q, k, v;
  if (config.latent) {
    q = latentQuery(x, name + ".q");
    Value latent = normalize(linear(x, name + ".kv", config.latent), name + ".kv_norm");
    k = v = llm::ConcatHeadsOp::create(b, linear(x, name + ".k", config.headDim), latent, uint64_t(1));
  } else if (config.isFusedQkv) {
    Value all = linear(x, name + ".qkv", width + 2 * kvWidth);
    q = slice(all, 0, width), k = slice(all, width, kvWidth), v = slice(all, width + kvWidth, kvWidth);
  } else {
    q = linear(x, name + ".q", width), k = linear(x, name + ".k", kvWidth), v = linear(x, name + ".v", kvWidth);
  }
  q = prepareHeads(q, name + ".q_norm");
  k = prepareHeads(k, name + ".k_norm");
  auto mask = config.isEncoder ? llm::AttentionMask::bidirectional : llm::AttentionMask::causal;
  auto window = !config.isEncoder && random.oneIn(3) ? b.getI64IntegerAttr(random.integer(1, 12)) : IntegerAttr();
  auto softcap = config.softcap > 0 ? f32(config.softcap) : FloatAttr();
  SmallVector<Type> types{q.getType()};
  if (cache)
    types.push_back(cache.getType());
  auto op = llm::AttentionOp::create(
      b, types, q, k, v, batch, cache, b.getI64IntegerAttr(config.heads), b.getI64IntegerAttr(config.kvHeads),
      f32(1.0f / std::sqrt(static_cast<float>(config.headDim))), b.getI64IntegerAttr(layer),
      llm::AttentionMaskAttr::get(b.getContext(), mask), window, softcap);
  cache = op.getNewCache();
  Value result = config.latent ? latentResult(op.getResult(), name) : op.getResult();
  return linear(result, name + ".o", config.hidden);
}

Value ProgramWriter::dense(Value x, const std::string &name) {
  Value up = linear(x, name + ".up", config.inner);
  if (!config.isGated)
    return linear(llm::ActivationOp::create(b, kind(), up), name + ".down", config.hidden);
  Value gate = linear(x, name + ".gate", config.inner);
  return linear(llm::GatedOp::create(b, kind(), gate, up), name + ".down", config.hidden);
}

/// The region of `op`.
void ProgramWriter::writeExpert(moe::ExpertsOp op) {
  OpBuilder::InsertionGuard guard(b);
  Block &block = op.getBody().emplaceBlock();
  Value x = block.addArgument(op.getX().getType(), b.getLoc());
  for (Value stack : op.getMatrices()) {
    auto type = cast<RankedTensorType>(stack.getType());
    block.addArgument(RankedTensorType::get(type.getShape().drop_front(), type.getElementType()), b.getLoc());
  }
  b.setInsertionPointToStart(&block);
  Value y = llm::LinearOp::create(b, x, block.getArgument(1), Value(), TypeAttr());
  if (config.isGated) {
    Value gate = slice(y, 0, config.inner), up = slice(y, config.inner, config.inner);
    y = llm::GatedOp::create(b, kind(), gate, up);
  } else {
    y = llm::ActivationOp::create(b, kind(), y);
  }
  moe::YieldOp::create(b, llm::LinearOp::create(b, y, block.getArgument(2), Value(), TypeAttr()));
}

Value ProgramWriter::experts(Value x, const std::string &name) {
  Value logits = linear(x, name + ".router", config.experts);
  auto scoring = random.pick({moe::Scoring::softmax, moe::Scoring::softmax_chosen, moe::Scoring::sigmoid});
  bool hasBias = scoring == moe::Scoring::sigmoid && random.oneIn(2);
  Value bias = hasBias ? weights.vector(b, name + ".router.correction", config.experts) : Value();
  auto groups = static_cast<uint64_t>(config.groups), topGroups = static_cast<uint64_t>(config.topGroups);
  auto route = moe::RouteOp::create(b, scoring, logits, bias, static_cast<uint64_t>(config.topK), random.oneIn(2),
                                    llvm::APFloat(random.oneIn(3) ? 1.5f : 1.0f), groups, topGroups,
                                    config.experts / config.groups > 1 && random.oneIn(2));
  Value up = weights.stack(b, name + ".experts.up", config.experts, config.isGated ? 2 * config.inner : config.inner,
                           columns(x));
  Value down = weights.stack(b, name + ".experts.down", config.experts, config.hidden, config.inner);
  auto op =
      moe::ExpertsOp::create(b, rows(config.hidden), x, route.getWeights(), route.getExperts(), ValueRange{up, down});
  writeExpert(op);
  if (!config.hasSharedExpert)
    return op;
  Value gate = llm::ActivationOp::create(b, llm::ActivationKind::sigmoid, linear(x, name + ".shared_gate", 1));
  Value shared = moe::ScaleRowsOp::create(b, dense(x, name + ".shared"), gate);
  return arith::AddFOp::create(b, op, shared);
}

Value ProgramWriter::feedForward(Value x, const std::string &name) {
  return config.experts ? experts(x, name) : dense(x, name);
}

/// A few element-wise ops.
Value ProgramWriter::chain(Value x) {
  for (int64_t i = random.integer(0, 2); i > 0; --i)
    switch (random.integer(0, 4)) {
    case 0:
      x = llm::ScaleOp::create(b, x, f32(random.uniform()));
      break;
    case 1:
      x = arith::MulFOp::create(b, x, llm::ActivationOp::create(b, llm::ActivationKind::sigmoid, x));
      break;
    case 2:
      x = arith::SubFOp::create(b, llm::ActivationOp::create(b, llm::ActivationKind::tanh, x), x);
      break;
    case 3:
      x = llm::SoftcapOp::create(b, x, f32(3.0f));
      break;
    default:
      x = llm::ActivationOp::create(b, kind(), x);
    }
  return x;
}

Value ProgramWriter::layer(Value x, int64_t index) {
  std::string name = fmt::format("layers.{}", index);
  auto norm = [&](Value value, const char *suffix) { return normalize(value, name + suffix); };
  auto add = [&](Value a, Value c) -> Value { return arith::AddFOp::create(b, a, c); };
  switch (config.residual) {
  case Residual::Sequential:
    x = add(x, attention(norm(x, ".norm1"), name, index));
    return add(x, feedForward(norm(x, ".norm2"), name));
  case Residual::Sandwich:
    x = add(x, norm(attention(norm(x, ".norm1"), name, index), ".norm2"));
    return add(x, norm(feedForward(norm(x, ".norm3"), name), ".norm4"));
  case Residual::PostNorm:
    x = norm(add(x, attention(x, name, index)), ".norm1");
    return norm(add(x, feedForward(x, name)), ".norm2");
  case Residual::ParallelShared: {
    Value n = norm(x, ".norm1");
    Value attended = attention(n, name, index);
    return add(x, add(attended, feedForward(n, name)));
  }
  case Residual::ParallelTwo: {
    Value attended = attention(norm(x, ".norm1"), name, index);
    return add(add(x, attended), feedForward(norm(x, ".norm2"), name));
  }
  }
  return x;
}

Value ProgramWriter::head(Value x) {
  if (config.isEncoder) {
    auto pooling = random.pick({llm::PoolKind::mean, llm::PoolKind::first, llm::PoolKind::last});
    return llm::PoolOp::create(b, pooling, x, batch, random.oneIn(2));
  }
  Value weight = config.isTied ? RandomTensors::load(b, module, "embed.weight")
                               : weights.matrix(b, "lm_head.weight", config.vocab, config.hidden);
  Value bias = random.oneIn(5) ? weights.vector(b, "lm_head.bias", config.vocab) : Value();
  Value logits = llm::LmHeadOp::create(b, x, weight, batch, bias, TypeAttr());
  if (config.finalSoftcap > 0)
    logits = llm::SoftcapOp::create(b, logits, f32(config.finalSoftcap));
  return logits;
}

void ProgramWriter::write() {
  SmallVector<Type> arguments{RankedTensorType::get({ShapedType::kDynamic}, b.getI32Type()),
                              llm::BatchType::get(b.getContext())};
  SmallVector<Type> results{rows(config.isEncoder ? config.hidden : config.vocab)};
  if (!config.isEncoder) {
    arguments.push_back(
        llm::KVCacheType::get(b.getContext(), config.layers, config.kvHeads, config.width(), b.getF32Type()));
    results.push_back(arguments.back());
  }
  b.setInsertionPointToEnd(module.getBody());
  auto function = func::FuncOp::create(b, "step", b.getFunctionType(arguments, results));
  Block &entry = *function.addEntryBlock();
  b.setInsertionPointToStart(&entry);
  tokens = entry.getArgument(0);
  batch = entry.getArgument(1);
  cache = config.isEncoder ? Value() : Value(entry.getArgument(2));
  Value x = embed();
  table = config.isRotary ? ropeTable() : Value();
  if (config.isEncoder)
    x = normalize(x, "embed.norm");
  for (int64_t i = 0; i < config.layers; ++i)
    x = chain(layer(x, i));
  if (config.residual != Residual::PostNorm)
    x = normalize(x, "norm");
  SmallVector<Value> values{head(x)};
  if (cache)
    values.push_back(cache);
  func::ReturnOp::create(b, values);
}

static DictionaryAttr modelAttribute(Builder b, const Config &config, const RandomProgram &program, FloatType element) {
  int64_t parameters = 0;
  for (const RandomTensor &tensor : program.tensors)
    parameters += static_cast<int64_t>(tensor.values.data.size());
  std::string weightType;
  llvm::raw_string_ostream(weightType) << element;
  auto named = [&](StringRef name, Attribute value) { return b.getNamedAttr(name, value); };
  return b.getDictionaryAttr({
      named("architecture", b.getStringAttr(config.isEncoder ? "RandomModel" : "RandomForCausalLM")),
      named("task", b.getStringAttr(config.isEncoder ? "embed" : "generate")),
      named("vocab_size", b.getI64IntegerAttr(config.vocab)),
      named("hidden_size", b.getI64IntegerAttr(config.hidden)),
      named("layers", b.getI64IntegerAttr(config.layers)),
      named("max_positions", b.getI64IntegerAttr(config.maxPositions)),
      named("eos_token_ids", b.getDenseI64ArrayAttr({1})),
      named("parameters", b.getI64IntegerAttr(parameters)),
      named("weight_type", b.getStringAttr(weightType)),
  });
}

RandomProgram yoke::makeRandomProgram(MLIRContext &context, uint64_t seed) {
  context.loadDialect<llm::LLMDialect, moe::MoEDialect, func::FuncDialect, arith::ArithDialect, tensor::TensorDialect,
                      ml_program::MLProgramDialect>();
  Random random(seed);
  Config config(random);
  FloatType element =
      random.pick<FloatType>({Float32Type::get(&context), BFloat16Type::get(&context), Float16Type::get(&context)});
  RandomProgram program;
  program.module = ModuleOp::create(UnknownLoc::get(&context));
  ProgramWriter writer(random, config, *program.module, element);
  writer.write();
  program.tensors = writer.takeTensors();
  (*program.module)->setAttr("llm.model", modelAttribute(Builder(&context), config, program, element));
  program.description = fmt::format("seed {}: {}", seed, config.description);
  program.isEncoder = config.isEncoder;
  program.vocabSize = config.vocab;
  program.maxPositions = config.maxPositions;
  if (failed(verify(*program.module)))
    program.module = nullptr;
  return program;
}
