//===- StepFunction.cpp - the function that the runtime calls -------------===//
#include "LowerCpu/StepFunction.h"

#include "LowerCpu/KernelKey.h"
#include "LowerCpu/Tuning.h"
#include "LowerCpu/WeightLayout.h"

using namespace mlir;
using namespace yoke;

LogicalResult StepFunction::build() {
  FailureOr<StepAnalysis> analysed = StepAnalysis::of(step);
  if (failed(analysed))
    return failure();
  analysis = std::move(*analysed);
  for (BlockArgument argument : step.getArguments())
    if (auto cache = dyn_cast<llm::KVCacheType>(argument.getType()))
      if (Type element = cache.getElement(); !element.isF32() && !element.isBF16() && !element.isF16())
        return step.emitError() << "the CPU keeps keys and values as f32, bf16 or f16, found " << element;
  plan = ArenaPlan::of(step, analysis, shape, maxTokens);
  createFunction();
  if (failed(lowerBlock(step.getBody().front())))
    return failure();
  func::ReturnOp::create(*builder);
  describeStep();
  step.erase();
  return success();
}

FunctionType StepFunction::signature(MLIRContext *context, bool withIds, bool withFeatures) {
  Builder types(context);
  auto bytes = MemRefType::get({ShapedType::kDynamic}, types.getI8Type());
  auto ids = MemRefType::get({ShapedType::kDynamic}, types.getI32Type());
  auto floats = MemRefType::get({ShapedType::kDynamic}, types.getF32Type());
  auto pointer = LLVM::LLVMPointerType::get(context);
  Type index = types.getIndexType();
  SmallVector<Type> inputs = {bytes, bytes, bytes, ids, ids, ids, ids, ids, ids, ids, ids, index, floats};
  if (withFeatures)
    inputs.push_back(floats);
  if (withIds)
    inputs.push_back(ids);
  inputs.append({index, index, pointer, pointer});
  return types.getFunctionType(inputs, {});
}

void StepFunction::createFunction() {
  MLIRContext *context = module.getContext();
  OpBuilder top(step);
  SmallVector<Value *> parameters = {&weights,         &arena,         &kv,           &tokens,
                                     &batch.positions, &batch.slots,   &batch.limits, &batch.sequences,
                                     &batch.parents,   &batch.outputs, &batch.blocks, &batch.blockStride};
  if (analysis.features)
    parameters.push_back(&features);
  parameters.push_back(&result);
  if (analysis.ids)
    parameters.push_back(&ids);
  parameters.append({&team.thread, &team.threads, &team.barrierContext, &team.barrier});
  std::string name = ("yoke_" + step.getSymName()).str();
  // A caller may have declared it.
  if (Operation *declaration = symbols.lookup(name))
    symbols.erase(declaration);
  function = func::FuncOp::create(top, step.getLoc(), name,
                                  signature(context, analysis.ids != nullptr, analysis.features != nullptr));
  // Other steps are called by loops of the module only.
  if (step.getSymName() == "step" || analysis.features)
    function->setAttr(LLVM::LLVMDialect::getEmitCWrapperAttrName(), top.getUnitAttr());
  symbols.insert(function);
  Block *entry = function.addEntryBlock();
  for (auto [parameter, argument] : llvm::zip_equal(parameters, entry->getArguments()))
    *parameter = argument;

  builder.emplace(step.getLoc(), context);
  builder->setInsertionPointToStart(entry);
  if (auto exact = step->getAttrOfType<IntegerAttr>("llm.rows"))
    rows = exact.getInt();
  for (Value *list :
       {&tokens, &batch.positions, &batch.slots, &batch.limits, &batch.sequences, &batch.parents, &batch.outputs})
    *list = withRows(*list);
  Value own = arith::MulIOp::create(*builder, team.thread, index(plan.scratchBytes));
  Value start = arith::AddIOp::create(*builder, own, index(plan.bytes));
  auto bytes = cast<MemRefType>(arena.getType());
  scratch = memref::ViewOp::create(*builder, bytes, arena, start, index(plan.scratchBytes));
  for (BlockArgument argument : step.getArguments()) {
    if (argument == analysis.features)
      memory[argument] = rowsAt(features, builder->getIndexAttr(0), rowCount(analysis.activations.lookup(argument)),
                                activationColumns(argument));
    else if (isa<RankedTensorType>(argument.getType()))
      memory[argument] = tokens;
  }
}

LogicalResult StepFunction::lowerBlock(Block &block) {
  for (Operation &op : block)
    if (failed(lower(&op)))
      return failure();
  return success();
}

LogicalResult StepFunction::lower(Operation *op) {
  builder->setLoc(op->getLoc());
  if (auto fused = dyn_cast<llm::FusedOp>(op))
    return lowerFused(fused);
  if (auto skip = dyn_cast<llm::FfnSkipOp>(op))
    return lowerSkip(skip);
  if (auto byModality = dyn_cast<llm::ByModalityOp>(op))
    return lowerByModality(byModality);
  if (auto load = dyn_cast<ml_program::GlobalLoadConstOp>(op)) {
    memory[load.getResult()] = lowerWeight(load);
    return success(memory[load.getResult()] != nullptr);
  }
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op)) {
    memory[slice.getResult()] = lowerSlice(slice);
    return success();
  }
  if (auto reshape = dyn_cast<llm::ReshapeRowsOp>(op)) {
    memory[reshape.getResult()] = lowerReshape(reshape);
    return success();
  }
  if (auto positions = dyn_cast<llm::PositionsOp>(op)) {
    memory[positions.getResult()] = batch.positions;
    return success();
  }
  if (auto modalities = dyn_cast<llm::ModalitiesOp>(op)) {
    lowerModalities(modalities);
    return success();
  }
  if (auto segments = dyn_cast<llm::SegmentsOp>(op)) {
    lowerSegments(segments);
    return success();
  }
  // Row counts are those of memrefs, and constants serve only slices.
  if (isa<tensor::DimOp, arith::ConstantOp, func::ReturnOp, llm::YieldOp>(op))
    return success();
  return op->emitError() << "the CPU step does not know " << op->getName();
}

ml_program::GlobalOp StepFunction::globalOf(ml_program::GlobalLoadConstOp load) {
  return symbols.lookup<ml_program::GlobalOp>(load.getGlobalAttr().getLeafReference());
}

Value StepFunction::lowerWeight(ml_program::GlobalLoadConstOp load) {
  ml_program::GlobalOp global = globalOf(load);
  llm::LayoutAttr layout = global ? getLayout(global) : nullptr;
  if (!layout) {
    load.emitError() << "the weight " << load.getGlobal() << " has no layout; yoke-pack-weights gives it one";
    return nullptr;
  }
  MemRefType type = packedType(cast<RankedTensorType>(load.getType()), layout);
  return memref::ViewOp::create(*builder, type, weights, index(layout.getOffset()), ValueRange());
}

Value StepFunction::lowerSlice(tensor::ExtractSliceOp slice) {
  Value source = memory.lookup(slice.getSource());
  OpFoldResult count = memref::getMixedSize(*builder, builder->getLoc(), source, 0);
  SmallVector<OpFoldResult> offset = {builder->getIndexAttr(0), builder->getIndexAttr(slice.getStaticOffsets()[1])};
  SmallVector<OpFoldResult> sizes = {count, builder->getIndexAttr(slice.getStaticSizes()[1])};
  SmallVector<OpFoldResult> strides(2, builder->getIndexAttr(1));
  return memref::SubViewOp::create(*builder, source, offset, sizes, strides);
}

/// `list`, one element a token or wanted output, with its number of elements in its type where that is known.
Value StepFunction::withRows(Value list) {
  if (ShapedType::isDynamic(rows))
    return list;
  return memref::CastOp::create(*builder, MemRefType::get({rows}, builder->getI32Type()), list);
}

/// Rows that lie one behind the other share the memory of x.
Value StepFunction::lowerReshape(llm::ReshapeRowsOp reshape) {
  Value source = memory.lookup(reshape.getX());
  int64_t columns = activationColumns(reshape.getResult());
  OpFoldResult count = rowCount(analysis.activations.lookup(reshape.getResult()));
  auto strided = cast<MemRefType>(source.getType());
  int64_t offset = 0;
  SmallVector<int64_t> strides;
  (void)strided.getStridesAndOffset(strides, offset);
  if (!ShapedType::isDynamic(offset))
    return rowsAt(source, builder->getIndexAttr(offset), count, columns);
  auto metadata = memref::ExtractStridedMetadataOp::create(*builder, source);
  return rowsAt(source, metadata.getOffset(), count, columns);
}

/// The number of rows of an activation.
OpFoldResult StepFunction::rowCount(const ActivationInfo &info) {
  if (info.part)
    return rowsOf.lookup(info.part);
  if (!ShapedType::isDynamic(rows))
    return builder->getIndexAttr(info.outputRows ? rows : rows / analysis.tokensPerUnit * info.rowsPerUnit);
  if (info.outputRows)
    return memref::DimOp::create(*builder, batch.outputs, 0).getResult();
  Value units = memref::DimOp::create(*builder, tokens, 0);
  if (analysis.tokensPerUnit != 1)
    units = arith::DivUIOp::create(*builder, units, index(analysis.tokensPerUnit));
  return info.rowsPerUnit == 1 ? units : arith::MulIOp::create(*builder, units, index(info.rowsPerUnit)).getResult();
}

/// `count` rows of floats from element `offset` of a memref on.
Value StepFunction::rowsAt(Value floats, OpFoldResult offset, OpFoldResult count, int64_t columns) {
  SmallVector<OpFoldResult> sizes = {count, builder->getIndexAttr(columns)};
  SmallVector<OpFoldResult> strides = {builder->getIndexAttr(columns), builder->getIndexAttr(1)};
  int64_t constant = getConstantIntValue(offset).value_or(ShapedType::kDynamic);
  MemRefLayoutAttrInterface layout;
  if (constant != 0)
    layout = StridedLayoutAttr::get(module.getContext(), constant, {columns, 1});
  auto type = MemRefType::get({getConstantIntValue(count).value_or(ShapedType::kDynamic), columns},
                              builder->getF32Type(), layout);
  return memref::ReinterpretCastOp::create(*builder, type, floats, offset, sizes, strides);
}

Value StepFunction::bufferFor(Value value) {
  int64_t columns = activationColumns(value);
  OpFoldResult count = rowCount(analysis.activations.lookup(value));
  if (!analysis.isReturned(value)) {
    auto type =
        MemRefType::get({getConstantIntValue(count).value_or(ShapedType::kDynamic), columns}, builder->getF32Type());
    SmallVector<Value> dynamic;
    if (auto size = dyn_cast<Value>(count))
      dynamic.push_back(size);
    return memref::ViewOp::create(*builder, type, arena, index(plan.buffers.lookup(value)), dynamic);
  }
  // Results lie one behind the other.
  Value offset;
  for (Value before : analysis.returned) {
    if (before == value)
      break;
    Value rowsBefore =
        getValueOrCreateConstantIndexOp(*builder, builder->getLoc(), rowCount(analysis.activations.lookup(before)));
    Value size = arith::MulIOp::create(*builder, rowsBefore, index(activationColumns(before)));
    offset = offset ? arith::AddIOp::create(*builder, offset, size).getResult() : size;
  }
  return rowsAt(result, offset ? OpFoldResult(offset) : builder->getIndexAttr(0), count, columns);
}

LogicalResult StepFunction::lowerFused(llm::FusedOp fused) {
  for (Value input : fused.getInputs())
    if (isa<RankedTensorType>(input.getType()) && !memory.contains(input))
      return fused.emitError() << "the CPU step has no memory for an operand of type " << input.getType();
  Value output = *llvm::find_if(fused.getOutputs(), isActivation);
  memory[output] = bufferFor(output);
  KernelOperands operands = operandsOf(fused);
  operands.result = memory[output];
  if (analysis.ids && analysis.ids.getDefiningOp() == fused)
    operands.tensors.push_back(ids); // behind the arguments of the region
  FailureOr<func::FuncOp> kernel = kernelFor(fused, operands);
  if (failed(kernel))
    return failure();
  StepTimers *timers = step.getSymName() == "step" && totals.timers ? &*totals.timers : nullptr;
  KernelBuilder between(fused.getLoc(), *builder, shape, team);
  if (timers)
    timers->mark(between, tuningKey(fused));
  func::CallOp::create(*builder, *kernel, operands.flatten());
  bool last = fused == analysis.fusedOps.back();
  if (!last || timers || fused->getParentOp() != step)
    between.barrier();
  if (last && timers)
    timers->finish(between);
  return success();
}

KernelOperands StepFunction::operandsOf(llm::FusedOp fused) {
  KernelOperands operands;
  operands.team = team;
  for (Value input : fused.getInputs()) {
    if (isa<RankedTensorType>(input.getType()))
      operands.tensors.push_back(memory.lookup(input));
    if (isa<llm::BatchType>(input.getType()))
      operands.batch = batch;
    if (isa<llm::KVCacheType>(input.getType()))
      operands.kv = kv;
  }
  if (operands.kv)
    for (auto attention : fused.getBody().getOps<llm::AttentionOp>())
      operands.pageOffset = index(static_cast<int64_t>(attention.getLayer()) *
                                  layerPageBytes(cast<llm::KVCacheType>(attention.getCache().getType())));
  KernelNeeds needs = needsOf(fused, shape, maxRowsOf(fused, analysis, maxTokens));
  if (needs.workspaceBytes > 0) {
    auto bytes = MemRefType::get({ShapedType::kDynamic}, builder->getI8Type());
    operands.workspace = memref::ViewOp::create(*builder, bytes, arena, index(plan.workspaces.lookup(fused)),
                                                index(needs.workspaceBytes));
  }
  if (needs.scratchBytes > 0)
    operands.scratch = scratch;
  if (plan.records.contains(fused))
    operands.load = recordOf(fused, builder->getI64Type());
  return operands;
}

FailureOr<func::FuncOp> StepFunction::kernelFor(llm::FusedOp fused, const KernelOperands &operands) {
  int64_t interleave = 0;
  for (Value input : fused.getInputs())
    if (auto load = input.getDefiningOp<ml_program::GlobalLoadConstOp>())
      interleave = std::max(interleave, getLayout(globalOf(load)).getInterleave());
  SmallVector<Type> types = llvm::map_to_vector(operands.flatten(), [](Value value) { return value.getType(); });
  StepTotals::KernelRecord &record = totals.kernels[kernelKey(fused, types, interleave)];
  ++record.calls;
  if (record.function)
    return record.function;

  OpBuilder top(function);
  record.function = func::FuncOp::create(top, fused.getLoc(), fused.getKernel(), top.getFunctionType(types, {}));
  record.function.setPrivate();
  symbols.insert(record.function);
  Block *entry = record.function.addEntryBlock();
  OpBuilder inside = OpBuilder::atBlockBegin(entry);
  Kernel kernel(fused, interleave, operands.inside(*entry));
  FailureOr<KernelShape> tuned = tunedShape(shape, fused);
  if (failed(tuned))
    return failure();
  KernelBuilder kernelBuilder(fused.getLoc(), inside, *tuned, kernel.team);
  if (failed(emitKernel(kernelBuilder, kernel)))
    return failure();
  func::ReturnOp::create(kernelBuilder);
  return record.function;
}

/// `@step` in the attribute llm.step of the module, functions of draft heads under their names in llm.entries. Steps
/// share one arena; functions of heads have their own.
void StepFunction::describeStep() {
  Builder attributes(module.getContext());
  SmallVector<NamedAttribute> fields;
  auto set = [&](StringRef name, int64_t value) {
    fields.push_back(attributes.getNamedAttr(name, attributes.getI64IntegerAttr(value)));
  };
  if (analysis.features) {
    set("arena_bytes", plan.bytes);
    set("arena_bytes_per_thread", plan.scratchBytes);
  } else {
    totals.arenaBytes = std::max(totals.arenaBytes, plan.bytes);
    totals.scratchBytes = std::max(totals.scratchBytes, plan.scratchBytes);
    if (step.getSymName() != "step")
      return;
  }
  set("max_tokens", maxTokens);
  set("output_columns", activationColumns(analysis.returned.front()));
  set("page_tokens", KernelShape::pageTokens);
  for (BlockArgument argument : step.getArguments())
    if (auto cache = dyn_cast<llm::KVCacheType>(argument.getType())) {
      set("kv_layers", cache.getLayers());
      set("kv_heads", cache.getHeads());
      set("kv_head_dim", cache.getHeadDim());
      set("kv_element_bytes", cache.getElement().getWidth() / 8);
      set("page_bytes", cache.getLayers() * layerPageBytes(cache));
    }
  SmallVector<Attribute> records;
  for (auto &[op, record] : plan.records) {
    static constexpr StringLiteral names[] = {"skipped_ffn_rows", "ffn_cosines", "expert_load"};
    auto number = [&](StringRef name, int64_t value) {
      return attributes.getNamedAttr(name, attributes.getI64IntegerAttr(value));
    };
    records.push_back(attributes.getDictionaryAttr(
        {attributes.getNamedAttr("kind", attributes.getStringAttr(names[static_cast<size_t>(record.kind)])),
         number("layer", record.layer), number("offset", record.offset), number("size", record.size)}));
  }
  if (!records.empty())
    fields.push_back(attributes.getNamedAttr("records", attributes.getArrayAttr(records)));
  if (analysis.features) {
    totals.entries.push_back(attributes.getNamedAttr(step.getSymName(), attributes.getDictionaryAttr(fields)));
    return;
  }
  if (analysis.returned.size() > 1)
    set("feature_columns", activationColumns(analysis.returned[1]));
  totals.fields = fields;
}

void StepTotals::describe(ModuleOp module) {
  Builder attributes(module.getContext());
  auto field = [&](StringRef name, int64_t value) {
    return attributes.getNamedAttr(name, attributes.getI64IntegerAttr(value));
  };
  fields.push_back(field("arena_bytes", arenaBytes));
  fields.push_back(field("arena_bytes_per_thread", scratchBytes));
  module->setAttr("llm.step", attributes.getDictionaryAttr(fields));
  if (!entries.empty())
    module->setAttr("llm.entries", attributes.getDictionaryAttr(entries));
  SmallVector<NamedAttribute> calls;
  for (auto &entry : kernels)
    calls.push_back(field(entry.second.function.getSymName(), entry.second.calls));
  module->setAttr("llm.kernels", attributes.getDictionaryAttr(calls));
}
