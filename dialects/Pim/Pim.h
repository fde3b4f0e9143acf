//===- Pim.h - the pim dialect --------------------------------------------===//
//
// Commands of multipliers inside a memory's banks; see PimBase.td.
//
//===----------------------------------------------------------------------===//
#ifndef YOKE_DIALECTS_PIM_PIM_H
#define YOKE_DIALECTS_PIM_PIM_H

#include "Npu/Npu.h"

#include "Pim/PimDialect.h.inc"

#include "Pim/PimEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "Pim/PimAttrs.h.inc"

#define GET_OP_CLASSES
#include "Pim/PimOps.h.inc"

#endif // YOKE_DIALECTS_PIM_PIM_H
