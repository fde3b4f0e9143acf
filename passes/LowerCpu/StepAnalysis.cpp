//===- StepAnalysis.cpp - what the values of a step are -------------------===//
#include "LowerCpu/StepAnalysis.h"

#include "Decode/Decode.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace yoke;

bool yoke::isActivation(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.getRank() == 2 && type.isDynamicDim(0);
}

int64_t yoke::activationColumns(Value value) { return cast<RankedTensorType>(value.getType()).getDimSize(1); }

static LogicalResult addSlice(tensor::ExtractSliceOp slice, StepAnalysis &analysis) {
  if (!isActivation(slice.getSource()) || !isActivation(slice.getResult()) || slice.getStaticOffsets()[0] != 0 ||
      ShapedType::isDynamic(slice.getStaticOffsets()[1]) || slice.getStaticStrides() != ArrayRef<int64_t>{1, 1})
    return slice.emitError("the CPU step takes slices of whole columns at constant places only");
  analysis.activations[slice.getResult()] = analysis.activations.lookup(slice.getSource());
  return success();
}

/// The rows of x, of another length.
static LogicalResult addReshape(llm::ReshapeRowsOp reshape, StepAnalysis &analysis) {
  ActivationInfo info = analysis.activations.lookup(reshape.getX());
  int64_t before = activationColumns(reshape.getX()), after = activationColumns(reshape.getResult());
  int64_t columns = info.rowsPerUnit * before;
  if (info.outputRows || columns % after != 0)
    return reshape.emitError("the CPU step reshapes whole groups of tokens' rows only");
  if (reshape.getX().getDefiningOp<tensor::ExtractSliceOp>())
    return reshape.emitError("the CPU step reshapes whole rows only, found a slice of columns");
  info.rowsPerUnit = columns / after;
  analysis.activations[reshape.getResult()] = info;
  return success();
}

/// Rows of a kernel's result for each unit: those of its inputs, which agree.
static int64_t kernelRowsPerUnit(llm::FusedOp fused, const StepAnalysis &analysis) {
  for (Value input : fused.getInputs())
    if (isActivation(input))
      return analysis.activations.lookup(input).rowsPerUnit;
  bool readsIds = llvm::any_of(fused.getBody().getOps<llm::EmbeddingOp>(), [](auto) { return true; });
  return readsIds ? analysis.tokensPerUnit : 1;
}

static LogicalResult addKernel(llm::FusedOp fused, StepAnalysis &analysis) {
  ActivationInfo info;
  info.rowsPerUnit = kernelRowsPerUnit(fused, analysis);
  for (Operation &op : fused.getBody().front())
    if (isa<llm::LmHeadOp, llm::PoolOp>(op)) {
      info.outputRows = true;
      info.rowsPerUnit = 1;
    }
  for (Value input : fused.getInputs())
    if (isActivation(input)) {
      ActivationInfo of = analysis.activations.lookup(input);
      info.outputRows |= of.outputRows;
      info.part = of.part;
    }
  int64_t tensors = 0;
  auto best = fused.getBody().getOps<decode::TopKOp>();
  for (Value output : fused.getOutputs()) {
    if (isa<llm::KVCacheType>(output.getType()))
      continue;
    if (!best.empty() && output == fused.getOutputs().back()) {
      analysis.ids = output;
      continue;
    }
    if (!isActivation(output) || !cast<RankedTensorType>(output.getType()).getElementType().isF32())
      return fused.emitError() << "the CPU computes tensor<?xDxf32>, found " << output.getType();
    info.root = output;
    analysis.activations[output] = info;
    ++tensors;
  }
  if (tensors != 1)
    return fused.emitError() << "expected a kernel of one tensor result, found " << tensors;
  analysis.fusedOps.push_back(fused);
  return success();
}

static LogicalResult addBlock(Block &block, StepAnalysis &analysis);

static LogicalResult addSkip(llm::FfnSkipOp skip, StepAnalysis &analysis) {
  ActivationInfo x = analysis.activations.lookup(skip.getX());
  if (x.outputRows || x.part)
    return skip.emitError("the CPU lets rows of tokens skip a feed-forward block, no others");
  Block &body = skip.getBody().front();
  BlockArgument rows = body.getArgument(0);
  analysis.activations[rows] = skip.mayBeSkipped() ? ActivationInfo{rows, false, &body} : x;
  if (failed(addBlock(body, analysis)))
    return failure();
  Value delta = body.getTerminator()->getOperand(0);
  if (!isa_and_present<llm::FusedOp>(delta.getDefiningOp()))
    return skip.emitError("expected a region that yields what a kernel computes");
  analysis.activations[skip.getResult()] = {skip.getResult()};
  return success();
}

static LogicalResult addByModality(llm::ByModalityOp op, StepAnalysis &analysis) {
  for (Value input : op.getInputs())
    if (ActivationInfo info = analysis.activations.lookup(input); info.outputRows || info.part)
      return op.emitError("the CPU lets rows of tokens differ by modality, no others");
  for (Region &region : op.getBodies()) {
    Block &body = region.front();
    for (BlockArgument rows : body.getArguments())
      analysis.activations[rows] = {rows, false, &body};
    if (failed(addBlock(body, analysis)))
      return failure();
  }
  for (Value output : op.getOutputs())
    analysis.activations[output] = {output};
  return success();
}

static LogicalResult addReturn(func::ReturnOp op, StepAnalysis &analysis) {
  for (Value operand : op.getOperands()) {
    if (!isActivation(operand) || operand == analysis.ids)
      continue;
    if (analysis.isReturned(operand))
      return op.emitError("expected a step that returns different tensors, found one twice");
    if (analysis.activations.lookup(operand).root != operand)
      return op.emitError("expected a step that returns the tensor that a kernel computes");
    analysis.returned.push_back(operand);
  }
  if (analysis.ids && (!llvm::is_contained(op.getOperands(), analysis.ids) || analysis.returned.empty() ||
                       analysis.returned.front().getDefiningOp() != analysis.ids.getDefiningOp()))
    return op.emitError("expected a step that returns what its decode.top_k gives, values and ids");
  if (analysis.returned.empty())
    return op.emitError("expected a step that returns the tensor that a kernel computes");
  return success();
}

/// Appending in place is right only while nobody else holds the older cache.
static LogicalResult checkCacheUses(func::FuncOp step, const StepAnalysis &analysis) {
  auto check = [](Value value) -> LogicalResult {
    if (isa<llm::KVCacheType>(value.getType()) && !value.hasOneUse() && !value.use_empty())
      return emitError(value.getLoc(), "expected a cache value to be used once, since it is appended to in place");
    return success();
  };
  for (Value argument : step.getArguments())
    if (failed(check(argument)))
      return failure();
  for (llm::FusedOp fused : analysis.fusedOps)
    for (Value output : fused.getOutputs())
      if (failed(check(output)))
        return failure();
  return success();
}

static LogicalResult addBlock(Block &block, StepAnalysis &analysis) {
  for (Operation &op : block) {
    LogicalResult added = success();
    if (auto fused = dyn_cast<llm::FusedOp>(op))
      added = addKernel(fused, analysis);
    else if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op))
      added = addSlice(slice, analysis);
    else if (auto reshape = dyn_cast<llm::ReshapeRowsOp>(op))
      added = addReshape(reshape, analysis);
    else if (auto skip = dyn_cast<llm::FfnSkipOp>(op))
      added = addSkip(skip, analysis);
    else if (auto byModality = dyn_cast<llm::ByModalityOp>(op))
      added = addByModality(byModality, analysis);
    else if (auto end = dyn_cast<func::ReturnOp>(op))
      added = addReturn(end, analysis);
    if (failed(added))
      return failure();
  }
  return success();
}

FailureOr<StepAnalysis> StepAnalysis::of(func::FuncOp step) {
  if (!step.getBody().hasOneBlock())
    return step.emitError("expected a step of one block");
  StepAnalysis analysis;
  auto ids = RankedTensorType::get({ShapedType::kDynamic}, IntegerType::get(step.getContext(), 32));
  int64_t caches = 0;
  for (BlockArgument argument : step.getArguments()) {
    caches += isa<llm::KVCacheType>(argument.getType());
    if (isActivation(argument) && !analysis.features && step.getSymName() != "step") {
      analysis.features = argument;
      analysis.activations[argument] = {};
    } else if (caches > 1 ||
               (argument.getType() != ids && !isa<llm::BatchType, llm::KVCacheType>(argument.getType()))) {
      return step.emitError() << "the CPU step takes tokens, a batch and a cache; argument " << argument.getArgNumber()
                              << " has type " << argument.getType();
    }
    if (auto perRow = step.getArgAttrOfType<IntegerAttr>(argument.getArgNumber(), tokensPerRowAttrName))
      analysis.tokensPerUnit = perRow.getInt();
  }
  if (failed(addBlock(step.getBody().front(), analysis)) || failed(checkCacheUses(step, analysis)))
    return failure();
  return analysis;
}
