#include "Simulator/Machine.h"

#include <algorithm>

namespace yoke::sim {

std::string_view phaseName(Phase phase) {
  constexpr std::string_view names[phases] = {"norm",         "qkv",      "logit", "softmax", "attend", "projection",
                                              "feed_forward", "residual", "link",  "head",    "other"};
  return names[size_t(phase)];
}

Machine::Machine(const Target &target, const MachineOptions &options)
    : target(target), options(options), nextTimes(size_t(target.memory->channels)) {
  const MemoryTarget &memory = *target.memory;
  for (int64_t i = 0; i < memory.channels; ++i)
    channelList.push_back(
        std::make_unique<Channel>(int32_t(i), memory, target.pim ? &*target.pim : nullptr, options.channel));
  wrap = options.addressWrap ? options.addressWrap : memory.capacityBytes() / 2;
  wrap -= wrap % memory.accessBytes;
  vectorFree.assign(size_t(target.npu->vectorUnits), 0);
}

void Machine::recordCommands(std::vector<TimedCommand> *trace, size_t first, size_t stride) {
  for (size_t channel = first; channel < channelList.size(); channel += stride)
    channelList[channel]->record(trace);
  recording = trace != nullptr;
}

void Machine::observe(MachineObserver *newObserver) {
  observer = newObserver;
  for (auto &channel : channelList)
    channel->observe(newObserver);
}

void Machine::schedule(int64_t time, TaskId task, int64_t cause) {
  events.push({std::max(time, present), cause, serial++, task});
}

Status Machine::run(Program newProgram) {
  program = std::move(newProgram);
  size_t count = program.tasks.size();
  awaited.assign(count, {});
  causes.assign(count, -1);
  finishing = -1;
  lastProgress = present;
  prompt = 0;
  startTimes.assign(count, -1);
  finishTimes.assign(count, -1);
  remaining = int64_t(count);
  engines.assign(options.engines.size(), {});
  for (size_t i = 0; i < engines.size(); ++i)
    engines[i].options = options.engines[i];
  for (size_t id = 0; id < count; ++id) {
    Engine &engine = engines[program.tasks[id].engine];
    if (!engine.options.byPriority)
      engine.order.push_back(TaskId(id));
    else if (program.tasks[id].pending == 0)
      engine.ready.insert(TaskId(id));
  }
  for (size_t i = 0; i < engines.size(); ++i)
    pumpEngine(i);
  for (size_t i = 0; i < channelList.size(); ++i)
    refreshNext(i);

  while (remaining > 0) {
    if (events.empty())
      YOKE_TRY(checkProgress());
    if (events.empty() || nextTimes.time() < events.top().time) {
      advance(nextTimes.index());
      continue;
    }
    Event event = events.top();
    events.pop();
    handle(event);
  }
  return {};
}

Status Machine::checkProgress() const {
  constexpr int64_t patience = 100'000'000;
  size_t count = program.tasks.size();
  if (std::all_of(channelList.begin(), channelList.end(), [](auto &channel) { return channel->idle(); }))
    return failed("the simulated program stops with {} of {} tasks left", remaining, count);
  if (nextTimes.time() - lastProgress > patience)
    return failed("the simulated program makes no progress for {} cycles, with {} of {} tasks left", patience,
                  remaining, count);
  return {};
}

/// Commands of the channel whose turn it is. As long as only loads are on their way nothing that a channel does now is
/// felt before a read's delay is over, so that it may run ahead of the others until then.
void Machine::advance(size_t channel) {
  Channel &current = *channelList[channel];
  bool ahead = prompt == 0 && !observer && !recording;
  int64_t time = nextTimes.time(), limit = time + current.readDelay(), after = ahead ? eventOrder : greatestOrder;
  if (!events.empty())
    limit = std::min(limit, events.top().time);
  do {
    int64_t now = std::max(time, eventTime);
    present = std::max(present, now);
    order = std::max(after, now * (channels() + 1) + int64_t(channel) + 1);
    greatestOrder = std::max(greatestOrder, order);
    completions.clear();
    current.step(completions);
    for (const Completion &done : completions)
      if (done.owner != noOwner)
        partDone(done.owner, 1, done.cycle);
    time = current.nextTime();
  } while (ahead && time < limit);
  refreshNext(channel);
}

void Machine::handle(const Event &event) {
  present = eventTime = std::max(present, event.time);
  order = eventOrder = greatestOrder = std::max(greatestOrder, present * (channels() + 1));
  if (event.task >= 0)
    return finish(event.task);
  Engine &engine = engines[size_t(-1 - event.task)];
  engine.waking = false;
  TaskId finished = std::exchange(finishing, engine.last);
  pumpEngine(size_t(-1 - event.task));
  finishing = finished;
}

void addShares(std::vector<PathShare> &shares, const std::vector<PathShare> &more) {
  for (const PathShare &share : more) {
    auto same = std::find_if(shares.begin(), shares.end(), [&](const PathShare &other) {
      return other.phase == share.phase && other.kind == share.kind;
    });
    if (same == shares.end())
      shares.push_back(share);
    else
      same->cycles += share.cycles;
  }
}

std::vector<PathShare> Machine::criticalPath(TaskId task, int64_t since) const {
  std::vector<PathShare> shares;
  int64_t until = finishTimes[size_t(task)];
  for (TaskId id = task; id >= 0 && until > since; id = causes[size_t(id)]) {
    int64_t from = std::max(since, std::min(until, startTimes[size_t(id)]));
    if (from < until)
      addShares(shares, {{program.tasks[size_t(id)].phase, program.tasks[size_t(id)].kind, until - from}});
    until = from;
  }
  if (until > since)
    addShares(shares, {{Phase::Other, TaskKind::Join, until - since}});
  return shares;
}

void Machine::refreshNext(size_t channel) {
  nextTimes.set(channel, channelList[channel]->nextTime());
  if (channelList[channel]->hasAccepted())
    for (const Completion &done : channelList[channel]->takeAccepted())
      if (done.owner != noOwner)
        partDone(done.owner, 1, done.cycle);
}

void Machine::partDone(TaskId task, int64_t count, int64_t time) {
  Parts &parts = awaited[size_t(task)];
  parts.last = std::max(parts.last, time);
  parts.order = std::max(parts.order, order);
  if ((parts.count -= count) == 0)
    schedule(parts.last, task, parts.order);
}

void Machine::finish(TaskId id) {
  Task &task = program.tasks[size_t(id)];
  finishTimes[size_t(id)] = present;
  finishing = id;
  lastProgress = present;
  if (observer)
    observer->taskFinished(id);
  --remaining;
  prompt -= task.kind == TaskKind::Store || task.kind == TaskKind::Pim;
  --engines[task.engine].running;
  reserved -= task.release;
  if (spanRecorder && task.kind != TaskKind::Join && present > startTimes[size_t(id)])
    spanRecorder->push_back({task.engine, task.phase, task.channel, task.kind, startTimes[size_t(id)], present});
  uint64_t touched = uint64_t(1) << task.engine;
  if (task.release)
    touched = ~uint64_t(0);
  for (TaskId next : program.successors[size_t(id)]) {
    Task &waiting = program.tasks[size_t(next)];
    if (--waiting.pending > 0)
      continue;
    Engine &engine = engines[waiting.engine];
    if (engine.options.byPriority)
      engine.ready.insert(next);
    touched |= uint64_t(1) << waiting.engine;
  }
  for (size_t i = 0; i < engines.size(); ++i)
    if (touched >> i & 1)
      pumpEngine(i);
}

bool Machine::startNext(Engine &engine) {
  if (engine.options.outstanding && engine.running >= engine.options.outstanding)
    return false;
  TaskId id;
  if (engine.options.byPriority) {
    if (engine.ready.empty())
      return false;
    id = *engine.ready.begin();
  } else {
    if (engine.order.empty())
      return false;
    id = engine.order.front();
    if (program.tasks[size_t(id)].pending > 0)
      return false;
  }
  Task &task = program.tasks[size_t(id)];
  if (options.scratchpadBytes && task.reserve && reserved > 0 && reserved + task.reserve > options.scratchpadBytes)
    return false;
  reserved += task.reserve;
  peakReserved = std::max(peakReserved, reserved);
  if (engine.options.byPriority)
    engine.ready.erase(engine.ready.begin());
  else
    engine.order.pop_front();
  ++engine.running;
  engine.last = id;
  causes[size_t(id)] = finishing;
  start(id);
  return true;
}

void Machine::pumpEngine(size_t index) {
  Engine &engine = engines[index];
  for (;;) {
    if (engine.free > present) {
      bool work = engine.options.byPriority ? !engine.ready.empty() : !engine.order.empty();
      if (work && !engine.waking) {
        engine.waking = true;
        schedule(engine.free, -1 - TaskId(index));
      }
      return;
    }
    if (!startNext(engine))
      return;
    engine.free = std::max(engine.free, present + engine.options.startInterval);
  }
}

void Machine::start(TaskId id) {
  Task &task = program.tasks[size_t(id)];
  startTimes[size_t(id)] = present;
  prompt += task.kind == TaskKind::Store || task.kind == TaskKind::Pim;
  switch (task.kind) {
  case TaskKind::Load:
  case TaskKind::Store:
    return startAccess(id, task);
  case TaskKind::Gemm:
    return startGemm(id, task);
  case TaskKind::Vector:
    return startVector(id, task);
  case TaskKind::Pim:
    return startPim(id, task);
  case TaskKind::Delay:
    engines[task.engine].free = present + task.amount;
    return schedule(present + task.amount, id);
  case TaskKind::Join:
    return schedule(present, id);
  }
}

void Machine::startGemm(TaskId id, Task &task) {
  const NpuTarget &npu = *target.npu;
  int64_t begin, end;
  if (options.arrays == ArrayModel::Arrays) {
    begin = std::max(present, arrayFree);
    arrayFree = begin + task.amount;
    end = arrayFree + task.latency;
    engines[task.engine].free = arrayFree;
    arrayBusyCycles += task.amount;
    startTimes[size_t(id)] = begin;
    return schedule(end, id);
  }
  bool empty = arrayLastPop < present;
  if (options.arrays == ArrayModel::Overlapped) {
    int64_t rows = std::max<int64_t>(task.amount, 4);
    if (!empty)
      begin = arrayLastStart + (task.preload ? npu.arrayRows : std::max<int64_t>(arrayLastSize, 4));
    else
      begin = present + (task.preload ? 2 * npu.arrayRows - 1 : 0);
    end = begin + npu.arrayRows + npu.arrayColumns - 2 + rows;
  } else {
    int64_t depth = npu.arrayRows + npu.arrayColumns - 1;
    if (task.preload)
      begin = empty ? present + (task.latency ? task.latency : npu.arrayColumns) : arrayLastFinish;
    else
      begin = empty ? present : std::max(present, arrayLastFinish - depth);
    end = begin + depth + task.amount;
  }
  arrayLastStart = begin;
  arrayLastFinish = end;
  arrayLastSize = task.amount;
  arrayLastPop = std::max({end, arrayLastPop + 1, present + 1});
  arrayBusyCycles += task.amount;
  schedule(arrayLastPop, id);
}

void Machine::startVector(TaskId id, Task &task) {
  auto unit = std::min_element(vectorFree.begin(), vectorFree.end());
  int64_t begin = std::max(present, *unit);
  *unit = begin + task.amount;
  vectorBusyCycles += task.amount;
  schedule(*unit, id);
}

/// Spreads consecutive bytes over the channels, one access each in turn; what is in one row of all channels (a stripe)
/// becomes one run a channel. From the most significant bits the stripes count through row, rank, group and bank.
void Machine::pushRuns(TaskId id, int64_t from, int64_t bytes, bool write) {
  const MemoryTarget &memory = *target.memory;
  int64_t stripe = memory.rowBytes * memory.channels, banks = memory.banksPerChannel();
  while (bytes > 0) {
    int64_t inStripe = from % stripe;
    int64_t length = std::min({bytes, stripe - inStripe, wrap - from});
    int64_t firstAccess = inStripe / memory.accessBytes;
    int64_t accesses = (inStripe + length + memory.accessBytes - 1) / memory.accessBytes - firstAccess;
    int64_t place = from / stripe;
    AccessRun run{int32_t(place / banks), id, present, 0, uint8_t(place % banks), write};
    for (int64_t i = 0; i < std::min(accesses, memory.channels); ++i) {
      run.count = int16_t((accesses - i + memory.channels - 1) / memory.channels);
      channelList[size_t((firstAccess + i) % memory.channels)]->push(run);
    }
    awaited[size_t(id)].count += accesses;
    from = (from + length) % wrap;
    bytes -= length;
  }
}

void Machine::startAccess(TaskId id, Task &task) {
  const MemoryTarget &memory = *target.memory;
  bool write = task.kind == TaskKind::Store;
  (write ? stored : loaded) += task.amount;
  if (task.amount == 0)
    return schedule(present, id);
  if (task.row >= 0) {
    int64_t accesses = (task.amount + memory.accessBytes - 1) / memory.accessBytes;
    awaited[size_t(id)].count = accesses;
    channelList[size_t(task.channel)]->push(AccessRun{task.row, id, present, int16_t(accesses), task.bank, write});
    return refreshNext(size_t(task.channel));
  }
  pushRuns(id, address, task.amount, write);
  address = (address + task.amount) % wrap;
  for (size_t channel = 0; channel < channelList.size(); ++channel)
    refreshNext(channel);
}

void Machine::startPim(TaskId id, Task &task) {
  Engine &engine = engines[task.engine];
  int64_t interval = engine.options.stepInterval;
  stepClock = std::max(stepClock, present);
  Channel &channel = *channelList[size_t(task.channel)];
  for (int32_t i = 0; i < task.steps; ++i) {
    PimStep step = program.steps[size_t(task.firstStep + i)];
    step.owner = id;
    step.arrival = stepClock;
    int64_t repeats = step.kind == CommandKind::Comp ? step.count : 1;
    awaited[size_t(id)].count += repeats;
    stepClock += interval * repeats;
    channel.push(step);
  }
  engine.free = std::max(engine.free, stepClock);
  refreshNext(size_t(task.channel));
}

} // namespace yoke::sim
