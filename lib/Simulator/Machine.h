// Runs a program on one device: an NPU and the channels of its memory, both event driven.
#pragma once

#include "Simulator/LeastTime.h"
#include "Simulator/Program.h"

#include <memory>
#include <queue>
#include <set>
#include <tuple>

namespace yoke::sim {

struct MachineOptions {
  ChannelPolicy channel;
  ArrayModel arrays = ArrayModel::Arrays;
  std::vector<EngineOptions> engines;
  int64_t addressWrap = 0; ///< bytes after which the address stream of loads and stores starts again; 0: at capacity
  int64_t scratchpadBytes = 0; ///< 0: not tracked
  bool sharedFifo = false;     ///< PIM steps and accesses arrive at a channel through one queue
};

struct Span {
  int32_t engine;
  Phase phase;
  int16_t channel;
  TaskKind kind;
  int64_t start, end;
};

/// Cycles of the critical path in tasks of one phase and kind.
struct PathShare {
  Phase phase;
  TaskKind kind;
  int64_t cycles;
};

/// `more` added to `shares`, by phase and kind.
void addShares(std::vector<PathShare> &shares, const std::vector<PathShare> &more);

class Machine {
public:
  Machine(const Target &target, const MachineOptions &options);

  /// Runs from the present cycle until every task is done. Error (Failed): the program cannot make progress.
  Status run(Program program);

  int64_t now() const { return present; }
  int64_t channels() const { return int64_t(channelList.size()); }
  const ChannelStats &channelStats(size_t channel) const { return channelList[channel]->statistics(); }
  /// Cycles at which a task of the last run ended and began.
  int64_t finished(TaskId task) const { return finishTimes[size_t(task)]; }
  int64_t started(TaskId task) const { return startTimes[size_t(task)]; }
  TaskId lastFinished() const { return finishing; }
  /// What the cycles from `since` to the end of `task` were spent on: walks back from the task to the one whose end let
  /// it start (an input, a place in the scratchpad or the engine's turn), and so on. Sums to the interval.
  std::vector<PathShare> criticalPath(TaskId task, int64_t since) const;

  int64_t arrayBusy() const { return arrayBusyCycles; }
  int64_t vectorBusy() const { return vectorBusyCycles; }
  int64_t bytesLoaded() const { return loaded; }
  int64_t bytesStored() const { return stored; }
  int64_t peakScratchpad() const { return peakReserved; }

  /// Commands of the channels `first`, `first` + `stride`, ... are appended to `trace`.
  void recordCommands(std::vector<TimedCommand> *trace, size_t first = 0, size_t stride = 1);
  /// nullptr ends it.
  void observe(MachineObserver *newObserver);
  void recordSpans(std::vector<Span> *spans) { spanRecorder = spans; }

private:
  struct Engine {
    EngineOptions options;
    std::deque<TaskId> order;
    std::set<TaskId> ready;
    int64_t free = 0, running = 0;
    TaskId last = -1; ///< started
    bool waking = false;
  };
  struct Parts { ///< of a task that channels work on
    int64_t count = 0, last = 0, order = 0;
  };
  struct Event {
    int64_t time;
    int64_t order, serial; ///< of events at one time: of their causes, of their making
    TaskId task;           ///< < 0: engine -1 - task may start
    bool operator>(const Event &other) const {
      return std::tie(time, order, serial) > std::tie(other.time, other.order, other.serial);
    }
  };

  void pumpEngine(size_t engine);
  bool startNext(Engine &engine);
  void start(TaskId task);
  void startGemm(TaskId id, Task &task);
  void startVector(TaskId id, Task &task);
  void startAccess(TaskId id, Task &task);
  void startPim(TaskId id, Task &task);
  void pushRuns(TaskId id, int64_t address, int64_t bytes, bool write);
  void partDone(TaskId task, int64_t parts, int64_t time);
  void finish(TaskId task);
  void schedule(int64_t time, TaskId task, int64_t order);
  void schedule(int64_t time, TaskId task) { schedule(time, task, order); }
  void advance(size_t channel);
  void handle(const Event &event);
  Status checkProgress() const;
  void refreshNext(size_t channel);

  const Target &target;
  const MachineOptions options;
  std::vector<std::unique_ptr<Channel>> channelList;
  LeastTime nextTimes; ///< of each channel
  std::vector<Completion> completions;

  Program program;
  std::vector<Parts> awaited;
  std::vector<int64_t> startTimes, finishTimes;
  std::vector<TaskId> causes; ///< whose end let the task start
  TaskId finishing = -1;
  int64_t lastProgress = 0;
  std::vector<Engine> engines;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events;
  int64_t serial = 0, present = 0, remaining = 0;
  int64_t order = 0, greatestOrder = 0;  ///< of what happens now; the greatest so far
  int64_t eventOrder = 0, eventTime = 0; ///< of the last event
  bool recording = false;
  int64_t prompt = 0; ///< running tasks that a channel may end at once: stores and PIM programs

  int64_t address = 0, wrap;
  int64_t reserved = 0, peakReserved = 0;
  int64_t arrayLastStart = 0, arrayLastFinish = -1, arrayLastPop = -1, arrayLastSize = 0, arrayFree = 0;
  std::vector<int64_t> vectorFree;
  int64_t stepClock = 0;
  int64_t arrayBusyCycles = 0, vectorBusyCycles = 0, loaded = 0, stored = 0;
  std::vector<Span> *spanRecorder = nullptr;
  MachineObserver *observer = nullptr;
};

} // namespace yoke::sim
