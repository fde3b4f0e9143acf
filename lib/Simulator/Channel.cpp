#include "Simulator/Channel.h"

#include <bit>

namespace yoke::sim {

Channel::Channel(int32_t index, const MemoryTarget &memory, const PimTarget *pim, const ChannelPolicy &policy)
    : index(index), rules(memory, pim, policy.compositeEnd), policy(policy), timing(rules),
      bankQueues(size_t(rules.banks)) {
  refreshInterval = policy.refreshTogether ? rules.t.REFI : rules.t.REFI / rules.ranks;
  nextRefresh = refreshInterval;
}

void Channel::push(const AccessRun &run) {
  incoming.push_back(run);
  dirty = true;
}

void Channel::push(const PimStep &step) {
  pimSteps.push_back(step);
  dirty = true;
}

std::vector<Completion> Channel::takeAccepted() { return std::exchange(accepted, {}); }

bool Channel::enqueue(const AccessRun &run) {
  BankQueue &queue = bankQueues[run.bank];
  if (queue.accesses >= policy.bankQueue)
    return false;
  if (!queue.entries.empty() && queue.entries.back().owner == run.owner && queue.entries.back().row == run.row &&
      queue.entries.back().write == run.write)
    ++queue.entries.back().count;
  else
    queue.entries.push_back({run.row, run.owner, 1, run.write});
  ++queue.accesses;
  queue.writes += run.write;
  ++queued;
  occupied |= uint64_t(1) << run.bank;
  return true;
}

bool Channel::pimAdmitted(int64_t now) const {
  if (rules.dual)
    return false;
  if (draining > 0)
    return admitted > 0;
  return !pimSteps.empty() && pimSteps.front().arrival <= now;
}

bool Channel::moveWrite() {
  AccessRun &run = buffered.front();
  if (pimAdmitted(frontClock) || !enqueue(run))
    return false;
  --draining;
  --bufferedAccesses;
  if (--run.count == 0)
    buffered.pop_front();
  ++frontClock;
  return true;
}

bool Channel::moveRead() {
  AccessRun &run = incoming.front();
  if (pimAdmitted(frontClock) || !enqueue(run))
    return false;
  if (--run.count == 0)
    incoming.pop_front();
  ++frontClock;
  return true;
}

/// Moves requests from the outside into the bank queues, one a cycle, up to `until`. True when a bank queue that was
/// empty now has an access.
bool Channel::pump(int64_t until) {
  uint64_t before = occupied;
  while (frontClock < until && occupied == before) {
    if (draining > 0) {
      if (!moveWrite())
        frontClock = until;
      continue;
    }
    bool wanted = bufferedAccesses >= policy.writeBuffer || (bufferedAccesses > 8 && queued == 0) ||
                  (policy.vectorsWritten && bufferedAccesses > 0 && !pimSteps.empty() &&
                   pimSteps.front().kind == CommandKind::Gwrite);
    if (wanted) {
      draining = bufferedAccesses;
      admitted = rules.dual ? 0 : std::min<int64_t>(policy.pimQueue, int64_t(pimSteps.size()));
      while (admitted > 0 && pimSteps[size_t(admitted - 1)].arrival > frontClock)
        --admitted;
      continue;
    }
    if (incoming.empty())
      break;
    AccessRun &run = incoming.front();
    if (run.arrival > frontClock) {
      frontClock = std::min(run.arrival, until);
      continue;
    }
    if (!run.write) {
      if (!moveRead())
        frontClock = until;
      continue;
    }
    int64_t taken = std::min<int64_t>(run.count, policy.writeBuffer - bufferedAccesses);
    AccessRun part = run;
    part.count = int16_t(taken);
    buffered.push_back(part);
    bufferedAccesses += taken;
    for (int64_t i = 0; i < taken; ++i)
      accepted.push_back({run.owner, std::max(frontClock + 1, clock)});
    run.count = int16_t(run.count - taken);
    if (run.count == 0)
      incoming.pop_front();
  }
  return occupied != before;
}

void Channel::registerRefreshes(int64_t now) {
  while (now >= nextRefresh) {
    uint64_t ranks = policy.refreshTogether ? (uint64_t(1) << rules.ranks) - 1 : uint64_t(1) << nextRefreshRank;
    refreshPending |= ranks & ~refreshed;
    refreshed = 0;
    nextRefreshRank = (nextRefreshRank + 1) % size_t(rules.ranks);
    nextRefresh += refreshInterval;
  }
}

void Channel::plan() {
  dirty = false;
  for (;;) {
    int64_t now = std::max(clock, timing.slot());
    registerRefreshes(now);
    if (frontClock < now)
      while (frontClock < now && pump(now)) {
      }
    Planned best = planRefresh(now);
    Planned pim = planPim(now);
    if (pim.time < best.time)
      best = pim;
    Planned normal = planNormal(now);
    if (normal.time < best.time)
      best = normal;
    if (frontClock < best.time && pump(std::min(best.time, nextRefresh)))
      continue;
    if (nextRefresh < best.time)
      best = {nextRefresh, Source::None, {}};
    planned = best;
    return;
  }
}

Channel::Planned Channel::planNormal(int64_t now) {
  if (occupied == 0)
    return {};
  bool pimWaiting = !pimSteps.empty() && pimSteps.front().arrival <= now;
  if (!rules.dual && pimMode && !skipPim)
    return {};
  if (!rules.dual && gwriting && now < gwriteEnd)
    return {};
  bool limited = policy.activationBudget && rules.dual && pimWaiting;
  if (limited && !skipPim && refreshPending == 0 && slack < 10)
    return {};
  Planned best;
  uint64_t candidates = occupied;
  for (size_t rank = 0; refreshPending >> rank; ++rank)
    if (refreshPending >> rank & 1)
      candidates &= ~(((rules.banksPerRank < 64 ? uint64_t(1) << rules.banksPerRank : 0) - 1)
                      << (rank * size_t(rules.banksPerRank)));
  bool vectorNext = !pimSteps.empty() && pimSteps.front().kind == CommandKind::Gwrite;
  if (gwriting && vectorNext)
    candidates &= ~(uint64_t(1) << pimSteps.front().bank);
  bool writesFirst = policy.vectorsWritten && vectorNext && bankQueues[pimSteps.front().bank].writes > 0;
  size_t start = (roundRobin + 1) % size_t(rules.banks);
  uint64_t high = candidates & ~((uint64_t(1) << start) - 1), low = candidates & ((uint64_t(1) << start) - 1);
  for (uint64_t part : {high, low})
    for (; part; part &= part - 1) {
      size_t bank = size_t(std::countr_zero(part));
      const BankEntry &front = bankQueues[bank].entries.front();
      int32_t open = timing.openRow(bank);
      int64_t time;
      CommandKind kind;
      if (open == front.row) {
        if (writesFirst && !front.write && bankQueues[bank].writes == 0)
          continue;
        kind = front.write ? CommandKind::Write : CommandKind::Read;
        time = front.write ? timing.earliestWrite(bank) : timing.earliestRead(bank);
      } else if (open >= 0) {
        if (limited && slack > 0 && slack <= rules.t.RP + rules.t.RCDWR)
          continue;
        kind = CommandKind::Precharge;
        time = timing.earliestPrecharge(bank);
      } else if (timing.pimRow(bank) == front.row || (!rules.dual && timing.pimRow(bank) >= 0)) {
        kind = CommandKind::PimPrecharge;
        time = timing.earliestPimPrecharge(bank);
      } else {
        if (limited && slack > 0 && slack <= rules.t.RCDWR)
          continue;
        kind = CommandKind::Activate;
        time = timing.earliestActivate(bank);
      }
      time = std::max(time, now);
      if (time < best.time) {
        best = {time, Source::Normal, Command{kind, uint8_t(bank), 1, front.row, 0}};
        if (time == now)
          return best;
      }
    }
  return best;
}

Channel::Planned Channel::planRefresh(int64_t now) {
  if (refreshPending == 0)
    return {};
  Planned best;
  for (size_t rank = 0; refreshPending >> rank; ++rank) {
    if (!(refreshPending >> rank & 1))
      continue;
    size_t first = rank * size_t(rules.banksPerRank);
    if (!timing.rankIdle(rank)) {
      for (size_t bank = first; bank < first + size_t(rules.banksPerRank); ++bank) {
        if (timing.openRow(bank) >= 0) {
          int64_t time = std::max(now, timing.earliestPrecharge(bank));
          if (time < best.time)
            best = {time, Source::Refresh, Command{CommandKind::Precharge, uint8_t(bank), 1, -1, 0}};
        }
        if (timing.pimRow(bank) >= 0) {
          int64_t time = std::max(now, timing.earliestPimPrecharge(bank));
          if (time < best.time)
            best = {time, Source::Refresh, Command{CommandKind::PimPrecharge, uint8_t(bank), 1, -1, 0}};
        }
      }
      continue;
    }
    Command refresh{CommandKind::Refresh, uint8_t(first), 1, -1, 0};
    int64_t time = std::max(now, timing.earliest(refresh));
    if (time < best.time)
      best = {time, Source::Refresh, refresh};
    if (!policy.refreshTogether)
      break;
  }
  return best;
}

void Channel::step(std::vector<Completion> &completions) {
  if (dirty)
    plan();
  Planned current = planned;
  dirty = true;
  clock = current.time;
  if (current.source == Source::None)
    return;
  if (current.source == Source::Normal) {
    roundRobin = current.command.bank;
    bool limited = policy.activationBudget && rules.dual && !pimSteps.empty() && slack > 0;
    if (limited && current.command.kind == CommandKind::Precharge)
      slack = std::max<int64_t>(0, slack - rules.t.RP);
    if (limited && current.command.kind == CommandKind::Activate)
      slack = std::max<int64_t>(0, slack - rules.t.RCDWR);
  }
  issue(current.command, current.time);
  if (current.source == Source::Pim)
    finishPim(current.command, current.time, completions);
  else if (current.command.kind == CommandKind::Read || current.command.kind == CommandKind::Write)
    finishAccess(current.command, current.time, completions);
  else if (current.command.kind == CommandKind::Refresh) {
    size_t rank = current.command.bank / size_t(rules.banksPerRank);
    refreshPending &= ~(uint64_t(1) << rank);
    if (refreshPending == 0)
      skipPim = false;
    slack = 0;
  }
}

void Channel::issue(const Command &command, int64_t cycle) {
  int64_t open = 0;
  for (size_t rank = 0; rank < size_t(rules.ranks); ++rank)
    open += !timing.rankIdle(rank);
  stats.activeCycles += open * (cycle - stats.lastCycle);
  stats.lastCycle = cycle;
  ++stats.commands[size_t(command.kind)];
  timing.issue(command, cycle);
  if (recorder)
    recorder->push_back({cycle, index, command});
}

void Channel::finishAccess(const Command &command, int64_t cycle, std::vector<Completion> &completions) {
  BankQueue &queue = bankQueues[command.bank];
  BankEntry &front = queue.entries.front();
  --queue.accesses;
  --queued;
  if (front.write)
    --queue.writes;
  else
    completions.push_back({front.owner, cycle + rules.readDelay});
  if (--front.count == 0)
    queue.entries.pop_front();
  if (queue.accesses == 0)
    occupied &= ~(uint64_t(1) << command.bank);
}

} // namespace yoke::sim
