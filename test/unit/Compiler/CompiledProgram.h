// A program compiled to native code inside the test's process, and called as the runtime calls it.
#pragma once

#include "Compiler/CpuTarget.h"
#include "GuardedBuffer.h"
#include "Package/Manifest.h"
#include "Package/StepAbi.h"
#include "RandomProgram.h"

#include <memory>

namespace yoke {

/// Code and packed weights of one program.
class CompiledProgram {
public:
  /// Runs all stages on a copy of the program's module, links and loads the object, and packs the weights from a
  /// checkpoint in a temporary folder. `tuning` is what --yoke-tune-kernels takes.
  static Result<std::unique_ptr<CompiledProgram>> compile(const RandomProgram &program, const CpuTarget &target,
                                                          int64_t maxTokens, const std::string &tuning = "");
  ~CompiledProgram();

  StepDescription step;
  YokeStepFunction function = nullptr;
  GuardedBuffer weights;

private:
  explicit CompiledProgram(size_t weightBytes) : weights(weightBytes) {}
  Status load(const std::string &object);

  int descriptor = -1;
  void *handle = nullptr;
};

/// Steps of one program on one cache. The pages of the sequences are scattered and hold large values where nothing was
/// written, the arena starts each step full of not-a-numbers, and every array ends at an inaccessible page.
class CompiledSession {
public:
  CompiledSession(const CompiledProgram &program, int32_t sequences, int64_t slotsPerSequence, int threads);

  /// [outputs, output columns]
  Matrix run(const Batch &batch);

private:
  const CompiledProgram &program;
  const int threads;
  int64_t blockStride;
  std::vector<int32_t> blocks;
  GuardedBuffer pages;
  GuardedBuffer arena;
};

} // namespace yoke
