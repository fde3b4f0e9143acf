//===- StepFunction.cpp - the function that the runtime calls -------------===//
#include "LowerCpu/StepFunction.h"

#include "Fuse/KernelGroup.h"
#include "LowerCpu/BufferPlan.h"
#include "LowerCpu/KernelKey.h"
#include "LowerCpu/WeightLayout.h"

#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace yoke;

static int64_t columnsOf(Value value) { return cast<RankedTensorType>(value.getType()).getDimSize(1); }

static bool isActivation(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.getRank() == 2 && type.isDynamicDim(0);
}

StepFunction::StepFunction(func::FuncOp step, const KernelShape &shape, int64_t maxTokens)
    : step(step), module(step->getParentOfType<ModuleOp>()), shape(shape), maxTokens(maxTokens), symbols(module) {}

LogicalResult StepFunction::build() {
  if (failed(analyse()) || failed(checkCacheUses()))
    return failure();
  plan();
  createFunction();
  for (Operation &op : step.getBody().front())
    if (failed(lower(&op)))
      return failure();
  func::ReturnOp::create(*builder);
  describeStep();
  step.erase();
  return success();
}

//===----------------------------------------------------------------------===//
// What each value is
//===----------------------------------------------------------------------===//

LogicalResult StepFunction::analyse() {
  if (!step.getBody().hasOneBlock())
    return step.emitError("expected a step of one block");
  for (BlockArgument argument : step.getArguments())
    if (isActivation(argument))
      return step.emitError() << "the CPU step takes tokens, a batch and a cache; argument " << argument.getArgNumber()
                              << " has type " << argument.getType();
  for (Operation &op : step.getBody().front()) {
    if (auto fused = dyn_cast<llm::FusedOp>(op)) {
      if (failed(analyseFused(fused)))
        return failure();
    } else if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op)) {
      if (slice.getStaticOffsets()[0] != 0 || ShapedType::isDynamic(slice.getStaticOffsets()[1]) ||
          ShapedType::isDynamic(slice.getStaticSizes()[1]) || slice.getStaticStrides() != ArrayRef<int64_t>{1, 1})
        return slice.emitError("the CPU step takes slices of whole columns at constant places only");
      infos[slice.getResult()] = infos.lookup(slice.getSource());
    } else if (auto end = dyn_cast<func::ReturnOp>(op)) {
      if (failed(analyseReturn(end)))
        return failure();
    }
  }
  return success();
}

LogicalResult StepFunction::analyseFused(llm::FusedOp fused) {
  ValueInfo info;
  for (Operation &op : fused.getBody().front())
    info.outputRows |= isa<llm::LmHeadOp, llm::PoolOp>(op);
  for (Value input : fused.getInputs())
    if (isActivation(input))
      info.outputRows |= infos.lookup(input).outputRows;
  int64_t tensors = 0;
  for (Value output : fused.getOutputs()) {
    if (isa<llm::KVCacheType>(output.getType()))
      continue;
    auto type = dyn_cast<RankedTensorType>(output.getType());
    if (!type || !isActivation(output) || !type.getElementType().isF32())
      return fused.emitError() << "the CPU computes tensor<?xDxf32>, found " << output.getType();
    info.root = output;
    infos[output] = info;
    ++tensors;
  }
  if (tensors != 1)
    return fused.emitError() << "expected a kernel of one tensor result, found " << tensors;
  fusedOps.push_back(fused);
  return success();
}

LogicalResult StepFunction::analyseReturn(func::ReturnOp op) {
  for (Value operand : op.getOperands()) {
    if (!isActivation(operand))
      continue;
    if (returned)
      return op.emitError("expected a step that returns one tensor, found more");
    returned = operand;
  }
  if (!returned || infos.lookup(returned).root != returned)
    return op.emitError("expected a step that returns the tensor that a kernel computes");
  return success();
}

/// Appending in place is right only while nobody else holds the older cache.
LogicalResult StepFunction::checkCacheUses() {
  auto check = [](Value value) -> LogicalResult {
    if (isa<llm::KVCacheType>(value.getType()) && !value.hasOneUse() && !value.use_empty())
      return emitError(value.getLoc(), "expected a cache value to be used once, since it is appended to in place");
    return success();
  };
  for (Value argument : step.getArguments())
    if (failed(check(argument)))
      return failure();
  for (llm::FusedOp fused : fusedOps)
    for (Value output : fused.getOutputs())
      if (failed(check(output)))
        return failure();
  return success();
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

void StepFunction::plan() {
  SmallVector<PlannedBuffer> buffers;
  llvm::MapVector<Value, size_t> rootBuffers;
  SmallVector<std::pair<Operation *, size_t>> workspaceBuffers;
  for (auto [index, fused] : llvm::enumerate(fusedOps)) {
    int64_t now = static_cast<int64_t>(index);
    for (Value input : fused.getInputs())
      if (auto found = rootBuffers.find(infos.lookup(input).root); isActivation(input) && found != rootBuffers.end())
        buffers[found->second].last = now;
    KernelNeeds needs = needsOf(fused, shape, maxTokens);
    scratchBytes = std::max<int64_t>(scratchBytes, llvm::alignTo(needs.scratchBytes, 64));
    if (needs.workspaceBytes > 0) {
      workspaceBuffers.emplace_back(fused, buffers.size());
      buffers.push_back({.bytes = needs.workspaceBytes, .first = now, .last = now});
    }
    for (Value output : fused.getOutputs()) {
      if (!isActivation(output) || output == returned)
        continue;
      rootBuffers[output] = buffers.size();
      buffers.push_back(
          {.bytes = maxTokens * columnsOf(output) * static_cast<int64_t>(sizeof(float)), .first = now, .last = now});
    }
  }
  arenaBytes = planBuffers(buffers);
  for (auto [root, buffer] : rootBuffers)
    offsets[root] = buffers[buffer].offset;
  for (auto [op, buffer] : workspaceBuffers)
    workspaces[op] = buffers[buffer].offset;
}

Value StepFunction::arenaView(int64_t offset, int64_t bytes) {
  Value start = arith::ConstantIndexOp::create(*builder, offset);
  Value size = arith::ConstantIndexOp::create(*builder, bytes);
  auto type = MemRefType::get({ShapedType::kDynamic}, builder->getI8Type());
  return memref::ViewOp::create(*builder, type, arena, start, size);
}

Value StepFunction::bufferFor(Value value) {
  ValueInfo info = infos.lookup(value);
  Value rows = memref::DimOp::create(*builder, info.outputRows ? batch.outputs : tokens, 0);
  auto type = MemRefType::get({ShapedType::kDynamic, columnsOf(value)}, builder->getF32Type());
  if (value == returned) {
    SmallVector<OpFoldResult> sizes = {rows, builder->getIndexAttr(columnsOf(value))};
    SmallVector<OpFoldResult> strides = {builder->getIndexAttr(columnsOf(value)), builder->getIndexAttr(1)};
    return memref::ReinterpretCastOp::create(*builder, type, result, builder->getIndexAttr(0), sizes, strides);
  }
  Value start = arith::ConstantIndexOp::create(*builder, offsets.lookup(value));
  return memref::ViewOp::create(*builder, type, arena, start, rows);
}

//===----------------------------------------------------------------------===//
// Code
//===----------------------------------------------------------------------===//

/// The signature is that of lib/Package/StepAbi.h.
void StepFunction::createFunction() {
  MLIRContext *context = module.getContext();
  OpBuilder top(step);
  auto bytes = MemRefType::get({ShapedType::kDynamic}, top.getI8Type());
  auto ids = MemRefType::get({ShapedType::kDynamic}, top.getI32Type());
  auto floats = MemRefType::get({ShapedType::kDynamic}, top.getF32Type());
  auto pointer = LLVM::LLVMPointerType::get(context);
  Type index = top.getIndexType();
  SmallVector<Type> types = {bytes, bytes, bytes, ids,    ids,   ids,   ids,     ids,    ids,
                             ids,   ids,   index, floats, index, index, pointer, pointer};
  function = func::FuncOp::create(top, step.getLoc(), "yoke_step", top.getFunctionType(types, {}));
  function->setAttr(LLVM::LLVMDialect::getEmitCWrapperAttrName(), top.getUnitAttr());
  symbols.insert(function);
  Block *entry = function.addEntryBlock();
  builder.emplace(step.getLoc(), context);
  builder->setInsertionPointToStart(entry);

  auto next = [&, i = 0u]() mutable { return entry->getArgument(i++); };
  weights = next();
  arena = next();
  kv = next();
  tokens = next();
  batch.positions = next();
  batch.slots = next();
  batch.limits = next();
  batch.sequences = next();
  batch.parents = next();
  batch.outputs = next();
  batch.blocks = next();
  batch.blockStride = next();
  result = next();
  team.thread = next();
  team.threads = next();
  team.barrierContext = next();
  team.barrier = next();

  Value own = arith::MulIOp::create(*builder, team.thread, arith::ConstantIndexOp::create(*builder, scratchBytes));
  Value start = arith::AddIOp::create(*builder, own, arith::ConstantIndexOp::create(*builder, arenaBytes));
  scratch = memref::ViewOp::create(*builder, bytes, arena, start,
                                   arith::ConstantIndexOp::create(*builder, scratchBytes).getResult());
  for (BlockArgument argument : step.getArguments())
    if (isa<RankedTensorType>(argument.getType()))
      memory[argument] = tokens;
}

LogicalResult StepFunction::lower(Operation *op) {
  builder->setLoc(op->getLoc());
  if (auto fused = dyn_cast<llm::FusedOp>(op))
    return lowerFused(fused);
  if (auto load = dyn_cast<ml_program::GlobalLoadConstOp>(op)) {
    memory[load.getResult()] = lowerWeight(load);
    return success(memory[load.getResult()] != nullptr);
  }
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op)) {
    memory[slice.getResult()] = lowerSlice(slice);
    return success();
  }
  if (auto positions = dyn_cast<llm::PositionsOp>(op)) {
    memory[positions.getResult()] = batch.positions;
    return success();
  }
  // Row counts are those of memrefs, and constants serve only slices.
  if (isa<tensor::DimOp, arith::ConstantOp, func::ReturnOp>(op))
    return success();
  return op->emitError() << "the CPU step does not know " << op->getName();
}

Value StepFunction::lowerWeight(ml_program::GlobalLoadConstOp load) {
  auto global = symbols.lookup<ml_program::GlobalOp>(load.getGlobalAttr().getLeafReference());
  llm::LayoutAttr layout = global ? getLayout(global) : nullptr;
  if (!layout) {
    load.emitError() << "the weight " << load.getGlobal() << " has no layout; yoke-pack-weights gives it one";
    return nullptr;
  }
  Value offset = arith::ConstantIndexOp::create(*builder, layout.getOffset());
  MemRefType type = packedType(cast<RankedTensorType>(load.getType()), layout);
  return memref::ViewOp::create(*builder, type, weights, offset, ValueRange());
}

Value StepFunction::lowerSlice(tensor::ExtractSliceOp slice) {
  Value source = memory.lookup(slice.getSource());
  Value rows = memref::DimOp::create(*builder, source, 0);
  SmallVector<OpFoldResult> offset = {builder->getIndexAttr(0), builder->getIndexAttr(slice.getStaticOffsets()[1])};
  SmallVector<OpFoldResult> sizes = {rows, builder->getIndexAttr(slice.getStaticSizes()[1])};
  SmallVector<OpFoldResult> strides(2, builder->getIndexAttr(1));
  return memref::SubViewOp::create(*builder, source, offset, sizes, strides);
}

LogicalResult StepFunction::lowerFused(llm::FusedOp fused) {
  KernelNeeds needs = needsOf(fused, shape, maxTokens);
  int64_t interleave = 0, pageOffset = 0;
  bool usesBatch = false, usesCache = false;
  SmallVector<Value> operands;
  for (Value input : fused.getInputs()) {
    usesBatch |= isa<llm::BatchType>(input.getType());
    usesCache |= isa<llm::KVCacheType>(input.getType());
    if (isa<RankedTensorType>(input.getType()))
      operands.push_back(memory.lookup(input));
    if (auto load = input.getDefiningOp<ml_program::GlobalLoadConstOp>())
      if (auto global = symbols.lookup<ml_program::GlobalOp>(load.getGlobalAttr().getLeafReference()))
        interleave = std::max(interleave, getLayout(global).getInterleave());
  }
  for (auto attention : fused.getBody().getOps<llm::AttentionOp>())
    pageOffset = static_cast<int64_t>(attention.getLayer()) *
                 layerPageBytes(static_cast<int64_t>(attention.getKvHeads()), attention.getHeadDim());

  Value output = *llvm::find_if(fused.getOutputs(), isActivation);
  memory[output] = bufferFor(output);
  operands.push_back(memory[output]);
  if (usesBatch)
    operands.append({batch.positions, batch.slots, batch.limits, batch.sequences, batch.parents, batch.outputs,
                     batch.blocks, batch.blockStride});
  if (usesCache)
    operands.append({kv, arith::ConstantIndexOp::create(*builder, pageOffset)});
  if (needs.workspaceBytes > 0)
    operands.push_back(arenaView(workspaces.lookup(fused), needs.workspaceBytes));
  if (needs.scratchBytes > 0)
    operands.push_back(scratch);
  operands.append({team.thread, team.threads, team.barrierContext, team.barrier});

  FailureOr<func::FuncOp> kernel = kernelFor(fused, operands, interleave, needs);
  if (failed(kernel))
    return failure();
  func::CallOp::create(*builder, *kernel, operands);
  if (output != returned)
    KernelBuilder(fused.getLoc(), *builder, shape, team).barrier();
  return success();
}

FailureOr<func::FuncOp> StepFunction::kernelFor(llm::FusedOp fused, ValueRange operands, int64_t interleave,
                                                const KernelNeeds &needs) {
  KernelRecord &record = kernels[kernelKey(fused, operands.getTypes(), interleave)];
  ++record.calls;
  if (record.function)
    return record.function;

  OpBuilder top(function);
  record.function =
      func::FuncOp::create(top, fused.getLoc(), fused.getKernel(), top.getFunctionType(operands.getTypes(), {}));
  record.function.setPrivate();
  symbols.insert(record.function);
  Block *entry = record.function.addEntryBlock();
  OpBuilder inside = OpBuilder::atBlockBegin(entry);

  auto next = [&, i = 0u]() mutable -> Value { return entry->getArgument(i++); };
  Kernel kernel;
  kernel.fused = fused;
  kernel.interleave = interleave;
  bool usesBatch = false, usesCache = false;
  for (BlockArgument argument : fused.getBody().getArguments()) {
    usesBatch |= isa<llm::BatchType>(argument.getType());
    usesCache |= isa<llm::KVCacheType>(argument.getType());
    if (isa<RankedTensorType>(argument.getType()))
      kernel.memory[argument] = next();
  }
  kernel.result = next();
  if (usesBatch) {
    kernel.batch.positions = next();
    kernel.batch.slots = next();
    kernel.batch.limits = next();
    kernel.batch.sequences = next();
    kernel.batch.parents = next();
    kernel.batch.outputs = next();
    kernel.batch.blocks = next();
    kernel.batch.blockStride = next();
  }
  if (usesCache) {
    kernel.kv = next();
    kernel.pageOffset = next();
  }
  if (needs.workspaceBytes > 0)
    kernel.workspace = next();
  if (needs.scratchBytes > 0)
    kernel.scratch = next();
  Team own;
  own.thread = next();
  own.threads = next();
  own.barrierContext = next();
  own.barrier = next();

  KernelBuilder kernelBuilder(fused.getLoc(), inside, shape, own);
  if (failed(emitKernel(kernelBuilder, kernel)))
    return failure();
  func::ReturnOp::create(kernelBuilder);
  return record.function;
}

void StepFunction::describeStep() {
  Builder attributes(module.getContext());
  SmallVector<NamedAttribute> fields;
  auto set = [&](StringRef name, int64_t value) {
    fields.push_back(attributes.getNamedAttr(name, attributes.getI64IntegerAttr(value)));
  };
  set("max_tokens", maxTokens);
  set("arena_bytes", arenaBytes);
  set("arena_bytes_per_thread", scratchBytes);
  set("output_columns", columnsOf(returned));
  set("page_tokens", KernelShape::pageTokens);
  for (BlockArgument argument : step.getArguments())
    if (auto cache = dyn_cast<llm::KVCacheType>(argument.getType())) {
      set("kv_layers", cache.getLayers());
      set("kv_heads", cache.getHeads());
      set("kv_head_dim", cache.getHeadDim());
      set("page_bytes", cache.getLayers() * layerPageBytes(cache.getHeads(), cache.getHeadDim()));
    }
  module->setAttr("llm.step", attributes.getDictionaryAttr(fields));

  SmallVector<NamedAttribute> calls;
  for (auto &entry : kernels)
    calls.push_back(
        attributes.getNamedAttr(entry.second.function.getSymName(), attributes.getI64IntegerAttr(entry.second.calls)));
  module->setAttr("llm.kernels", attributes.getDictionaryAttr(calls));
}
