#include "DecoderProgram.h"
#include "Random.h"

#include "LLM/LLM.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Parser/Parser.h"

#include <cmath>

using namespace mlir;
using namespace yoke;

static constexpr const char *modelAttribute =
    R"({llm.model = {architecture = "TestForCausalLM", task = "generate", vocab_size = 37 : i64, hidden_size = 29 : i64,
        layers = 1 : i64, max_positions = 512 : i64, eos_token_ids = array<i64: 1>, parameters = 1 : i64,
        weight_type = "f32"}})";

static std::string global(const std::string &name, const std::string &type, int64_t rows) {
  return fmt::format("ml_program.global private @{0}(#llm.weight<#llm.piece<\"{0}\", offset = 0, block = {2}, stride = "
                     "{2}, count = 1>>) : {1}\n",
                     name, type, rows);
}

static std::string load(const std::string &name, const std::string &type) {
  return fmt::format("%{0} = ml_program.global_load_const @{0} : {1}\n", name, type);
}

/// A program whose globals are tensors of their own names.
static RandomProgram parse(MLIRContext &context, const std::string &globals, const std::string &step) {
  context.loadDialect<llm::LLMDialect, func::FuncDialect, arith::ArithDialect, tensor::TensorDialect,
                      ml_program::MLProgramDialect>();
  RandomProgram program;
  program.module = parseSourceString<ModuleOp>(
      fmt::format("module attributes {} {{\n{}{}}}", modelAttribute, globals, step), &context, "program.mlir");
  program.vocabSize = decoderVocabSize;
  program.maxPositions = 512;
  return program;
}

static void fillTensors(RandomProgram &program, uint64_t seed) {
  Random random(seed);
  for (auto op : program.module->getOps<ml_program::GlobalOp>()) {
    auto type = cast<RankedTensorType>(op.getType());
    bool isVector = type.getRank() == 1;
    Matrix values(type.getDimSize(0), isVector ? 1 : type.getDimSize(1));
    float size = isVector ? 1.0f : std::sqrt(3.0f / static_cast<float>(values.cols));
    for (float &value : values.data)
      value = random.uniform() * size;
    // Stored wide, rounded by whoever reads it.
    program.tensors.push_back({op.getSymName().str(), Float32Type::get(type.getContext()), isVector, values});
  }
}

std::string DecoderShape::describe() const {
  return fmt::format("heads={}/{} head_dim={} rope={} window={} softcap={} gain={} {} cache {}", heads, kvHeads,
                     headDim, ropeDims, window, softcap, queryGain, element, cache);
}

RandomProgram yoke::makeDecoder(MLIRContext &context, const DecoderShape &shape) {
  int64_t width = shape.heads * shape.headDim, kvWidth = shape.kvHeads * shape.headDim;
  std::string globals, loads;
  auto weight = [&](const char *name, int64_t rows, int64_t inputs) {
    std::string type = inputs ? fmt::format("tensor<{}x{}x{}>", rows, inputs, shape.element)
                              : fmt::format("tensor<{}x{}>", rows, shape.element);
    globals += global(name, type, rows);
    loads += load(name, type);
    return type;
  };
  constexpr int64_t hidden = decoderHiddenSize, vocab = decoderVocabSize;
  std::string embed = weight("embed", vocab, hidden), norm = weight("norm", hidden, 0);
  std::string qWeight = weight("q", width, hidden), kWeight = weight("k", kvWidth, hidden),
              vWeight = weight("v", kvWidth, hidden), oWeight = weight("o", hidden, width);
  auto rows = [](int64_t columns) { return fmt::format("tensor<?x{}xf32>", columns); };
  std::string cacheType = fmt::format("!llm.kv_cache<layers = 1, heads = {}, head_dim = {}, {}>", shape.kvHeads,
                                      shape.headDim, shape.cache);

  std::string body = loads;
  body += fmt::format("%x = llm.embedding %tokens, %embed : (tensor<?xi32>, {}) -> {}\n", embed, rows(hidden));
  body += fmt::format("%n = llm.rms_norm %x, %norm {{epsilon = 1.0e-5 : f32}} : {}, {}\n", rows(hidden), norm);
  auto linear = [&](const char *result, const char *input, const char *name, const std::string &type, int64_t inputs,
                    int64_t outputs) {
    body += fmt::format("%{} = llm.linear %{}, %{} : ({}, {}) -> {}\n", result, input, name, rows(inputs), type,
                        rows(outputs));
  };
  linear("q0", "n", "q", qWeight, hidden, width);
  linear("k0", "n", "k", kWeight, hidden, kvWidth);
  linear("v0", "n", "v", vWeight, hidden, kvWidth);
  const char *query = "q0", *key = "k0";
  if (shape.ropeDims > 0) {
    std::string frequencies;
    for (int64_t i = 0; i < shape.ropeDims; i += 2)
      frequencies += fmt::format("{}{:.6f}", i ? ", " : "",
                                 std::pow(100.0, -static_cast<double>(i) / static_cast<double>(shape.ropeDims)));
    std::string table = rows(shape.ropeDims);
    body +=
        fmt::format("%table = llm.rope_table %batch {{rope = #llm.rope<frequencies = [{}], magnitude = 1.0>}} : {}\n",
                    frequencies, table);
    for (auto [result, input, columns] : {std::tuple("q1", "q0", width), std::tuple("k1", "k0", kvWidth)})
      body += fmt::format("%{} = llm.rope %{}, %table {{head_dim = {}}} : {}, {}\n", result, input, shape.headDim,
                          rows(columns), table);
    query = "q1", key = "k1";
  }
  std::string extras;
  if (shape.window > 0)
    extras += fmt::format(", window = {}", shape.window);
  if (shape.softcap > 0)
    extras += fmt::format(", softcap = {:e} : f32", shape.softcap);
  if (shape.isBidirectional)
    extras += ", mask = #llm.mask<bidirectional>";
  std::string more = shape.hasCache ? ", " + cacheType : "";
  body +=
      fmt::format("%a{} = llm.attention %{}, %{}, %v0, %batch{} {{heads = {}, kv_heads = {}, scale = {:e} : f32{}}} "
                  ": ({}, {}, {}, !llm.batch{}) -> ({}{})\n",
                  shape.hasCache ? ", %cache1" : "", query, key, shape.hasCache ? " cache %cache" : "", shape.heads,
                  shape.kvHeads, shape.queryGain / std::sqrt(static_cast<double>(shape.headDim)), extras, rows(width),
                  rows(kvWidth), rows(kvWidth), more, rows(width), more);
  linear("o0", "a", "o", oWeight, width, hidden);
  body += fmt::format("%s = arith.addf %x, %o0 : {}\n", rows(hidden));
  body += fmt::format("%y = llm.lm_head %s, %embed, %batch : ({}, {}, !llm.batch) -> {}\n", rows(hidden), embed,
                      rows(vocab));
  std::string step = fmt::format("func.func @step(%tokens: tensor<?xi32>, %batch: !llm.batch{}) -> ({}{}) "
                                 "{{\n{}return %y{} : {}{}\n}}\n",
                                 shape.hasCache ? ", %cache: " + cacheType : "", rows(vocab), more, body,
                                 shape.hasCache ? ", %cache1" : "", rows(vocab), more);
  RandomProgram program = parse(context, globals, step);
  program.description = shape.describe();
  if (program.module)
    fillTensors(program, static_cast<uint64_t>(shape.heads * 1000 + shape.headDim));
  return program;
}

RandomProgram yoke::makeElementwise(MLIRContext &context, const std::string &ops, const std::vector<float> &values) {
  auto count = static_cast<int64_t>(values.size());
  std::string table = fmt::format("tensor<2x{}xf32>", count), rows = fmt::format("tensor<?x{}xf32>", count);
  std::string step = fmt::format("func.func @step(%tokens: tensor<?xi32>, %batch: !llm.batch) -> {1} {{\n{2}"
                                 "%x = llm.embedding %tokens, %table : (tensor<?xi32>, {0}) -> {1}\n"
                                 "{3}\nreturn %y : {1}\n}}\n",
                                 table, rows, load("table", table), ops);
  RandomProgram program = parse(context, global("table", table, 2), step);
  program.description = ops;
  Matrix stored(2, count);
  for (int64_t row = 0; row < 2; ++row)
    std::copy(values.begin(), values.end(), stored.row(row));
  program.tensors.push_back({"table", Float32Type::get(&context), false, std::move(stored)});
  return program;
}
