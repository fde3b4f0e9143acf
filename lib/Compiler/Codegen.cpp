//===- Codegen.cpp - LLVM dialect to an object file -----------------------===//
#include "Compiler/Codegen.h"

#include "mlir/ExecutionEngine/OptUtils.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"

using namespace yoke;

/// What the runtime calls has a C interface: lib/Package/StepAbi.h and LoopAbi.h.
static constexpr llvm::StringLiteral exportedPrefix = "_mlir_ciface_yoke_";

/// "+avx512vnni,+avx512bf16".
static std::string featureString(const CpuTarget &target) {
  std::string text;
  for (const std::string &extension : target.extensions)
    text += (text.empty() ? "+" : ",+") + extension;
  return text;
}

static Result<std::unique_ptr<llvm::TargetMachine>> createMachine(const CpuTarget &target) {
  static const bool initialised = [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
    return true;
  }();
  (void)initialised;
  std::string error;
  llvm::Triple triple(targetTriple);
  const llvm::Target *known = llvm::TargetRegistry::lookupTarget(triple, error);
  if (!known)
    return failed("code generation: {}", error);
  llvm::TargetOptions options;
  options.AllowFPOpFusion = llvm::FPOpFusion::Standard;
  std::unique_ptr<llvm::TargetMachine> machine(known->createTargetMachine(triple, target.level, featureString(target),
                                                                          options, llvm::Reloc::PIC_, std::nullopt,
                                                                          llvm::CodeGenOptLevel::Default));
  if (!machine)
    return failed("code generation: LLVM has no machine for {}", target.level);
  return machine;
}

Result<llvm::SmallVector<char, 0>> yoke::compileToObject(mlir::ModuleOp module, const CpuTarget &target) {
  auto machine = YOKE_TRY(createMachine(target));
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> code = mlir::translateModuleToLLVMIR(module, context, "yoke");
  if (!code)
    return failed("code generation: the module could not be translated to LLVM IR");
  code->setTargetTriple(machine->getTargetTriple());
  code->setDataLayout(machine->createDataLayout());
  for (llvm::Function &function : *code) {
    if (function.isDeclaration())
      continue;
    function.addFnAttr("target-cpu", target.level);
    function.addFnAttr("tune-cpu", target.tune);
    if (!target.extensions.empty())
      function.addFnAttr("target-features", featureString(target));
    if (!function.getName().starts_with(exportedPrefix))
      function.setLinkage(llvm::GlobalValue::InternalLinkage);
  }
  auto optimise = mlir::makeOptimizingTransformer(/*optLevel=*/2, /*sizeLevel=*/0, machine.get());
  if (llvm::Error error = optimise(code.get()))
    return failed("code generation: {}", llvm::toString(std::move(error)));

  llvm::SmallVector<char, 0> object;
  llvm::raw_svector_ostream stream(object);
  llvm::legacy::PassManager passes;
  if (machine->addPassesToEmitFile(passes, stream, nullptr, llvm::CodeGenFileType::ObjectFile))
    return failed("code generation: LLVM cannot write objects for {}", target.level);
  passes.run(*code);
  return object;
}
