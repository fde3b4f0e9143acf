//===- Registration.cpp - everything that the tools know ------------------===//
#include "Compiler/Registration.h"

#include "Decode/Decode.h"
#include "LLM/LLM.h"
#include "LLM/LLMDecompose.h"
#include "LLM/LLMTiling.h"
#include "MoE/MoE.h"
#include "Pim/Pim.h"
#include "Pipelines.h"
#include "Place/Place.h"

#include "mlir/IR/DialectRegistry.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Target/LLVMIR/Dialect/All.h"
#include "llvm/Support/PrettyStackTrace.h"

void yoke::registerEverything(mlir::DialectRegistry &registry) {
  llvm::setBugReportMsg("PLEASE report this crash of Yoke with the command and the smallest input that shows it.\n");
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  mlir::registerAllToLLVMIRTranslations(registry);
  mlir::registerAllPasses();
  registerPassesAndPipelines();
  registry.insert<llm::LLMDialect, moe::MoEDialect, decode::DecodeDialect, npu::NpuDialect, pim::PimDialect,
                  place::PlaceDialect>();
  llm::registerTilingInterfaceExternalModels(registry);
  llm::registerDecomposeInterfaceExternalModels(registry);
}
