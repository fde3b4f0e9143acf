//===- QuantFormats.h - quantised types as formats of rows ----------------===//
#ifndef YOKE_LIB_IMPORT_QUANTFORMATS_H
#define YOKE_LIB_IMPORT_QUANTFORMATS_H

#include "LLM/LLM.h"
#include "Quantizer/GroupQuantizer.h"

namespace yoke {

/// How rows of a weight of type `type` are quantised when `coding` makes it of floats.
inline QuantFormat quantFormat(llm::QuantType type, llm::WeightCoding coding) {
  mlir::Type scale = type.getScale();
  return {.bits = static_cast<int>(type.getStorage().getWidth()),
          .group = type.getGroup(),
          .scale = scale.isBF16()  ? ScaleType::BFloat16
                   : scale.isF16() ? ScaleType::Float16
                                   : ScaleType::Float32,
          .asymmetric = type.getAsymmetric(),
          .searched = coding == llm::WeightCoding::searched};
}

} // namespace yoke

#endif // YOKE_LIB_IMPORT_QUANTFORMATS_H
