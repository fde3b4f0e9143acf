//===- Pipelines.h - the stages, in order ---------------------------------===//
#ifndef YOKE_PASSES_PIPELINES_H
#define YOKE_PASSES_PIPELINES_H

#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassOptions.h"
#include "llvm/ADT/ArrayRef.h"

namespace yoke {

/// What the stages need to know.
struct StageOptions : mlir::PassPipelineOptions<StageOptions> {
  Option<std::string> level{*this, "level", llvm::cl::desc("x86-64-v3, or x86-64-v4[+avx512vnni][+avx512bf16]"),
                            llvm::cl::init("x86-64-v4")};
  Option<std::string> weights{*this, "weights", llvm::cl::desc("q8, q4, q4-plain or q4-asymmetric; empty: as they are"),
                              llvm::cl::init("")};
  Option<std::string> activations{*this, "activations", llvm::cl::desc("i8, i16 or bf16; empty: the passes' choice"),
                                  llvm::cl::init("")};
  ListOption<int64_t> buckets{*this, "buckets", llvm::cl::desc("Rows for which a loop has a step of its own")};
  Option<std::string> tuning{*this, "tuning", llvm::cl::desc("Choices for kernels, as of --yoke-tune-kernels"),
                             llvm::cl::init("")};
  Option<bool> timed{*this, "timed", llvm::cl::desc("Let the step tell when each kernel begins"),
                     llvm::cl::init(false)};
  Option<int64_t> maxTokens{*this, "max-tokens", llvm::cl::desc("Most tokens of one step"), llvm::cl::init(512)};
};

/// One stage of compilation. Each ends with a check that lists what it should not have left.
struct Stage {
  llvm::StringLiteral name;
  llvm::StringLiteral description;
  void (*build)(mlir::OpPassManager &, const StageOptions &);
};

/// All stages on the way to a CPU, first to last.
llvm::ArrayRef<Stage> cpuStages();

/// The step that is placed.
struct PlacementOptions {
  std::string step;       ///< a class, SEQUENCESxTOKENS; empty: the usual ones
  int64_t context = 1024; ///< tokens of a sequence in the KV cache
};

/// The way to kernels on the devices of a target file.
void buildPlacement(mlir::OpPassManager &manager, const std::string &target, const PlacementOptions &options);

/// That way, and on to command programs.
void buildCommands(mlir::OpPassManager &manager, const std::string &target, const PlacementOptions &options);

/// The stages whose result is linalg on tensors, for upstream's tools. What cannot be linalg stays and is a remark.
llvm::ArrayRef<Stage> linalgStages();

/// Our passes, and the pipelines `--yoke-simplify`, `--yoke-fuse`, `--yoke-lower-cpu`.
void registerPassesAndPipelines();

} // namespace yoke

#endif // YOKE_PASSES_PIPELINES_H
