//===- LoopFunction.cpp - the function that generates text ----------------===//
#include "Decode/LoopFunction.h"

#include "LowerCpu/StepFunction.h"

using namespace mlir;
using namespace yoke;
using arith::CmpIPredicate;

/// Successors of a token in the table.
static constexpr int64_t successors = 8;

/// The order of the hooks in YokeLoopHooks.
enum Hook { BeginHook, DraftHook, LearnHook, ChooseHook, AddHook, CommitHook, DropHook };

LogicalResult LoopFunction::build(int64_t maxTokens) {
  FailureOr<LoopProgram> read = LoopProgram::of(source);
  if (failed(read))
    return failure();
  program = *read;
  if (capacity() > maxTokens)
    return source.emitError() << "expected trees of at most the " << maxTokens << " tokens of a step, found "
                              << program.tree();
  bool isGreedy = program.policy() == decode::Acceptance::greedy;
  if (isGreedy != best().has_value())
    return source.emitError(isGreedy ? "a greedy loop reads best tokens; yoke-fuse-head makes a step that gives them"
                                     : "a sampled loop reads logits of all tokens");
  createFunction();
  emitLoop();
  func::ReturnOp::create(*builder);
  return success();
}

/// `@yoke_<callee>`, of which the body is made later.
func::FuncOp LoopFunction::declareStep(StringRef callee) {
  std::string name = ("yoke_" + callee).str();
  if (auto known = module.lookupSymbol<func::FuncOp>(name))
    return known;
  OpBuilder top(source);
  auto step = func::FuncOp::create(top, source.getLoc(), name,
                                   StepFunction::signature(module.getContext(), best().has_value()));
  step.setPrivate();
  return step;
}

/// The signature is that of lib/Package/LoopAbi.h.
void LoopFunction::createFunction() {
  MLIRContext *context = module.getContext();
  OpBuilder top(source);
  auto bytes = MemRefType::get({ShapedType::kDynamic}, top.getI8Type());
  auto integers = MemRefType::get({ShapedType::kDynamic}, top.getI32Type());
  auto floats = MemRefType::get({ShapedType::kDynamic}, top.getF32Type());
  auto pointer = LLVM::LLVMPointerType::get(context);
  Type indexType = top.getIndexType();
  std::pair<Type, Value *> parameters[] = {{bytes, &weights},
                                           {bytes, &arena},
                                           {bytes, &kv},
                                           {bytes, &stateBytes},
                                           {integers, &blocks},
                                           {floats, &rows},
                                           {integers, &ids},
                                           {integers, &table},
                                           {pointer, &host},
                                           {pointer, &hooks},
                                           {indexType, &team.thread},
                                           {indexType, &team.threads},
                                           {pointer, &team.barrierContext},
                                           {pointer, &team.barrier}};
  SmallVector<Type> types = llvm::map_to_vector(parameters, [](auto &parameter) { return parameter.first; });
  auto function =
      func::FuncOp::create(top, source.getLoc(), ("yoke_" + source.getSymName()).str(), top.getFunctionType(types, {}));
  function->setAttr(LLVM::LLVMDialect::getEmitCWrapperAttrName(), top.getUnitAttr());
  Block *entry = function.addEntryBlock();
  for (auto [parameter, argument] : llvm::zip(parameters, entry->getArguments()))
    *parameter.second = argument;
  OpBuilder inside = OpBuilder::atBlockBegin(entry);
  builder.emplace(source.getLoc(), inside, *KernelShape::forLevel("x86-64-v3"), team);
  int64_t words = YOKE_LOOP_WORDS + YOKE_LOOP_ARRAYS * capacity();
  state = builder->view(stateBytes, builder->index(0), MemRefType::get({words}, top.getI32Type()));
}

//===----------------------------------------------------------------------===//
// Pieces of code
//===----------------------------------------------------------------------===//

Value LoopFunction::integer(int64_t value) {
  return arith::ConstantOp::create(*builder, builder->getI64IntegerAttr(value));
}

Value LoopFunction::narrow(Value value) {
  if (value.getType().isIndex())
    return arith::IndexCastOp::create(*builder, builder->getI32Type(), value);
  return arith::TruncIOp::create(*builder, builder->getI32Type(), value);
}

Value LoopFunction::compare(CmpIPredicate predicate, Value a, Value b) {
  return arith::CmpIOp::create(*builder, predicate, a, b);
}

Value LoopFunction::hook(int which, Value argument) {
  KernelBuilder &b = *builder;
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  Value address = LLVM::GEPOp::create(b, pointer, pointer, hooks, ArrayRef<LLVM::GEPArg>{which});
  Value function = LLVM::LoadOp::create(b, pointer, address);
  if (argument.getType().isIndex())
    argument = arith::IndexCastOp::create(b, b.getI64Type(), argument);
  auto type = LLVM::LLVMFunctionType::get(b.getI64Type(), {pointer, b.getI64Type()});
  return LLVM::CallOp::create(b, type, ValueRange{function, host, argument}).getResult();
}

Value LoopFunction::place(int array, Value index) {
  return builder->add(index, builder->index(YOKE_LOOP_WORDS + array * capacity()));
}

Value LoopFunction::get(int array, Value index) { return builder->element(state, place(array, index)); }

void LoopFunction::set(int array, Value index, Value value) { builder->setElement(value, state, place(array, index)); }

void LoopFunction::setWord(int word, Value value) { builder->setElement(value, state, builder->index(word)); }

Value LoopFunction::arrayOf(int array, Value size) {
  KernelBuilder &b = *builder;
  auto type = MemRefType::get({ShapedType::kDynamic}, b.getI32Type());
  int64_t begin = (YOKE_LOOP_WORDS + array * capacity()) * static_cast<int64_t>(sizeof(int32_t));
  return memref::ViewOp::create(b, type, stateBytes, b.index(begin), size);
}

void LoopFunction::onlyIf(Value condition, function_ref<void()> body, function_ref<void()> otherwise) {
  KernelBuilder &b = *builder;
  auto branch = scf::IfOp::create(b, condition, /*withElseRegion=*/static_cast<bool>(otherwise));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  body();
  if (!otherwise)
    return;
  b.setInsertionPointToStart(branch.elseBlock());
  otherwise();
}

void LoopFunction::onFirstThread(function_ref<void()> body) {
  onlyIf(compare(CmpIPredicate::eq, team.thread, builder->index(0)), body);
}

//===----------------------------------------------------------------------===//
// The loop
//===----------------------------------------------------------------------===//

void LoopFunction::emitLoop() {
  KernelBuilder &b = *builder;
  auto loop = scf::WhileOp::create(b, TypeRange(), ValueRange());
  OpBuilder::InsertionGuard guard(b);
  Block *before = b.createBlock(&loop.getBefore()), *after = b.createBlock(&loop.getAfter());
  b.setInsertionPointToStart(before);
  onFirstThread([&] { emitGuesses(); });
  b.barrier();
  Value nodes = b.toIndex(b.element(state, b.index(YOKE_LOOP_NODES)));
  scf::ConditionOp::create(b, compare(CmpIPredicate::sgt, nodes, b.index(0)), ValueRange());

  b.setInsertionPointToStart(after);
  nodes = b.toIndex(b.element(state, b.index(YOKE_LOOP_NODES)));
  emitStepCalls(nodes);
  b.barrier();
  onFirstThread([&] { emitChoice(nodes); });
  scf::YieldOp::create(b);
}

void LoopFunction::emitGuesses() {
  bool isFixed = program.draft && program.draft.getTopology();
  Value nodes = builder->toIndex(hook(program.draft && !isFixed ? DraftHook : BeginHook, integer(capacity())));
  if (isFixed)
    nodes = emitFixedTree(nodes);
  setWord(YOKE_LOOP_NODES, narrow(nodes));
  emitStepArrays(nodes);
}

/// The topology's numbers as an array of the module.
Value LoopFunction::constants(StringRef what, ArrayRef<int32_t> numbers) {
  KernelBuilder &b = *builder;
  auto type = MemRefType::get({static_cast<int64_t>(numbers.size())}, b.getI32Type());
  auto tensor = RankedTensorType::get(type.getShape(), type.getElementType());
  std::string name = (source.getSymName() + "_" + what).str();
  OpBuilder top(source);
  memref::GlobalOp::create(top, source.getLoc(), name, top.getStringAttr("private"), type,
                           DenseElementsAttr::get(tensor, numbers), /*constant=*/true, IntegerAttr());
  return memref::GetGlobalOp::create(b, type, name);
}

/// Fills the topology from the table of successors, without the nodes for which it has no token, for which there is no
/// slot, or which would be beyond the text's end. Returns how many nodes there are.
Value LoopFunction::emitFixedTree(Value room) {
  KernelBuilder &b = *builder;
  TreeTopology tree = program.draft.getTopology()->getTree();
  Value parents = constants("parents", tree.parents), ranks = constants("ranks", tree.ranks),
        depths = constants("depths", tree.depths), maxDepth = b.element(state, b.index(YOKE_LOOP_MAX_DEPTH)),
        zero = narrow(integer(0)), nobody = narrow(integer(-1));
  set(YOKE_LOOP_PLACES, b.index(0), zero);
  auto both = [&](Value x, Value y) -> Value { return arith::AndIOp::create(b, x, y); };
  auto choose = [&](Value which, Value x, Value y) -> Value { return arith::SelectOp::create(b, which, x, y); };
  Value first = b.least(room, b.index(1));
  return b.reduce(b.index(1), b.index(tree.size()), b.index(1), first, [&](Value node, ValueRange count) {
    Value parent = get(YOKE_LOOP_PLACES, b.toIndex(b.element(parents, node)));
    Value isOpen = both(compare(CmpIPredicate::sge, parent, zero), compare(CmpIPredicate::slt, count[0], room));
    Value depth = b.element(depths, node);
    isOpen = both(isOpen, compare(CmpIPredicate::sle, depth, maxDepth));
    // Of a node without a place the root is looked up in its parent's stead.
    Value above = get(YOKE_LOOP_TOKENS, b.toIndex(choose(isOpen, parent, zero)));
    Value entry = b.add(b.mul(b.toIndex(above), b.index(successors)), b.toIndex(b.element(ranks, node)));
    Value token = b.element(table, b.mul(entry, b.index(2)));
    Value isNode = both(isOpen, compare(CmpIPredicate::sge, token, zero));
    set(YOKE_LOOP_PLACES, node, choose(isNode, narrow(count[0]), nobody));
    onlyIf(isNode, [&] {
      set(YOKE_LOOP_TOKENS, count[0], token);
      set(YOKE_LOOP_PARENTS, count[0], parent);
      set(YOKE_LOOP_DEPTHS, count[0], depth);
    });
    return SmallVector<Value>{choose(isNode, b.add(count[0], b.index(1)), count[0])};
  })[0];
}

/// Node i: position of the root plus its depth, slot of the root plus i.
void LoopFunction::emitStepArrays(Value nodes) {
  KernelBuilder &b = *builder;
  Value root = b.element(state, b.index(YOKE_LOOP_COMMITTED)), zero = narrow(integer(0)), one = narrow(integer(1));
  b.loop(b.index(0), nodes, b.index(1), [&](Value node) {
    Value number = narrow(node), slot = b.add(root, number);
    set(YOKE_LOOP_POSITIONS, node, b.add(root, get(YOKE_LOOP_DEPTHS, node)));
    set(YOKE_LOOP_SLOTS, node, slot);
    set(YOKE_LOOP_LIMITS, node, b.add(slot, one));
    set(YOKE_LOOP_SEQUENCES, node, zero);
    set(YOKE_LOOP_OUTPUTS, node, number);
  });
}

/// The step, or the one that was made for this number of nodes.
void LoopFunction::emitStepCalls(Value nodes) {
  KernelBuilder &b = *builder;
  SmallVector<Value> operands = {weights, arena, kv};
  for (int array : {YOKE_LOOP_TOKENS, YOKE_LOOP_POSITIONS, YOKE_LOOP_SLOTS, YOKE_LOOP_LIMITS, YOKE_LOOP_SEQUENCES,
                    YOKE_LOOP_PARENTS, YOKE_LOOP_OUTPUTS})
    operands.push_back(arrayOf(array, nodes));
  operands.append({blocks, b.rows(blocks), rows});
  if (best())
    operands.push_back(ids);
  operands.append({team.thread, team.threads, team.barrierContext, team.barrier});
  StringRef callee = program.verify.getCallee();
  ArrayRef<int64_t> buckets = program.verify.getBuckets().value_or(ArrayRef<int64_t>());
  auto choice = scf::IndexSwitchOp::create(b, TypeRange(), nodes, buckets, buckets.size());
  auto fill = [&](Region &region, StringRef name) {
    OpBuilder::InsertionGuard guard(b);
    b.createBlock(&region);
    func::CallOp::create(b, declareStep(name), operands);
    scf::YieldOp::create(b);
  };
  for (auto [rows, region] : llvm::zip_equal(buckets, choice.getCaseRegions()))
    fill(region, decode::bucketName(callee, rows));
  fill(choice.getDefaultRegion(), callee);
}

//===----------------------------------------------------------------------===//
// What is accepted
//===----------------------------------------------------------------------===//

int64_t LoopFunction::columns() { return cast<RankedTensorType>(program.rows()[0].getType()).getDimSize(1); }

/// NaN in what a row is computed from reaches all of its columns, and is the best of them.
Value LoopFunction::isNan(Value node) {
  Value logit = builder->element(rows, builder->mul(node, builder->index(columns())));
  return arith::CmpFOp::create(*builder, arith::CmpFPredicate::UNO, logit, logit);
}

/// Whether guesses led the model to NaN.
Value LoopFunction::isSpoiled(Value nodes) {
  KernelBuilder &b = *builder;
  Value none = arith::ConstantOp::create(b, b.getBoolAttr(false));
  Value any = b.reduce(b.index(0), nodes, b.index(1), none, [&](Value node, ValueRange carried) {
    return SmallVector<Value>{arith::OrIOp::create(b, carried[0], isNan(node))};
  })[0];
  return arith::AndIOp::create(b, any, compare(CmpIPredicate::sgt, nodes, b.index(1)));
}

void LoopFunction::emitChoice(Value nodes) {
  KernelBuilder &b = *builder;
  if (program.sample) {
    chooseAt(b.index(0));
    setWord(YOKE_LOOP_ACCEPTED, narrow(integer(1)));
    set(YOKE_LOOP_PATH, b.index(0), narrow(integer(0)));
    hook(CommitHook, integer(1));
    return;
  }
  onlyIf(
      isSpoiled(nodes), [&] { hook(DropHook, nodes); },
      [&] {
        if (program.learn)
          hook(LearnHook, integer(best().value_or(0)));
        emitWalk(nodes);
      });
}

/// The token that is added to the text at a node, or -1, as i64.
Value LoopFunction::chooseAt(Value node) {
  KernelBuilder &b = *builder;
  if (!best())
    return hook(ChooseHook, node);
  Value id = b.element(ids, b.mul(node, b.index(*best())));
  id = arith::ExtSIOp::create(b, b.getI64Type(), id);
  id = arith::SelectOp::create(b, compare(CmpIPredicate::slt, id, integer(0)), integer(-2), id);
  return hook(AddHook, arith::SelectOp::create(b, isNan(node), integer(-1), id));
}

/// The child with this token, or -1, as index.
Value LoopFunction::childOf(Value node, Value token, Value nodes) {
  KernelBuilder &b = *builder;
  Value parent = narrow(node), wanted = narrow(token), none = b.index(-1);
  return b.reduce(b.add(node, b.index(1)), nodes, b.index(1), none, [&](Value other, ValueRange carried) {
    Value isChild = arith::AndIOp::create(b, compare(CmpIPredicate::eq, get(YOKE_LOOP_PARENTS, other), parent),
                                          compare(CmpIPredicate::eq, get(YOKE_LOOP_TOKENS, other), wanted));
    return SmallVector<Value>{arith::SelectOp::create(b, isChild, other, carried[0])};
  })[0];
}

void LoopFunction::emitWalk(Value nodes) {
  KernelBuilder &b = *builder;
  Type indexType = b.getIndexType();
  auto walk = scf::WhileOp::create(b, TypeRange{indexType, indexType}, ValueRange{b.index(0), b.index(0)});
  {
    OpBuilder::InsertionGuard guard(b);
    Location loc = b.getLoc();
    Block *before = b.createBlock(&walk.getBefore(), {}, {indexType, indexType}, {loc, loc});
    Value node = before->getArgument(0), length = before->getArgument(1);
    set(YOKE_LOOP_PATH, length, narrow(node));
    Value token = chooseAt(node), child = childOf(node, token, nodes);
    Value goesOn = arith::AndIOp::create(b, compare(CmpIPredicate::sge, token, integer(0)),
                                         compare(CmpIPredicate::sgt, child, b.index(0)));
    scf::ConditionOp::create(b, goesOn, ValueRange{child, b.add(length, b.index(1))});
    Block *after = b.createBlock(&walk.getAfter(), {}, {indexType, indexType}, {loc, loc});
    scf::YieldOp::create(b, after->getArguments());
  }
  Value accepted = walk.getResult(1);
  setWord(YOKE_LOOP_ACCEPTED, narrow(accepted));
  hook(CommitHook, accepted);
}
