// Ops decomposed, bufferized and run by upstream, against the interpreter, on random values of every element type.
#include "BufferizedFunction.h"

#include "Compiler/Registration.h"
#include "Decompose/Decompose.h"
#include "Interpreter/Interpreter.h"
#include "LLM/LLM.h"
#include "Random.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"

#include <cmath>
#include <gtest/gtest.h>

using namespace mlir;
using namespace yoke;

namespace {

struct Case {
  std::string name;
  /// The text of @f. `E` stands for the activations' element type, `W` for the weights'.
  std::string text;
};

void PrintTo(const Case &test, std::ostream *out) { *out << test.name; }

std::string activationOf(const std::string &kind) {
  return "func.func @f(%x: tensor<?x21xE>) -> tensor<?x21xE> {\n"
         "  %y = llm.activation " +
         kind + " %x : tensor<?x21xE>\n  return %y : tensor<?x21xE>\n}";
}

std::string ropeOf(const std::string &style, int dims) {
  std::string table = "tensor<?x" + std::to_string(dims) + "xE>";
  return "func.func @f(%x: tensor<?x30xE>, %table: " + table +
         ") -> tensor<?x30xE> {\n"
         "  %y = llm.rope %x, %table {head_dim = 10, style = #llm.rope_style<" +
         style + ">} : tensor<?x30xE>, " + table + "\n  return %y : tensor<?x30xE>\n}";
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const char *kind : {"silu", "gelu", "gelu_tanh", "gelu_quick", "relu", "relu_squared", "tanh", "sigmoid"})
    all.push_back({std::string("activation_") + kind, activationOf(kind)});
  all.push_back({"rope_half", ropeOf("half", 10)});
  all.push_back({"rope_interleaved", ropeOf("interleaved", 10)});
  all.push_back({"rope_half_partial", ropeOf("half", 6)});
  all.push_back({"rope_interleaved_partial", ropeOf("interleaved", 4)});
  all.push_back({"gated", R"(func.func @f(%g: tensor<?x13xE>, %u: tensor<?x13xE>) -> tensor<?x13xE> {
    %y = llm.gated gelu_tanh %g, %u : tensor<?x13xE>
    return %y : tensor<?x13xE>
  })"});
  all.push_back({"scale_softcap", R"(func.func @f(%x: tensor<?x13xE>) -> tensor<?x13xE> {
    %s = llm.scale %x {factor = 2.5 : f32} : tensor<?x13xE>
    %y = llm.softcap %s {cap = 1.25 : f32} : tensor<?x13xE>
    return %y : tensor<?x13xE>
  })"});
  all.push_back({"bias", R"(func.func @f(%x: tensor<?x13xE>, %b: tensor<13xW>) -> tensor<?x13xE> {
    %y = llm.bias %x, %b : tensor<?x13xE>, tensor<13xW>
    return %y : tensor<?x13xE>
  })"});
  all.push_back({"linear", R"(func.func @f(%x: tensor<?x37xE>, %w: tensor<19x37xW>) -> tensor<?x19xE> {
    %y = llm.linear %x, %w : (tensor<?x37xE>, tensor<19x37xW>) -> tensor<?x19xE>
    return %y : tensor<?x19xE>
  })"});
  all.push_back(
      {"linear_bias", R"(func.func @f(%x: tensor<?x37xE>, %w: tensor<19x37xW>, %b: tensor<19xW>) -> tensor<?x19xE> {
    %y = llm.linear %x, %w bias %b : (tensor<?x37xE>, tensor<19x37xW>, tensor<19xW>) -> tensor<?x19xE>
    return %y : tensor<?x19xE>
  })"});
  all.push_back({"rms_norm", R"(func.func @f(%x: tensor<?x24xE>, %g: tensor<24xW>) -> tensor<?x24xE> {
    %y = llm.rms_norm %x, %g {epsilon = 1.0e-2 : f32} : tensor<?x24xE>, tensor<24xW>
    return %y : tensor<?x24xE>
  })"});
  all.push_back({"rms_norm_of_heads", R"(func.func @f(%x: tensor<?x24xE>, %g: tensor<6xW>) -> tensor<?x24xE> {
    %y = llm.rms_norm %x, %g {epsilon = 1.0e-2 : f32, scale_offset = 1.0 : f32} : tensor<?x24xE>, tensor<6xW>
    return %y : tensor<?x24xE>
  })"});
  all.push_back({"layer_norm", R"(func.func @f(%x: tensor<?x23xE>, %g: tensor<23xW>) -> tensor<?x23xE> {
    %y = llm.layer_norm %x, %g {epsilon = 1.0e-3 : f32} : tensor<?x23xE>, tensor<23xW>
    return %y : tensor<?x23xE>
  })"});
  all.push_back(
      {"layer_norm_bias", R"(func.func @f(%x: tensor<?x23xE>, %g: tensor<23xW>, %b: tensor<23xW>) -> tensor<?x23xE> {
    %y = llm.layer_norm %x, %g bias %b {epsilon = 1.0e-3 : f32} : tensor<?x23xE>, tensor<23xW>, tensor<23xW>
    return %y : tensor<?x23xE>
  })"});
  all.push_back({"embedding", R"(func.func @f(%ids: tensor<?xi32>, %table: tensor<9x11xW>) -> tensor<?x11xE> {
    %y = llm.embedding %ids, %table {offset = 2 : i64} : (tensor<?xi32>, tensor<9x11xW>) -> tensor<?x11xE>
    return %y : tensor<?x11xE>
  })"});
  all.push_back({"feed_forward", R"(
  func.func @f(%x: tensor<?x24xE>, %g: tensor<24xW>, %gate: tensor<40x24xW>, %up: tensor<40x24xW>, %down: tensor<24x40xW>) -> tensor<?x24xE> {
    %y = llm.fused "whole" (%x, %g, %gate, %up, %down) : (tensor<?x24xE>, tensor<24xW>, tensor<40x24xW>, tensor<40x24xW>, tensor<24x40xW>) -> tensor<?x24xE> {
    ^bb0(%x0: tensor<?x24xE>, %g0: tensor<24xW>, %gate0: tensor<40x24xW>, %up0: tensor<40x24xW>, %down0: tensor<24x40xW>):
      %n = llm.rms_norm %x0, %g0 {epsilon = 1.0e-5 : f32} : tensor<?x24xE>, tensor<24xW>
      %a = llm.linear %n, %gate0 : (tensor<?x24xE>, tensor<40x24xW>) -> tensor<?x40xE>
      %b = llm.linear %n, %up0 : (tensor<?x24xE>, tensor<40x24xW>) -> tensor<?x40xE>
      %c = llm.gated silu %a, %b : tensor<?x40xE>
      %d = llm.linear %c, %down0 : (tensor<?x40xE>, tensor<24x40xW>) -> tensor<?x24xE>
      %e = arith.addf %x0, %d : tensor<?x24xE>
      llm.yield %e : tensor<?x24xE>
    }
    return %y : tensor<?x24xE>
  })"});
  return all;
}

struct Types {
  std::string activations, weights;
};

void PrintTo(const Types &types, std::ostream *out) { *out << types.activations << " by " << types.weights; }

class DecomposeBase : public testing::Test {
protected:
  DecomposeBase() {
    DialectRegistry registry;
    registerEverything(registry);
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
    context.disableMultithreading();
  }

  /// One argument of each type; ragged dimensions have `rows` rows.
  static std::vector<TensorArgument> randomArguments(func::FuncOp function, int64_t rows, Random &random) {
    std::vector<TensorArgument> arguments;
    for (Type type : function.getArgumentTypes()) {
      auto tensor = cast<RankedTensorType>(type);
      int64_t height = tensor.isDynamicDim(0) ? rows : tensor.getDimSize(0);
      if (tensor.getElementType().isInteger(32)) {
        std::vector<int32_t> ids;
        for (int64_t i = 0; i < height; ++i)
          ids.push_back(static_cast<int32_t>(random.integer(0, 6)));
        arguments.emplace_back(std::move(ids));
        continue;
      }
      Matrix matrix(height, tensor.getRank() == 2 ? tensor.getDimSize(1) : 1);
      for (float &value : matrix.data)
        value = 3 * random.uniform();
      arguments.emplace_back(std::move(matrix));
    }
    return arguments;
  }

  static Result<Matrix> interpret(ModuleOp module, const std::vector<TensorArgument> &arguments, int64_t rows) {
    std::vector<int32_t> tokens(static_cast<size_t>(rows), 0);
    std::vector<Matrix> inputs;
    for (const TensorArgument &argument : arguments)
      if (const auto *matrix = std::get_if<Matrix>(&argument))
        inputs.push_back(*matrix);
      else
        tokens = std::get<std::vector<int32_t>>(argument);
    Batch batch;
    appendChain(batch, 0, 0, tokens);
    KvCache cache;
    Interpreter interpreter(module, randomWeights(1));
    std::vector<Matrix> results = YOKE_TRY(interpreter.run("f", batch, cache, inputs));
    return std::move(results.front());
  }

  /// Runs @f of `compiled` and compares it with @f of `module`; `relative` to the largest expected value.
  static void expectEqual(ModuleOp module, BufferizedFunction &compiled, const std::vector<TensorArgument> &arguments,
                          int64_t rows, float relative) {
    auto expected = interpret(module, arguments, rows);
    ASSERT_TRUE(expected) << expected.error().message;
    auto actual = compiled.run(arguments);
    ASSERT_TRUE(actual) << actual.error().message;
    ASSERT_EQ(actual->rows, expected->rows);
    ASSERT_EQ(actual->cols, expected->cols);
    float largest = 0, error = 0;
    for (size_t i = 0; i < actual->data.size(); ++i) {
      ASSERT_TRUE(std::isfinite(actual->data[i]));
      largest = std::max(largest, std::abs(expected->data[i]));
      error = std::max(error, std::abs(actual->data[i] - expected->data[i]));
    }
    EXPECT_LE(error, relative * largest) << rows << " rows";
  }

  MLIRContext context;
};

class DecomposeTest : public DecomposeBase, public testing::WithParamInterface<std::tuple<Case, Types>> {};

std::string withTypes(std::string text, const Types &types) {
  for (auto [letter, type] : {std::pair{"xE>", types.activations}, std::pair{"xW>", types.weights}})
    for (size_t at = 0; (at = text.find(letter, at)) != std::string::npos;)
      text.replace(at, 3, "x" + type + ">");
  return text;
}

TEST_P(DecomposeTest, EqualsTheInterpreter) {
  auto [test, types] = GetParam();
  auto module = parseSourceString<ModuleOp>(withTypes(test.text, types), &context);
  ASSERT_TRUE(module);
  OwningOpRef<ModuleOp> copy = module->clone();
  auto compiled = BufferizedFunction::compile(*copy);
  ASSERT_TRUE(compiled) << compiled.error().message;

  // Where float32 and double fall on two sides of a tie, a result is rounded to another neighbour.
  float relative = types.activations == "bf16" ? 0x1p-7f : types.activations == "f16" ? 0x1p-9f : 2e-6f;
  Random random(7);
  for (int64_t rows : {0, 1, 2, 7, 33}) {
    auto arguments = randomArguments(module->lookupSymbol<func::FuncOp>("f"), rows, random);
    expectEqual(*module, **compiled, arguments, rows, relative);
  }
}

/// Below and beyond the position from which the long frequencies hold. The positions, which stay in the batch, become
/// the function's argument.
TEST_F(DecomposeBase, RopeTableEqualsTheInterpreter) {
  auto module = parseSourceString<ModuleOp>(R"(
    func.func @f(%positions: tensor<?xi32>, %batch: !llm.batch) -> tensor<?x6xf32> {
      %t = llm.rope_table %batch {rope = #llm.rope<frequencies = [1.0, 0.1, 0.01], magnitude = 1.1,
        long_frequencies = [0.5, 0.05, 0.005], long_magnitude = 1.2, long_from = 9>} : tensor<?x6xf32>
      return %t : tensor<?x6xf32>
    })",
                                            &context);
  ASSERT_TRUE(module);
  OwningOpRef<ModuleOp> copy = module->clone();
  auto function = copy->lookupSymbol<func::FuncOp>("f");
  PassManager manager(&context);
  manager.addNestedPass<func::FuncOp>(createDecomposePass());
  ASSERT_TRUE(succeeded(manager.run(*copy)));
  for (auto op : llvm::make_early_inc_range(function.getOps<llm::PositionsOp>())) {
    op.replaceAllUsesWith(function.getArgument(0));
    op.erase();
  }
  ASSERT_TRUE(succeeded(function.eraseArgument(1)));
  auto compiled = BufferizedFunction::compile(*copy);
  ASSERT_TRUE(compiled) << compiled.error().message;
  for (int32_t rows : {0, 1, 9, 10, 200}) {
    std::vector<int32_t> positions;
    for (int32_t i = 0; i < rows; ++i)
      positions.push_back(i);
    expectEqual(*module, **compiled, {positions}, rows, 2e-6f);
  }
}

std::string nameOf(const testing::TestParamInfo<DecomposeTest::ParamType> &info) {
  const auto &[test, types] = info.param;
  return test.name + "_" + types.activations + "_" + types.weights;
}

const Types typePairs[] = {{"f32", "f32"},   {"f32", "bf16"}, {"f32", "f16"},
                           {"bf16", "bf16"}, {"bf16", "f32"}, {"f16", "f16"}};

INSTANTIATE_TEST_SUITE_P(Ops, DecomposeTest, testing::Combine(testing::ValuesIn(cases()), testing::ValuesIn(typePairs)),
                         nameOf);

} // namespace
