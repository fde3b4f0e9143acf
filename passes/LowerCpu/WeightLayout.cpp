//===- WeightLayout.cpp - packed weights as memrefs and bytes -------------===//
#include "LowerCpu/WeightLayout.h"

#include "LowerCpu/KernelShape.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace yoke;

llm::LayoutAttr yoke::getLayout(ml_program::GlobalOp global) {
  return global->getAttrOfType<llm::LayoutAttr>(layoutAttrName);
}

RankedTensorType yoke::oneMatrix(RankedTensorType weight) {
  return weight.getRank() < 3 ? weight : RankedTensorType::get(weight.getShape().drop_front(), weight.getElementType());
}

int64_t yoke::panelCount(RankedTensorType matrix, llm::LayoutAttr layout) {
  // An interleaved panel holds panel / 2 rows of each half.
  if (layout.getInterleave() > 0)
    return llvm::divideCeil(matrix.getDimSize(0) / 2, layout.getPanel() / 2);
  return llvm::divideCeil(matrix.getDimSize(0), layout.getPanel());
}

MemRefType yoke::packedType(RankedTensorType weight, llm::LayoutAttr layout) {
  MLIRContext *context = weight.getContext();
  if (weight.getRank() == 1)
    return MemRefType::get(weight.getShape(), Float32Type::get(context));
  if (layout.getPanel() == 0)
    return MemRefType::get(weight.getShape(), weight.getElementType());
  if (auto quant = dyn_cast<llm::QuantType>(weight.getElementType())) {
    RankedTensorType matrix = oneMatrix(weight);
    SmallVector<int64_t> shape(weight.getShape().drop_back(2));
    shape.append({panelCount(matrix, layout),
                  static_cast<int64_t>(llvm::divideCeil(matrix.getDimSize(1), QuantBlock::inputs)),
                  QuantBlock(quant).bytes});
    return MemRefType::get(shape, IntegerType::get(context, 8));
  }
  Type element = layout.getGroup() == 2 ? Type(IntegerType::get(context, 32)) : weight.getElementType();
  RankedTensorType matrix = oneMatrix(weight);
  SmallVector<int64_t> shape(weight.getShape().drop_back(2));
  shape.append({panelCount(matrix, layout),
                static_cast<int64_t>(llvm::divideCeil(matrix.getDimSize(1), layout.getGroup())), layout.getPanel()});
  return MemRefType::get(shape, element);
}

int64_t yoke::packedBytes(RankedTensorType weight, llm::LayoutAttr layout) {
  MemRefType packed = packedType(weight, layout);
  return packed.getNumElements() * packed.getElementTypeBitWidth() / 8;
}

QuantBlock::QuantBlock(llm::QuantType type)
    : bits(type.getStorage().getWidth()), lines(inputs / quadInputs * bits / 8),
      lineBytes(KernelShape::panel * quadInputs), scaleBytes(type.getScale().getWidth() / 8), scales(lines * lineBytes),
      zeros(scales + KernelShape::panel * scaleBytes),
      bytes(type.getAsymmetric() ? zeros + KernelShape::panel * scaleBytes : zeros) {}

bool yoke::hasPanelLayout(llm::QuantType type, int64_t inputs) {
  Type scale = type.getScale();
  return (type.getGroup() % QuantBlock::inputs == 0 || type.getGroup() >= inputs) &&
         (scale.isF32() || scale.isBF16() || scale.isF16());
}
