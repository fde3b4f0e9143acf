//===- ConcatProjections.cpp - qkv and gate/up as one projection ----------===//
#include "Fuse/Fuse.h"

#include "LLM/LLM.h"

#include "mlir/IR/Remarks.h"
#include "mlir/IR/SymbolTable.h"

namespace yoke {
#define GEN_PASS_DEF_CONCATPROJECTIONSPASS
#include "Fuse/Passes.h.inc"
} // namespace yoke

using namespace mlir;
using namespace yoke;

namespace {
/// The linear op behind `value`, through rotary embedding and head norm.
llm::LinearOp producingLinear(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (auto linear = dyn_cast<llm::LinearOp>(op))
      return linear;
    if (!isa<llm::RopeOp, llm::RmsNormOp>(op) || !op->hasOneUse())
      return nullptr;
    value = op->getOperand(0);
  }
  return nullptr;
}

class Concatenation {
public:
  Concatenation(ModuleOp module, SymbolTable &symbols) : module(module), symbols(symbols) {}

  /// Replaces `linears`, which share one input, by one; does nothing where that is not possible.
  void run(ArrayRef<llm::LinearOp> linears) {
    if (!areCompatible(linears))
      return;
    llm::LinearOp first = linears.front();
    for (llm::LinearOp linear : linears)
      if (linear->isBeforeInBlock(first))
        first = linear;

    OpBuilder builder(first);
    Location loc = first.getLoc();
    SmallVector<Value> weights = llvm::map_to_vector(linears, [](auto linear) { return Value(linear.getWeight()); });
    Value weight = concatenate(builder, loc, weights);
    Value bias;
    if (first.getBias())
      bias =
          concatenate(builder, loc, llvm::map_to_vector(linears, [](auto linear) { return Value(linear.getBias()); }));
    auto all = llm::LinearOp::create(builder, loc, first.getX(), weight, bias, first.getXTypeAttr());

    Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
    Value rows = tensor::DimOp::create(builder, loc, all.getResult(), zero);
    int64_t offset = 0;
    for (llm::LinearOp linear : linears) {
      auto type = linear.getResult().getType();
      SmallVector<OpFoldResult> offsets = {builder.getIndexAttr(0), builder.getIndexAttr(offset)};
      SmallVector<OpFoldResult> sizes = {rows, builder.getIndexAttr(type.getDimSize(1))};
      SmallVector<OpFoldResult> strides(2, builder.getIndexAttr(1));
      Value slice = tensor::ExtractSliceOp::create(builder, loc, type, all.getResult(), offsets, sizes, strides);
      linear.getResult().replaceAllUsesWith(slice);
      offset += type.getDimSize(1);
    }
    for (llm::LinearOp linear : linears)
      linear.erase();
    remark::passed(loc, remark::RemarkOpts::name("ConcatProjections").category("yoke-fuse"))
        << "one projection of " << std::to_string(linears.size()) << " linear ops with the same input";
  }

private:
  ml_program::GlobalOp globalOf(Value value) {
    auto load = value ? value.getDefiningOp<ml_program::GlobalLoadConstOp>() : nullptr;
    return load ? symbols.lookup<ml_program::GlobalOp>(load.getGlobalAttr().getLeafReference()) : nullptr;
  }

  /// True when `value` is all that reads a global of `#llm.weight` value.
  bool isOwnWeight(Value value) {
    ml_program::GlobalOp global = globalOf(value);
    if (!global || !isa_and_present<llm::WeightAttr>(global.getValueAttr()) || !value.hasOneUse())
      return false;
    auto uses = SymbolTable::getSymbolUses(global, module);
    return uses && std::distance(uses->begin(), uses->end()) == 1;
  }

  std::optional<llm::WeightCoding> codingOf(Value value) {
    ml_program::GlobalOp global = globalOf(value);
    auto weight = global ? dyn_cast_if_present<llm::WeightAttr>(global.getValueAttr()) : nullptr;
    return weight ? std::optional(weight.getCoding()) : std::nullopt;
  }

  bool areCompatible(ArrayRef<llm::LinearOp> linears) {
    if (linears.size() < 2 || llvm::is_contained(linears, nullptr))
      return false;
    llm::LinearOp first = linears.front();
    llvm::SmallPtrSet<Operation *, 4> distinct;
    return llvm::all_of(linears, [&](llm::LinearOp linear) {
      return distinct.insert(linear).second && linear.getX() == first.getX() &&
             linear->getBlock() == first->getBlock() &&
             linear.getWeight().getType().getElementType() == first.getWeight().getType().getElementType() &&
             linear.getXTypeAttr() == first.getXTypeAttr() &&
             codingOf(linear.getWeight()) == codingOf(first.getWeight()) &&
             static_cast<bool>(linear.getBias()) == static_cast<bool>(first.getBias()) &&
             isOwnWeight(linear.getWeight()) && (!linear.getBias() || isOwnWeight(linear.getBias()));
    });
  }

  /// A global with the rows of all `parts` and a load of it; the parts' loads and globals go.
  Value concatenate(OpBuilder &builder, Location loc, ArrayRef<Value> parts) {
    SmallVector<llm::PieceAttr> pieces;
    std::string name;
    int64_t rows = 0;
    for (Value part : parts) {
      ml_program::GlobalOp global = globalOf(part);
      llvm::append_range(pieces, cast<llm::WeightAttr>(global.getValueAttr()).getPieces());
      name += (name.empty() ? "" : "+") + global.getSymName().str();
      rows += cast<RankedTensorType>(part.getType()).getDimSize(0);
    }
    auto partType = cast<RankedTensorType>(parts.front().getType());
    SmallVector<int64_t> shape(partType.getShape());
    shape[0] = rows;
    auto type = RankedTensorType::get(shape, partType.getElementType());

    OpBuilder globals(globalOf(parts.front()));
    auto global = ml_program::GlobalOp::create(
        globals, loc, name, type, /*is_mutable=*/false,
        llm::WeightAttr::get(builder.getContext(), pieces, *codingOf(parts.front())), builder.getStringAttr("private"));
    symbols.insert(global);
    for (Value part : parts) {
      ml_program::GlobalOp old = globalOf(part);
      Operation *load = part.getDefiningOp();
      // The projections still hold their operands until they are erased.
      part.dropAllUses();
      load->erase();
      symbols.erase(old);
    }
    return ml_program::GlobalLoadConstOp::create(builder, loc, type, FlatSymbolRefAttr::get(global.getSymNameAttr()));
  }

  ModuleOp module;
  SymbolTable &symbols;
};

struct ConcatProjectionsPass : yoke::impl::ConcatProjectionsPassBase<ConcatProjectionsPass> {
  using Base::Base;

  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    Concatenation concatenation(getOperation(), symbols);
    getOperation()->walk([&](Operation *op) {
      if (auto attention = dyn_cast<llm::AttentionOp>(op))
        concatenation.run(
            {producingLinear(attention.getQ()), producingLinear(attention.getK()), producingLinear(attention.getV())});
      else if (auto yield = dyn_cast<llm::YieldOp>(op); yield && isa<llm::ByModalityOp>(op->getParentOp()))
        concatenation.run(llvm::map_to_vector(yield.getValues(), producingLinear));
      else if (auto gated = dyn_cast<llm::GatedOp>(op))
        concatenation.run(
            {gated.getGate().getDefiningOp<llm::LinearOp>(), gated.getUp().getDefiningOp<llm::LinearOp>()});
    });
  }
};
} // namespace
