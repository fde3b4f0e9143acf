//===- Compile.h - from a checkpoint to a package -------------------------===//
#ifndef YOKE_LIB_COMPILER_COMPILE_H
#define YOKE_LIB_COMPILER_COMPILE_H

#include "Support/Error.h"

#include <functional>
#include <string>
#include <string_view>

namespace yoke {

struct CompileOptions {
  std::string model;       ///< a checkpoint folder, or an .mlir file beside which a checkpoint lies
  std::string output;      ///< the package; with `emit` a text file, empty for standard output
  std::string target;      ///< see CpuTarget::parse
  std::string weights;     ///< "f32", "bf16", "f16", "q8", "q4", "q4-plain", "q4-asymmetric", or empty: as stored
  std::string activations; ///< "i8", "i16", "bf16", or empty: i8 where weights are quantised
  std::string kvCache; ///< "f32", "bf16", "f16": what keys and values are kept as; empty: f32 in a checkpoint's program
  /// "medusa:FOLDER", "hydra:FOLDER", "eagle:FOLDER": draft heads beside the model, "medusa": those in the model; else
  /// what the compiled generation loop guesses with, NAME[:KEY=VALUE,...]; empty: neither.
  std::string draft;
  std::string ffnSkip; ///< a policy (Package/SkipPolicy.h) or its file, "record" (none skips, cosines kept); empty: off
  std::string emit;    ///< empty: a package; "llm", "fused", "linalg", "kernels", "llvm": the text of that stage;
                       ///< "timed-code": the linked code of a step that tells when each kernel begins
  std::string tuning;  ///< a file of `yoke tune`; empty: no choices
  std::string probe;   ///< of a checkpoint folder: the scale of a norm (see Probe.h) to return instead of logits
  std::string remarksPath; ///< YAML of the fusion remarks
  std::string saveTemps;   ///< folder for the IR after each stage and the object file
  bool printIrAfterStage = false;
  int64_t maxStepTokens = 0; ///< 0: 512
  std::string step;          ///< with a target file: the class SEQUENCESxTOKENS; empty: usual ones, one for commands
  int64_t context = 0;       ///< with a target file: tokens that a sequence has in the KV cache; 0: 1024
  std::function<void(std::string_view phase, double fraction)> progress;
};

/// Imports, lowers, packs the weights and writes the package, which appears whole or not at all.
Status compile(const CompileOptions &options);

} // namespace yoke

#endif // YOKE_LIB_COMPILER_COMPILE_H
