//===- StepTimers.cpp - steps that tell when each kernel begins -----------===//
#include "LowerCpu/StepTimers.h"

using namespace mlir;
using namespace yoke;

static constexpr llvm::StringLiteral markName = "yoke_mark", namesName = "yoke_kernels";

void StepTimers::mark(KernelBuilder &b, StringRef key) {
  call(b);
  keys += (key + "\n").str();
  ++count;
}

void StepTimers::finish(KernelBuilder &b) { call(b); }

void StepTimers::call(KernelBuilder &b) {
  Value first = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, b.team.thread, b.index(0));
  auto branch = scf::IfOp::create(b, first, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  Value place = LLVM::AddressOfOp::create(b, pointer, markName);
  Value function = LLVM::LoadOp::create(b, pointer, place);
  auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(b.getContext()), {b.getI64Type()});
  Value number = arith::ConstantOp::create(b, b.getI64IntegerAttr(count));
  LLVM::CallOp::create(b, type, ValueRange{function, number});
}

void StepTimers::declare(ModuleOp module) const {
  ImplicitLocOpBuilder b(module.getLoc(), OpBuilder::atBlockBegin(module.getBody()));
  auto pointer = LLVM::LLVMPointerType::get(module.getContext());
  auto mark = LLVM::GlobalOp::create(b, pointer, /*isConstant=*/false, LLVM::Linkage::External, markName, Attribute());
  {
    OpBuilder::InsertionGuard guard(b);
    b.createBlock(&mark.getInitializer());
    LLVM::ReturnOp::create(b, LLVM::ZeroOp::create(b, pointer).getResult());
  }
  std::string text = keys + '\0';
  auto type = LLVM::LLVMArrayType::get(b.getI8Type(), text.size());
  LLVM::GlobalOp::create(b, type, /*isConstant=*/true, LLVM::Linkage::External, namesName, b.getStringAttr(text));
}
