// A matrix of weights in the banks of all channels, multiplied there.
//
// With B banks, P elements a row and C channels: output n lies in bank n mod B of channel (n / B) mod C. Inputs are
// padded to whole COMPs. Where several fit into a row, that many blocks of B outputs share a row, and the vector is
// written as many times; where they do not fit, a row holds P inputs and the sums of the rows are added in the NPU.
#pragma once

#include "Simulator/ValueProgram.h"

namespace yoke::sim {

class BankedMatrix {
public:
  /// Puts `matrix` [outputs][inputs] into the banks. Errors (Failed): no rows left, a value beyond fp16.
  static Result<BankedMatrix> place(DeviceValues &values, std::span<const float> matrix, int64_t outputs,
                                    int64_t inputs);

  using RowInput = std::function<std::span<const float>(int64_t row)>;
  using RowOutput = std::function<std::span<float>(int64_t row)>;
  /// The products of `rows` vectors: each is one pass over the rows. `input` is asked when `after` is done; `output`
  /// has been written when the result is.
  TaskId multiply(ValueProgram &program, Phase phase, int64_t rows, RowInput input, RowOutput output,
                  TaskId after) const;

private:
  struct Part {
    int64_t channel, blocks; ///< blocks of `banks` outputs
    int32_t firstRow = 0;
  };
  int64_t inputsOf(int64_t chunk) const { return std::min(chunkInputs, inputs - chunk * chunkInputs); }
  TaskId multiplyRow(ValueProgram &program, Phase phase, const Part &part, int64_t row, const RowInput &input,
                     std::shared_ptr<std::vector<float>> sums, TaskId after) const;

  DeviceValues *values = nullptr;
  int64_t outputs = 0, inputs = 0;
  int64_t chunkInputs = 0, chunks = 0, stride = 0, blocksPerRow = 0;
  std::vector<Part> parts;
};

} // namespace yoke::sim
