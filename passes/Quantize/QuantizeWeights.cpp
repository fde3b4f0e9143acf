//===- QuantizeWeights.cpp - quantised element types of matrices ----------===//
#include "Quantize/Quantize.h"

#include "LLM/LLM.h"
#include "MoE/MoE.h"

#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/MapVector.h"

namespace yoke {
#define GEN_PASS_DEF_QUANTIZEWEIGHTSPASS
#include "Quantize/Passes.h.inc"
} // namespace yoke

using namespace mlir;
using namespace yoke;

static constexpr llvm::StringLiteral weightTypes[] = {"q8", "q4", "q4-plain", "q4-asymmetric"};
static constexpr int64_t groupInputs = 32;

ArrayRef<llvm::StringLiteral> yoke::quantizedWeightTypes() { return weightTypes; }

namespace {
/// The element type and coding that a name stands for.
struct Target {
  llm::QuantType element;
  llm::WeightCoding coding;
};

Target targetOf(MLIRContext *context, StringRef name) {
  bool asymmetric = name == "q4-asymmetric";
  auto storage = IntegerType::get(context, name == "q8" ? 8 : 4);
  bool searched = name == "q4" || asymmetric;
  return {llm::QuantType::get(context, storage, groupInputs, BFloat16Type::get(context), asymmetric),
          searched ? llm::WeightCoding::searched : llm::WeightCoding::rounded};
}

bool isRouter(Operation *linear) { return llvm::any_of(linear->getResult(0).getUsers(), llvm::IsaPred<moe::RouteOp>); }

/// Reads that multiply by the weight, and whether there are others.
struct Uses {
  SmallVector<OpOperand *> products;
  bool others = false;
};

Uses usesOf(Value weight) {
  Uses uses;
  for (OpOperand &use : weight.getUses()) {
    Operation *user = use.getOwner();
    bool isProduct = isa<llm::LinearOp, llm::LmHeadOp>(user) && use.getOperandNumber() == 1 && !isRouter(user);
    auto experts = dyn_cast<moe::ExpertsOp>(user);
    bool isStack = experts && use.getOperandNumber() >= experts.getMatrices().getBeginOperandIndex();
    if (isProduct || isStack)
      uses.products.push_back(&use);
    else
      uses.others = true;
  }
  return uses;
}

struct QuantizeWeightsPass : yoke::impl::QuantizeWeightsPassBase<QuantizeWeightsPass> {
  using Base::Base;

  void runOnOperation() override {
    if (weights.empty())
      return;
    if (!llvm::is_contained(weightTypes, weights)) {
      getOperation().emitError() << "expected weights of q8, q4, q4-plain or q4-asymmetric, found " << weights;
      return signalPassFailure();
    }
    Target target = targetOf(&getContext(), weights);
    SymbolTable symbols(getOperation());
    llvm::MapVector<Operation *, SmallVector<ml_program::GlobalLoadConstOp>> loads;
    getOperation()->walk([&](ml_program::GlobalLoadConstOp load) {
      if (Operation *global = symbols.lookup(load.getGlobalAttr().getLeafReference()))
        loads[global].push_back(load);
    });
    for (auto &[op, its] : loads)
      quantize(cast<ml_program::GlobalOp>(op), its, target, symbols);
    renameWeightType();
  }

  void quantize(ml_program::GlobalOp global, ArrayRef<ml_program::GlobalLoadConstOp> loads, const Target &target,
                SymbolTable &symbols) {
    auto type = dyn_cast<RankedTensorType>(global.getType());
    auto source = dyn_cast_if_present<llm::WeightAttr>(global.getValueAttr());
    if (!type || type.getRank() < 2 || !isa<FloatType>(type.getElementType()) || !source)
      return;
    SmallVector<OpOperand *> products;
    bool others = false;
    for (ml_program::GlobalLoadConstOp load : loads) {
      Uses uses = usesOf(load.getResult());
      products.append(uses.products);
      others |= uses.others;
    }
    if (products.empty())
      return;
    auto coded = llm::WeightAttr::get(&getContext(), source.getPieces(), target.coding);
    auto quantized = RankedTensorType::get(type.getShape(), target.element);
    if (others) {
      OpBuilder builder(global);
      builder.setInsertionPointAfter(global);
      auto copy =
          ml_program::GlobalOp::create(builder, global.getLoc(), (global.getSymName() + ".quantized").str(), quantized,
                                       /*is_mutable=*/false, coded, builder.getStringAttr("private"));
      symbols.insert(copy);
      global = copy;
    } else {
      global.setType(quantized);
      global.setValueAttr(coded);
    }
    for (OpOperand *use : products) {
      OpBuilder builder(use->getOwner());
      Value load = ml_program::GlobalLoadConstOp::create(builder, use->get().getLoc(), quantized,
                                                         FlatSymbolRefAttr::get(global.getSymNameAttr()));
      use->set(load);
      if (auto experts = dyn_cast<moe::ExpertsOp>(use->getOwner())) {
        unsigned index = use->getOperandNumber() - experts.getMatrices().getBeginOperandIndex();
        experts.getBody().getArgument(index + 1).setType(
            RankedTensorType::get(type.getShape().drop_front(), target.element));
      }
    }
    for (ml_program::GlobalLoadConstOp load : loads)
      if (load->use_empty())
        load.erase();
  }

  /// The program's description names the type of most of its matrices.
  void renameWeightType() {
    auto model = getOperation()->getAttrOfType<DictionaryAttr>("llm.model");
    if (!model)
      return;
    NamedAttrList attributes(model);
    attributes.set("weight_type", StringAttr::get(&getContext(), weights));
    getOperation()->setAttr("llm.model", attributes.getDictionary(&getContext()));
  }
};
} // namespace
