#include "Simulator/BankedMatrix.h"

#include "Simulator/Half.h"

namespace yoke::sim {
namespace {

int64_t ceilDivide(int64_t a, int64_t b) { return (a + b - 1) / b; }

} // namespace

Result<BankedMatrix> BankedMatrix::place(DeviceValues &values, std::span<const float> matrix, int64_t outputs,
                                         int64_t inputs) {
  BankedMatrix placed;
  placed.values = &values;
  placed.outputs = outputs;
  placed.inputs = inputs;
  placed.chunkInputs = std::min(inputs, values.page);
  placed.chunks = ceilDivide(inputs, values.page);
  placed.stride = ceilDivide(placed.chunkInputs, values.lanes) * values.lanes;
  int64_t blocks = ceilDivide(outputs, values.banks), channels = values.channelCount();
  placed.blocksPerRow = std::clamp<int64_t>(values.page / placed.stride, 1, ceilDivide(blocks, channels));
  for (int64_t channel = 0; channel < std::min(blocks, channels); ++channel) {
    Part part{channel, ceilDivide(blocks - channel, channels)};
    int64_t tiles = ceilDivide(part.blocks, placed.blocksPerRow);
    part.firstRow = YOKE_TRY(values.takeRows(channel, tiles * placed.chunks));
    for (int64_t block = 0; block < part.blocks; ++block)
      for (int64_t bank = 0; bank < values.banks; ++bank) {
        int64_t output = (block * channels + channel) * values.banks + bank;
        if (output >= outputs)
          break;
        for (int64_t chunk = 0; chunk < placed.chunks; ++chunk)
          YOKE_TRY(values.channel(channel).place(
              bank, int32_t(part.firstRow + block / placed.blocksPerRow * placed.chunks + chunk),
              block % placed.blocksPerRow * placed.stride,
              matrix.subspan(size_t(output * inputs + chunk * placed.chunkInputs), size_t(placed.inputsOf(chunk)))));
      }
    placed.parts.push_back(part);
  }
  return placed;
}

TaskId BankedMatrix::multiplyRow(ValueProgram &program, Phase phase, const Part &part, int64_t row,
                                 const RowInput &input, std::shared_ptr<std::vector<float>> sums, TaskId after) const {
  int64_t tiles = ceilDivide(part.blocks, blocksPerRow), lanes = values->lanes, copies = blocksPerRow;
  auto resultsOf = [=, this](int64_t tile) { return std::min(blocksPerRow, part.blocks - tile * blocksPerRow); };
  std::vector<ValueProgram::Vector> vectors;
  TaskId written = program.join();
  for (int64_t chunk = 0; chunk < chunks; ++chunk) {
    int64_t count = inputsOf(chunk), width = copies * stride;
    vectors.push_back(
        program.vector(part.channel, ceilDivide(width, values->access) * values->access, phase, after, [=, this] {
          std::span<const float> whole = input(row);
          std::vector<float> elements(size_t(width), 0);
          for (int64_t copy = 0; copy < copies; ++copy)
            std::copy_n(whole.begin() + chunk * chunkInputs, count, elements.begin() + copy * stride);
          return elements;
        }));
    program.depend(written, vectors.back().written);
  }
  int32_t first = program.nextStep();
  for (int64_t chunk = 0; chunk < chunks; ++chunk) {
    program.append(vectors[size_t(chunk)].step);
    for (int64_t tile = 0; tile < tiles; ++tile)
      program.tile(int32_t(part.firstRow + tile * chunks + chunk), 0, ceilDivide(inputsOf(chunk), lanes),
                   resultsOf(tile), stride / lanes);
  }
  TaskId task = program.pim(part.channel, phase, first, written);
  for (const ValueProgram::Vector &vector : vectors)
    program.reads(vector, task);
  program.whenDone(task, [=, this, &program]() -> Status {
    const std::vector<float> &results = program.results(task); // [chunk][tile][block of the tile][bank]
    size_t next = 0;
    for (int64_t chunk = 0; chunk < chunks; ++chunk)
      for (int64_t block = 0; block < part.blocks; ++block)
        for (int64_t bank = 0; bank < values->banks; ++bank, ++next) {
          int64_t output = (block * values->channelCount() + part.channel) * values->banks + bank;
          if (output < outputs)
            (*sums)[size_t(output)] += results[next];
        }
    return {};
  });
  return task;
}

TaskId BankedMatrix::multiply(ValueProgram &program, Phase phase, int64_t rows, RowInput input, RowOutput output,
                              TaskId after) const {
  TaskId done = program.join();
  for (int64_t row = 0; row < rows; ++row) {
    auto sums = std::make_shared<std::vector<float>>(size_t(outputs), 0.0f);
    TaskId read = program.join();
    for (const Part &part : parts)
      program.depend(read, multiplyRow(program, phase, part, row, input, sums, after));
    TaskId added = program.add(TaskKind::Vector, vectorEngine, phase, chunks * program.lanes(outputs), {read});
    program.whenDone(added, [=]() -> Status {
      std::copy(sums->begin(), sums->end(), output(row).begin());
      return {};
    });
    program.depend(done, added);
  }
  return done;
}

} // namespace yoke::sim
