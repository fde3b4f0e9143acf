// Globals of a random program, with the checkpoint tensors that they are pieces of.
#pragma once

#include "Random.h"
#include "RandomProgram.h"

#include "mlir/IR/Builders.h"

namespace yoke {

class RandomTensors {
public:
  /// Globals are put at the start of `module`; `element` is their element type.
  RandomTensors(Random &random, mlir::ModuleOp module, mlir::FloatType element)
      : random(random), module(module), element(element) {}

  /// A new [rows, cols] weight, loaded at the builder's place. It is stored plainly, transposed, as two tensors, or as
  /// interleaved blocks of a larger one.
  mlir::Value matrix(mlir::OpBuilder &builder, const std::string &name, int64_t rows, int64_t cols);
  /// A new weight of `count` matrices [rows, cols], each stored as a tensor of its own or all in one.
  mlir::Value stack(mlir::OpBuilder &builder, const std::string &name, int64_t count, int64_t rows, int64_t cols);
  mlir::Value vector(mlir::OpBuilder &builder, const std::string &name, int64_t size);
  /// Loads an existing global.
  static mlir::Value load(mlir::OpBuilder &builder, mlir::ModuleOp module, const std::string &name);

  std::vector<RandomTensor> take() { return std::move(tensors); }

private:
  std::string addTensor(const std::string &name, int64_t rows, int64_t cols, bool isVector);
  mlir::Value addGlobal(mlir::OpBuilder &builder, const std::string &name, mlir::RankedTensorType type,
                        mlir::Attribute weight);

  Random &random;
  mlir::ModuleOp module;
  mlir::FloatType element;
  std::vector<RandomTensor> tensors;
};

} // namespace yoke
