// A fixture that runs functions written as MLIR text.
#pragma once

#include "Interpreter/Interpreter.h"
#include "LLM/LLM.h"
#include "MoE/MoE.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Parser/Parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace yoke {

class ProgramTest : public testing::Test {
protected:
  ProgramTest() {
    context.loadDialect<llm::LLMDialect, moe::MoEDialect, mlir::func::FuncDialect, mlir::arith::ArithDialect,
                        mlir::tensor::TensorDialect, mlir::ml_program::MLProgramDialect, mlir::math::MathDialect>();
  }

  /// Parses a module; its functions can be run from then on.
  void load(const std::string &text, WeightProvider weights = randomWeights(1)) {
    module = mlir::parseSourceString<mlir::ModuleOp>(text, &context, "test.mlir");
    ASSERT_TRUE(module);
    interpreter.emplace(*module, std::move(weights));
  }

  /// Runs @f, which must succeed with one result.
  Matrix run(const Batch &batch, const std::vector<Matrix> &inputs = {}) {
    if (!interpreter)
      return {};
    auto results = interpreter->run("f", batch, cache, inputs);
    if (!results || results->size() != 1) {
      ADD_FAILURE() << (results ? "not one result" : results.error().message);
      return {};
    }
    return results->front();
  }

  /// Runs @f, which must fail, and returns the message.
  std::string runError(const Batch &batch, const std::vector<Matrix> &inputs = {}) {
    if (!interpreter)
      return "no program";
    auto results = interpreter->run("f", batch, cache, inputs);
    return results ? "succeeded" : results.error().message;
  }

  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::optional<Interpreter> interpreter;
  KvCache cache;
};

/// `count` tokens of one sequence, each with an output.
inline Batch chainOf(int32_t count) {
  Batch batch;
  std::vector<int32_t> tokens;
  for (int32_t i = 0; i < count; ++i)
    tokens.push_back(i);
  appendChain(batch, 0, 0, tokens, Outputs::All);
  return batch;
}

inline void expectNear(const Matrix &actual, const Matrix &expected, float tolerance = 1e-6f) {
  ASSERT_EQ(actual.rows, expected.rows);
  ASSERT_EQ(actual.cols, expected.cols);
  EXPECT_THAT(actual.data, testing::Pointwise(testing::FloatNear(tolerance), expected.data));
}

} // namespace yoke
