//===- KernelShape.cpp - register blocking by instruction set -------------===//
#include "LowerCpu/KernelShape.h"

using namespace yoke;

std::optional<KernelShape> KernelShape::forLevel(llvm::StringRef level) {
  // 32 registers: 6 rows x 2 vectors x 2 chains = 24 sums.
  if (level == "x86-64-v4")
    return KernelShape{.lanes = 16, .rowBlock = 6, .chains = 2, .attentionVectors = 16};
  // 16 registers: 2 rows x 4 vectors = 8 sums.
  if (level == "x86-64-v3")
    return KernelShape{.lanes = 8, .rowBlock = 2, .chains = 1, .attentionVectors = 8};
  return std::nullopt;
}
