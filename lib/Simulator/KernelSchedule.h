// Kernels one by one, each on the device that it is placed on: products on the arrays or in the banks, attention on
// either, everything else on the vector units. Kernels overlap only as far as their values allow.
//
// A matrix of a product in the banks lies so: output o is in channel o / B mod C and bank o mod B, of C channels of B
// banks; a row holds the inputs of a chunk as long as a row, or those of several outputs C B apart when they are
// shorter.
#pragma once

#include "Simulator/CommandProgram.h"
#include "Simulator/ScheduleBuilder.h"

namespace yoke::sim {

/// What the builder refers to.
struct KernelScheduleState {
  ModelShape attentionShape;
  Schedule made = {};
  ScheduleOptions chosen = {};
};

class KernelSchedule : KernelScheduleState, ScheduleBuilder {
public:
  /// `model` gives the shape of the attention; of the rest nothing is used.
  KernelSchedule(const Target &target, const ModelShape &model);

  /// Bytes that are not weights: rows of a table.
  TaskId load(int64_t bytes, Phase phase, TaskId after);
  /// [rows, inputs] x [inputs, outputs].
  TaskId product(bool onPim, int64_t rows, int64_t inputs, int64_t outputs, Phase phase, TaskId after);
  /// `passes` operations over `width` elements of each row.
  TaskId elementwise(int64_t rows, int64_t width, int64_t passes, Phase phase, TaskId after);
  TaskId norm(int64_t rows, int64_t width, TaskId after);
  /// All heads of the requests, new keys and values written; keys and values of each layer have rows of their own.
  TaskId attention(bool onPim, const std::vector<Request> &requests, TaskId after);
  /// Waits for all of them; those < 0 are no tasks.
  TaskId all(const std::vector<TaskId> &inputs);

  /// Error (Failed): keys, values and matrices in the banks take more rows than there are.
  Result<CommandProgram> finish(TaskId last, std::string name) const;

private:
  TaskId productOnPim(int64_t inputs, int64_t outputs, int64_t firstRow, Phase phase, TaskId after);

  int64_t matrixRows = 0; ///< from the last row that is not for vectors downwards
};

} // namespace yoke::sim
