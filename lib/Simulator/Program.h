// What a device does: a graph of tasks on its engines.
#pragma once

#include "Simulator/Channel.h"

#include <string>

namespace yoke::sim {

enum class TaskKind : uint8_t {
  Load,   ///< bytes from memory, spread over all channels
  Store,  ///< bytes to memory, done when accepted
  Gemm,   ///< a tile on the systolic arrays
  Vector, ///< one instruction of a vector unit
  Pim,    ///< steps of one channel's PIM program
  Delay,  ///< fixed latency: links
  Join,   ///< nothing: other tasks wait on it
};

/// Task classes for reports and timelines.
enum class Phase : uint8_t { Norm, Qkv, Logit, Softmax, Attend, Projection, FeedForward, Residual, Link, Head, Other };
constexpr size_t phases = 11;
std::string_view phaseName(Phase phase);

using TaskId = int32_t;

struct Task {
  TaskKind kind;
  Phase phase = Phase::Other;
  uint8_t engine = 0;   ///< the queue it starts from; tasks of a queue start in order unless the queue is by priority
  bool preload = false; ///< Gemm: new stationary operand
  int16_t channel = -1; ///< Pim; Store to a place: its channel
  uint8_t bank = 0;     ///< Store to a place
  int32_t row = -1;     ///< Store to a place, when >= 0
  int64_t amount = 0;   ///< bytes; Gemm: rows streamed / busy cycles; Vector, Delay: cycles
  int64_t latency = 0;  ///< Gemm by busy cycles: from the end of streaming to the result; Delay: bytes of a device
  int64_t reserve = 0;  ///< scratchpad bytes taken before it starts
  int64_t release = 0;  ///< scratchpad bytes given back when it is done
  int32_t tile = -1;    ///< the load whose bytes are given back
  int32_t rows = 0;     ///< Load: of the tile; Gemm: rows multiplied; Delay: devices (for command programs, not timing)
  int32_t firstStep = 0, steps = 0; ///< Pim: in Program::steps
  int32_t pending = 0;              ///< tasks that it waits for
};

struct Program {
  std::vector<Task> tasks;
  std::vector<std::vector<TaskId>> successors;
  std::vector<PimStep> steps;

  TaskId add(const Task &task) {
    tasks.push_back(task);
    successors.emplace_back();
    return TaskId(tasks.size() - 1);
  }
  /// `after` waits for `before`.
  void depend(TaskId after, TaskId before) {
    successors[size_t(before)].push_back(after);
    ++tasks[size_t(after)].pending;
  }
};

/// How the systolic arrays overlap instructions.
enum class ArrayModel : uint8_t {
  Overlapped, ///< published NeuPIMs core: one array, preload hidden behind the instruction before
  Serial,     ///< published NPU-only core: a preload waits for the result of the instruction before
  Arrays,     ///< the tile's own busy cycles; stationary operands are double buffered
};

struct EngineOptions {
  bool byPriority = false;   ///< ready tasks start in the order of their numbers, instead of all tasks in order
  int64_t startInterval = 0; ///< cycles between two starts
  int64_t stepInterval = 0;  ///< Pim: cycles between two steps handed to a channel
  int64_t outstanding = 0;   ///< tasks begun and not done, at most; 0: any number
};

} // namespace yoke::sim
