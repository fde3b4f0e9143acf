//===- Translate.cpp - --import-checkpoint --------------------------------===//
#include "Import/Import.h"

#include "LLM/LLM.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Tools/mlir-translate/Translation.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;

void yoke::registerImportTranslation() {
  static llvm::cl::opt<WeightType> weightType(
      "weights", llvm::cl::desc("Element type of weight matrices of an imported checkpoint"),
      llvm::cl::init(WeightType::AsStored),
      llvm::cl::values(clEnumValN(WeightType::AsStored, "as-stored", "as the checkpoint stores them"),
                       clEnumValN(WeightType::F32, "f32", "32-bit floats"),
                       clEnumValN(WeightType::BF16, "bf16", "bfloat16"),
                       clEnumValN(WeightType::F16, "f16", "16-bit floats")));

  static TranslateToMLIRRegistration registration(
      "import-checkpoint", "Import a Hugging Face checkpoint folder (or its config.json) into the llm dialect",
      [](llvm::SourceMgr &sources, MLIRContext *context) -> OwningOpRef<Operation *> {
        StringRef config = sources.getMemoryBuffer(sources.getMainFileID())->getBufferIdentifier();
        auto error = [&](const std::string &message) {
          emitError(UnknownLoc::get(context)) << message;
          return OwningOpRef<Operation *>();
        };
        if (llvm::sys::path::filename(config) != "config.json")
          return error("--import-checkpoint reads a checkpoint folder or its config.json, found " + config.str());
        StringRef folder = llvm::sys::path::parent_path(config);
        auto checkpoint = Checkpoint::open(folder.empty() ? "." : folder.str());
        if (!checkpoint)
          return error(checkpoint.error().message);
        std::vector<std::string> warnings;
        auto module = importCheckpoint(*context, *checkpoint, {.weightType = weightType, .warnings = &warnings});
        for (const std::string &warning : warnings)
          emitWarning(UnknownLoc::get(context)) << warning;
        if (!module)
          return error(module.error().message);
        return OwningOpRef<Operation *>(module->release());
      },
      [](DialectRegistry &registry) {
        registry.insert<arith::ArithDialect, func::FuncDialect, llm::LLMDialect, ml_program::MLProgramDialect,
                        tensor::TensorDialect>();
      });
}
