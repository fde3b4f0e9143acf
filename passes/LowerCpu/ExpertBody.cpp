//===- ExpertBody.cpp - the regions of experts that have a kernel ---------===//
#include "LowerCpu/ExpertBody.h"

#include "Fuse/KernelGroup.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace yoke;

/// True for a product of `x`, or of anything when that is null, with the matrix `weight` and without a bias.
static bool isProduct(llm::LinearOp linear, Value x, Value weight) {
  return linear.getWeight() == weight && !linear.getBias() && (!x || linear.getX() == x);
}

/// Which half of the columns of `whole` the slice is, if it is one.
static std::optional<int> halfOf(tensor::ExtractSliceOp slice, Value whole) {
  auto type = cast<RankedTensorType>(whole.getType());
  int64_t half = type.getDimSize(1) / 2, begin = slice.getStaticOffsets().back();
  if (slice.getSource() != whole || type.getDimSize(1) % 2 != 0 || slice.getStaticOffsets().front() != 0 ||
      slice.getStaticSizes().back() != half || (begin != 0 && begin != half) ||
      slice.getStaticStrides() != ArrayRef<int64_t>{1, 1} || slice.getType().getRank() != 2)
    return std::nullopt;
  return begin == 0 ? 0 : 1;
}

std::optional<ExpertBody> ExpertBody::match(moe::ExpertsOp experts) {
  Block &block = experts.getBody().front();
  auto products = llvm::to_vector(block.getOps<llm::LinearOp>());
  if (block.getNumArguments() != 3 || products.size() != 2)
    return std::nullopt;
  ExpertBody body{products[0], products[1], {}};
  if (!isProduct(body.first, block.getArgument(0), block.getArgument(1)) ||
      !isProduct(body.second, {}, block.getArgument(2)) ||
      block.getTerminator()->getOperand(0) != body.second.getResult())
    return std::nullopt;

  Value whole = body.first.getResult();
  bool readsWhole = false;
  for (Operation &op : block.without_terminator()) {
    if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op)) {
      std::optional<int> half = halfOf(slice, whole);
      if (!half || body.halves[*half])
        return std::nullopt;
      body.halves[*half] = slice.getResult();
    } else if (isElementwise(&op) && !isa<moe::ScaleRowsOp>(op)) {
      if (llvm::any_of(op.getOperands(), llvm::IsaPred<BlockArgument>))
        return std::nullopt;
      readsWhole |= llvm::is_contained(op.getOperands(), whole);
    } else if (!isa<llm::LinearOp, tensor::DimOp, arith::ConstantOp>(op)) {
      return std::nullopt;
    }
  }
  if (isa<BlockArgument>(body.second.getX()))
    return std::nullopt;
  readsWhole |= body.second.getX() == whole;
  bool hasBoth = body.halves[0] && body.halves[1], hasNone = !body.halves[0] && !body.halves[1];
  if (!(hasBoth && !readsWhole) && !hasNone)
    return std::nullopt;
  return body;
}
