#include "Simulator/Channel.h"

#include <bit>

namespace yoke::sim {

Channel::Channel(int32_t index, const MemoryTarget &memory, const PimTarget *pim, const ChannelPolicy &policy)
    : index(index), rules(memory, pim, policy.compositeEnd), policy(policy), timing(rules),
      bankQueues(size_t(rules.banks)) {
  refreshInterval = policy.refreshTogether ? rules.t.REFI : rules.t.REFI / rules.ranks;
  nextRefresh = refreshInterval;
  int64_t count = rules.banks / rules.spanBanks, perRank = count / rules.ranks;
  for (int64_t i = 0; i < count; ++i) { // ranks alternate, since activations bind within a rank
    int64_t span = policy.prepareEarly ? i % rules.ranks * perRank + i / rules.ranks : i;
    spans.push_back(uint8_t(span * rules.spanBanks));
  }
}

void Channel::push(const AccessRun &run) {
  bool ahead = run.write && policy.vectorsWritten;
  (ahead ? urgent : incoming).push_back(run);
  if (ahead)
    unwritten[run.row] += run.count;
  dirty = true;
}

void Channel::push(const PimStep &step) {
  pimSteps.push_back(step);
  dirty = true;
}

std::vector<Completion> Channel::takeAccepted() { return std::exchange(accepted, {}); }

bool Channel::enqueue(const AccessRun &run, int16_t count) {
  BankQueue &queue = bankQueues[run.bank];
  if (queue.accesses + count > policy.bankQueue)
    return false;
  if (run.write && policy.vectorsWritten) { // ahead of streams
    if (!queue.entries.empty() && queue.entries.front().owner == run.owner && queue.entries.front().write)
      queue.entries.front().count += count;
    else {
      overtaken |= !queue.entries.empty();
      queue.entries.push_front({run.row, run.owner, count, true});
    }
  } else if (!queue.entries.empty() && queue.entries.back().owner == run.owner && queue.entries.back().row == run.row &&
             queue.entries.back().write == run.write)
    queue.entries.back().count += count;
  else
    queue.entries.push_back({run.row, run.owner, count, run.write});
  bool wasEmpty = queue.accesses == 0;
  queue.accesses += count;
  queue.writes += run.write ? count : 0;
  queued += count;
  if (wasEmpty || run.write)
    frontChanged(run.bank);
  return true;
}

void Channel::frontChanged(size_t bank) {
  uint64_t bit = uint64_t(1) << bank;
  if (bankQueues[bank].accesses == 0) {
    occupied &= ~bit;
    return;
  }
  occupied |= bit;
  const BankEntry &front = bankQueues[bank].entries.front();
  frontRow[bank] = front.row;
  writeFront = front.write ? writeFront | bit : writeFront & ~bit;
  hits = timing.openRow(bank) == front.row ? hits | bit : hits & ~bit;
}

/// The next PIM step waits for a write that is not in its row yet.
bool Channel::pimAwaitsWrite() const {
  if (!policy.vectorsWritten || pimSteps.empty())
    return false;
  const PimStep &head = pimSteps.front();
  return unwritten.contains(head.row) || (head.kind == CommandKind::Gwrite && bufferedAccesses > 0);
}

bool Channel::pimAdmitted(int64_t now) const {
  if (rules.dual || pimAwaitsWrite())
    return false;
  if (draining > 0)
    return admitted > 0;
  return !pimSteps.empty() && pimSteps.front().arrival <= now;
}

bool Channel::moveWrite() {
  AccessRun &run = buffered.front();
  if (pimAdmitted(frontClock) || !enqueue(run, 1))
    return false;
  --draining;
  --bufferedAccesses;
  if (--run.count == 0)
    buffered.pop_front();
  ++frontClock;
  return true;
}

/// Accesses of the first run up to `until`, or one where each may change what comes next.
bool Channel::moveReads(int64_t until) {
  AccessRun &run = incoming.front();
  if (pimAdmitted(frontClock))
    return false;
  int64_t there = bankQueues[run.bank].accesses, most = 1;
  if (there > 0 && (rules.dual || pimSteps.empty())) {
    most = std::min({until - frontClock, int64_t(run.count), std::max<int64_t>(1, policy.bankQueue - there)});
    if (!urgent.empty())
      most = std::min(most, std::max<int64_t>(1, urgent.front().arrival - frontClock));
  }
  if (!enqueue(run, int16_t(most)))
    return false;
  run.count = int16_t(run.count - most);
  if (run.count == 0)
    incoming.pop_front();
  frontClock += most;
  return true;
}

/// Moves requests from the outside into the bank queues, one a cycle, up to `until`. True when a bank queue that was
/// empty now has an access, or a write has overtaken what was first in one.
bool Channel::pump(int64_t until) {
  uint64_t before = occupied;
  overtaken = false;
  while (frontClock < until && occupied == before && !overtaken) {
    if (draining > 0) {
      if (!moveWrite())
        frontClock = until;
      continue;
    }
    bool wanted = bufferedAccesses >= policy.writeBuffer || (bufferedAccesses > 8 && queued == 0) ||
                  (policy.vectorsWritten && bufferedAccesses > 0 && !pimSteps.empty() &&
                   (pimSteps.front().kind == CommandKind::Gwrite || unwritten.contains(pimSteps.front().row)));
    if (wanted) {
      draining = bufferedAccesses;
      admitted = rules.dual ? 0 : std::min<int64_t>(policy.pimQueue, int64_t(pimSteps.size()));
      while (admitted > 0 && pimSteps[size_t(admitted - 1)].arrival > frontClock)
        --admitted;
      continue;
    }
    if (incoming.empty() && urgent.empty())
      break;
    bool jump = !urgent.empty() && (incoming.empty() || urgent.front().arrival <= frontClock);
    std::deque<AccessRun> &source = jump ? urgent : incoming;
    AccessRun &run = source.front();
    if (run.arrival > frontClock) {
      frontClock = std::min(run.arrival, until);
      continue;
    }
    if (!run.write) {
      if (!moveReads(until))
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
      source.pop_front();
  }
  return occupied != before || overtaken;
}

/// Whether nothing comes into the queues before the bank of the first read has room.
bool Channel::bankFull() const {
  if (incoming.empty() || draining > 0 || bufferedAccesses > 0 || !urgent.empty() || !(rules.dual || pimSteps.empty()))
    return false;
  const AccessRun &run = incoming.front();
  return !run.write && run.arrival <= frontClock && bankQueues[run.bank].accesses >= policy.bankQueue;
}

/// Whether all that could come into the queues until then are reads of a bank that has some.
bool Channel::nothingNew(int64_t until) const {
  if (draining > 0 || bufferedAccesses > 0 || !urgent.empty() || !(rules.dual || pimSteps.empty()))
    return false;
  if (incoming.empty())
    return true;
  const AccessRun &run = incoming.front();
  if (run.arrival >= until)
    return true;
  int64_t there = bankQueues[run.bank].accesses;
  return !run.write && there > 0 && (run.count > until - frontClock || there >= policy.bankQueue);
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
    if (!nothingNew(now))
      while (frontClock < now && pump(now)) {
      }
    if (refreshPending != 0)
      planned = planRefresh(now);
    else if (pimSteps.empty() || skipPim)
      planned.time = never;
    else {
      planned = planPim(now);
      if (refreshPending != 0)
        continue;
    }
    planNormal(now);
    if (frontClock < planned.time) {
      int64_t until = std::min(planned.time, nextRefresh);
      if (bankFull())
        frontClock = std::max(frontClock, until);
      else if (pump(until))
        continue;
    }
    if (nextRefresh < planned.time) {
      planned.time = nextRefresh;
      planned.source = Source::None;
    }
    return;
  }
}

uint64_t Channel::normalCandidates() const {
  uint64_t candidates = occupied;
  for (size_t rank = 0; refreshPending >> rank; ++rank)
    if (refreshPending >> rank & 1)
      candidates &= ~rules.rankBanks(rank);
  if (gwriting && !pimSteps.empty() && pimSteps.front().kind == CommandKind::Gwrite)
    candidates &= ~(uint64_t(1) << pimSteps.front().bank);
  return candidates;
}

/// Towards the first access of a bank whose row is not open.
Channel::Choice Channel::closeOrOpen(size_t bank, bool limited) const {
  if (timing.openRow(bank) >= 0) {
    if (limited && slack > 0 && slack <= rules.t.RP + rules.t.RCDWR)
      return {};
    return {timing.earliestPrecharge(bank), CommandKind::Precharge, uint8_t(bank)};
  }
  int32_t pim = timing.pimRow(bank);
  if (pim >= 0 && (pim == frontRow[bank] || !rules.dual))
    return {timing.earliestPimPrecharge(bank), CommandKind::PimPrecharge, uint8_t(bank)};
  if (limited && slack > 0 && slack <= rules.t.RCDWR)
    return {};
  return {timing.earliestActivate(bank), CommandKind::Activate, uint8_t(bank)};
}

/// Takes the place of `planned` when it comes earlier.
void Channel::planNormal(int64_t now) {
  if (occupied == 0)
    return;
  if (!rules.dual && ((pimMode && !skipPim) || (gwriting && now < gwriteEnd)))
    return;
  bool limited = policy.activationBudget && rules.dual && !pimSteps.empty() && pimSteps.front().arrival <= now;
  if (limited && !skipPim && refreshPending == 0 && slack < 10)
    return;
  uint64_t candidates = normalCandidates();
  uint64_t reads = candidates & hits & ~writeFront;
  if (policy.vectorsWritten && reads && !pimSteps.empty() && pimSteps.front().kind == CommandKind::Gwrite &&
      bankQueues[pimSteps.front().bank].writes > 0)
    reads &= uint64_t(1) << pimSteps.front().bank; // the vector has to be in its row first

  Choice best;
  size_t start = (roundRobin + 1) & size_t(rules.banks - 1);
  uint64_t low = (uint64_t(1) << start) - 1;
  auto distance = [&](size_t bank) { return (bank - start) & size_t(rules.banks - 1); };
  // In turn from `start`; nothing can be better than the first at `bound`.
  auto visit = [&](uint64_t banks, int64_t bound, auto choiceOf) {
    for (uint64_t part : {banks & ~low, banks & low})
      for (; part; part &= part - 1) {
        Choice choice = choiceOf(size_t(std::countr_zero(part)));
        choice.time = std::max(choice.time, now);
        if (choice.time < best.time || (choice.time == best.time && distance(choice.bank) < distance(best.bank)))
          best = choice;
        if (choice.time <= bound)
          return;
      }
  };
  if (uint64_t misses = candidates & ~hits)
    visit(misses, now, [&](size_t bank) { return closeOrOpen(bank, limited); });
  uint64_t writes = candidates & hits & writeFront;
  size_t rank = timing.rankOf(roundRobin); // no gap between ranks there
  for (int64_t i = 0; i < rules.ranks; ++i, rank = rank + 1 < size_t(rules.ranks) ? rank + 1 : 0) {
    uint64_t banks = rules.rankBanks(rank);
    if (int64_t bound = std::max(now, timing.readBound(rank)); reads & banks && bound <= best.time)
      visit(reads & banks, bound,
            [&](size_t bank) { return Choice{timing.earliestRead(bank), CommandKind::Read, uint8_t(bank)}; });
    if (int64_t bound = std::max(now, timing.writeBound(rank)); writes & banks && bound <= best.time)
      visit(writes & banks, bound,
            [&](size_t bank) { return Choice{timing.earliestWrite(bank), CommandKind::Write, uint8_t(bank)}; });
  }
  if (best.time >= planned.time)
    return;
  bool closes = best.kind == CommandKind::Precharge || best.kind == CommandKind::PimPrecharge;
  planned.time = best.time;
  planned.source = Source::Normal;
  planned.command.kind = best.kind;
  planned.command.bank = best.bank;
  planned.command.count = 1;
  planned.command.row = closes ? -1 : frontRow[best.bank];
  planned.command.column = 0;
}

Channel::Planned Channel::planRefresh(int64_t now) {
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
  const Planned &current = planned;
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
  if (observer)
    observer->commandIssued(index, current.command, ownerOf(current));
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

Owner Channel::ownerOf(const Planned &current) const {
  CommandKind kind = current.command.kind;
  if (current.source == Source::Pim && kind == pimSteps.front().kind)
    return pimSteps.front().owner;
  if (current.source == Source::Normal && (kind == CommandKind::Read || kind == CommandKind::Write))
    return bankQueues[current.command.bank].entries.front().owner;
  return noOwner;
}

void Channel::issue(const Command &command, int64_t cycle) {
  stats.activeCycles += timing.activeRanks() * (cycle - stats.lastCycle);
  stats.lastCycle = cycle;
  ++stats.commands[size_t(command.kind)];
  timing.issue(command, cycle);
  if (command.kind == CommandKind::Activate || command.kind == CommandKind::Precharge)
    if (occupied >> command.bank & 1)
      frontChanged(command.bank);
  bool changesTile = command.kind == CommandKind::GroupActivate || command.kind == CommandKind::PimPrecharge ||
                     command.kind == CommandKind::PimPrechargeAll ||
                     (command.kind == CommandKind::Activate && (!rules.dual || command.row == openTile));
  if (changesTile)
    openTile = -1;
  if (recorder)
    recorder->push_back({cycle, index, command});
}

void Channel::finishAccess(const Command &command, int64_t cycle, std::vector<Completion> &completions) {
  BankQueue &queue = bankQueues[command.bank];
  BankEntry &front = queue.entries.front();
  --queue.accesses;
  --queued;
  if (front.write) {
    --queue.writes;
    if (auto found = unwritten.find(front.row); found != unwritten.end() && --found->second == 0)
      unwritten.erase(found);
  } else
    completions.push_back({front.owner, cycle + rules.readDelay});
  if (--front.count == 0) {
    queue.entries.pop_front();
    frontChanged(command.bank);
  }
}

} // namespace yoke::sim
