//===- KernelShape.cpp - register blocking by instruction set -------------===//
#include "LowerCpu/KernelShape.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

using namespace yoke;

std::optional<KernelShape> KernelShape::forLevel(llvm::StringRef level) {
  llvm::SmallVector<llvm::StringRef> parts;
  level.split(parts, '+');
  // 16 registers: 2 rows x 4 vectors = 8 sums.
  KernelShape shape{.lanes = 8, .rowBlock = 2, .chains = 1, .attentionVectors = 8};
  bool wide = parts.front() == "x86-64-v4";
  // 32 registers: 6 rows x 2 vectors x 2 chains = 24 sums.
  if (wide)
    shape = {.lanes = 16, .rowBlock = 6, .chains = 2, .attentionVectors = 16};
  else if (parts.front() != "x86-64-v3")
    return std::nullopt;
  for (llvm::StringRef feature : llvm::ArrayRef(parts).drop_front()) {
    if (wide && feature == "avx512vnni")
      shape.byteDots = true;
    else if (wide && feature == "avx512bf16")
      shape.bf16Dots = true;
    else
      return std::nullopt;
  }
  return shape;
}

KernelShape KernelShape::with(const KernelChoice &choice) const {
  KernelShape shape = *this;
  if (choice.rows > 0)
    shape.rowBlock = choice.rows;
  shape.unroll = choice.unroll;
  shape.prefetchBytes = choice.prefetch;
  shape.dealtPanels = choice.dealt;
  shape.panelsTogether = choice.panels;
  return shape;
}
