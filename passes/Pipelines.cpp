//===- Pipelines.cpp - the stages, in order -------------------------------===//
#include "Pipelines.h"

#include "Contract/Contract.h"
#include "Decode/DecodePasses.h"
#include "Decompose/Decompose.h"
#include "Fuse/Fuse.h"
#include "LowerCpu/LowerCpu.h"
#include "NpuPim/NpuPim.h"
#include "Partition/Partition.h"
#include "Quantize/Quantize.h"
#include "Skip/Skip.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/LLVMIR/Transforms/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace yoke;

static void addContract(OpPassManager &manager, StringRef stage, ArrayRef<StringRef> ops, ArrayRef<StringRef> dialects,
                        ArrayRef<StringRef> closed = {}) {
  CheckContractPassOptions options;
  options.stage = stage.str();
  for (StringRef op : ops)
    options.ops.push_back(op.str());
  for (StringRef dialect : dialects)
    options.dialects.push_back(dialect.str());
  for (StringRef op : closed)
    options.closed.push_back(op.str());
  manager.addPass(createCheckContractPass(options));
}

static void buildSimplify(OpPassManager &manager, const StageOptions &stage) {
  manager.addPass(createQuantizeWeightsPass({.weights = stage.weights}));
  manager.addPass(createRoundActivationsPass({.activations = stage.activations}));
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  manager.addPass(createSymbolDCEPass());
  manager.addPass(createSinkHeadsPass());
  manager.addPass(createSizeTreesPass());
  manager.addPass(createDropHeadsPass());
  manager.addPass(createFuseHeadPass());
  SpecialiseRowsPassOptions buckets;
  buckets.rows.assign(stage.buckets.begin(), stage.buckets.end());
  manager.addPass(createSpecialiseRowsPass(buckets));
  addContract(manager, "simplify", {}, {"llm", "moe", "decode", "func", "arith", "tensor", "ml_program"});
}

static void buildFuse(OpPassManager &manager, const StageOptions &) {
  manager.addPass(createConcatProjectionsPass());
  manager.addPass(createCSEPass());
  manager.addNestedPass<func::FuncOp>(createFormKernelsPass());
  addContract(manager, "fuse",
              {"func.func", "func.return", "ml_program.global", "ml_program.global_load_const", "tensor.dim",
               "tensor.extract_slice", "arith.constant", "llm.fused", "llm.positions", "llm.reshape_rows",
               "llm.ffn_skip", "llm.modalities", "llm.segments", "llm.by_modality", "llm.yield"},
              {"decode"}, {"llm.fused"});
}

static void buildLinalg(OpPassManager &manager, const StageOptions &) {
  manager.addNestedPass<func::FuncOp>(createDecomposePass());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  addContract(manager, "linalg", {},
              {"llm", "moe", "decode", "func", "arith", "math", "tensor", "linalg", "ml_program"});
}

static void buildKernels(OpPassManager &manager, const StageOptions &stage) {
  manager.addPass(createTuneKernelsPass({.choices = stage.tuning}));
  manager.addPass(createPackWeightsPass({.level = stage.level}));
  manager.addPass(createLowerLoopPass({.maxTokens = stage.maxTokens}));
  manager.addPass(createLowerToKernelsPass({.level = stage.level, .maxTokens = stage.maxTokens, .timed = stage.timed}));
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  addContract(manager, "kernels", {"ml_program.global"}, {"func", "arith", "math", "memref", "scf", "vector", "llvm"});
}

static void buildNative(OpPassManager &manager, const StageOptions &) {
  manager.addPass(createSymbolDCEPass());
  manager.addNestedPass<func::FuncOp>(createApproximateMathPass());
  manager.addPass(createSCFToControlFlowPass());
  manager.addPass(memref::createExpandStridedMetadataPass());
  manager.addPass(createLowerAffinePass());
  ConvertVectorToLLVMPassOptions vector;
  vector.reassociateFPReductions = true;
  manager.addPass(createConvertVectorToLLVMPass(vector));
  manager.addPass(createConvertMathToLLVMPass());
  manager.addPass(createConvertMathToLibmPass());
  manager.addPass(createArithToLLVMConversionPass());
  manager.addPass(createFinalizeMemRefToLLVMConversionPass());
  manager.addPass(createConvertFuncToLLVMPass());
  manager.addPass(createConvertControlFlowToLLVMPass());
  manager.addPass(createConvertIndexToLLVMPass());
  manager.addPass(createReconcileUnrealizedCastsPass());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  addContract(manager, "native", {}, {"llvm"});
}

void yoke::buildPlacement(OpPassManager &manager, const std::string &target, const PlacementOptions &options) {
  StageOptions stage;
  buildSimplify(manager, stage);
  buildFuse(manager, stage);
  SpecialisePassOptions classes;
  if (!options.step.empty())
    classes.classes = {options.step};
  manager.addPass(createSpecialisePass(classes));
  PartitionPassOptions partition;
  partition.target = target;
  partition.context = options.context;
  manager.addPass(createPartitionPass(partition));
  manager.addPass(createCheckPlacementPass({.target = target, .context = partition.context}));
}

void yoke::buildCommands(OpPassManager &manager, const std::string &target, const PlacementOptions &options) {
  buildPlacement(manager, target, options);
  InterleavePassOptions interleave;
  interleave.target = target;
  interleave.context = options.context;
  manager.addPass(createInterleavePass(interleave));
  LowerNpuPimPassOptions lower;
  lower.target = target;
  lower.context = options.context;
  manager.addPass(createLowerNpuPimPass(lower));
  addContract(manager, "commands", {}, {"npu", "pim"});
}

static constexpr Stage simplifyStage{"simplify", "canonical form of the llm dialect, nothing that is not needed",
                                     buildSimplify};

ArrayRef<Stage> yoke::linalgStages() {
  static const Stage stages[] = {
      simplifyStage,
      {"linalg", "linalg in destination style", buildLinalg},
  };
  return stages;
}

ArrayRef<Stage> yoke::cpuStages() {
  static const Stage stages[] = {
      simplifyStage,
      {"fuse", "one llm.fused region a kernel", buildFuse},
      {"kernels", "weights laid out, kernels of vector code, one arena", buildKernels},
      {"native", "LLVM dialect", buildNative},
  };
  return stages;
}

void yoke::registerPassesAndPipelines() {
  registerCheckContractPass();
  registerDecomposePass();
  registerDropHeadsPass();
  registerFuseHeadPass();
  registerLowerLoopPass();
  registerMakeLoopPass();
  registerSinkHeadsPass();
  registerSizeTreesPass();
  registerSpecialiseRowsPass();
  registerConcatProjectionsPass();
  registerFormKernelsPass();
  registerQuantizeWeightsPass();
  registerRoundActivationsPass();
  registerSkipFfnPass();
  registerPackWeightsPass();
  registerLowerToKernelsPass();
  registerTuneKernelsPass();
  registerApproximateMathPass();
  registerSpecialisePass();
  registerPartitionPass();
  registerCheckPlacementPass();
  registerErasePlacementPass();
  registerInterleavePass();
  registerLowerNpuPimPass();
  static PassPipelineRegistration<StageOptions> simplify("yoke-simplify", "Canonical form of the llm dialect",
                                                         buildSimplify);
  static PassPipelineRegistration<StageOptions> fuse("yoke-fuse", "Fuse llm ops into one region a kernel", buildFuse);
  static PassPipelineRegistration<StageOptions> kernels("yoke-lower-kernels", "Fused regions to kernels of vector code",
                                                        buildKernels);
  static PassPipelineRegistration<StageOptions> lower("yoke-lower-cpu", "Fused regions to the LLVM dialect for a CPU",
                                                      [](OpPassManager &manager, const StageOptions &options) {
                                                        buildKernels(manager, options);
                                                        buildNative(manager, options);
                                                      });
}
