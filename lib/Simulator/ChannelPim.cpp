// The PIM side of a channel's policy: tiles in order, rows opened and closed for them, refreshes kept out of their way.
#include "Simulator/Channel.h"

namespace yoke::sim {

/// Cycles that the head needs, as a controller would estimate them from open rows.
int64_t Channel::estimate(const PimStep &head) const {
  if (head.kind == CommandKind::Gwrite) {
    int32_t open = timing.openRow(head.bank);
    int64_t openCost = open == head.row ? 0 : rules.t.RP + rules.t.RCDRD + (open >= 0 ? rules.t.RTP : 0);
    return openCost + rules.gwrite;
  }
  int64_t activates = 0, precharges = 0;
  for (int64_t span = 0; span < rules.banks / rules.spanBanks; ++span) {
    int64_t right = 0;
    for (int64_t bank = span * rules.spanBanks; bank < (span + 1) * rules.spanBanks; ++bank) {
      int32_t open = timing.pimRow(size_t(bank));
      right += open == head.row;
      precharges += open >= 0 && open != head.row;
    }
    activates += right != rules.spanBanks;
  }
  return precharges * rules.t.RTP + rules.t.FAW * (activates / rules.ranks - 1) + rules.t.RCDRD +
         rules.readReadS * std::max<int64_t>(head.count, rules.fill) + rules.readReadL * (head.results - 1);
}

/// Decides whether the head may start. When it would run into the refresh, either the refresh is pulled in or PIM work
/// is held until it is done.
bool Channel::fitsBeforeRefresh(const PimStep &head, int64_t now) {
  int64_t remaining = nextRefresh - now - estimate(head);
  slack = std::max<int64_t>(0, remaining);
  if (remaining > 0)
    return true;
  if (policy.pullRefreshIn) {
    uint64_t ranks = (uint64_t(1) << rules.ranks) - 1;
    if (refreshed == 0) {
      refreshPending |= ranks;
      refreshed = ranks;
    }
    return refreshed == ranks && refreshPending == 0; // done already for the coming interval
  }
  skipPim = true;
  return false;
}

const PimStep *Channel::nextHeader() const {
  for (size_t i = 0; i < pimSteps.size() && i < 4; ++i)
    if (pimSteps[i].kind == CommandKind::Header)
      return &pimSteps[i];
  return nullptr;
}

Channel::Planned Channel::planPim(int64_t now) {
  if (!rules.dual && queued > 0 && !pimMode) {
    if (gwriteEnd == never)
      gwriting = false; // begins anew when they are done
    return {};
  }
  if (draining > 0 && !rules.dual && admitted == 0 && !pimMode)
    return {};
  const PimStep &head = pimSteps.front();
  if (head.arrival > now)
    return {head.arrival, Source::None, {}};
  Planned best;
  if (gwriting && gwriteEnd != never) {
    if (now < gwriteEnd) { // the vector is on its way
      best = {gwriteEnd, Source::None, {}};
      if (policy.prepareEarly)
        if (const PimStep *header = nextHeader())
          if (Planned prepare = planTile(*header, now, true); prepare.time < gwriteEnd)
            best = prepare;
      return best;
    }
    gwriting = false;
    slack = 0;
  }
  Planned own;
  switch (head.kind) {
  case CommandKind::Gwrite:
    own = planGwrite(head, now);
    if (policy.prepareEarly && refreshPending == 0)
      if (const PimStep *header = nextHeader()) {
        Planned prepare = planTile(*header, now, true);
        if (prepare.time < best.time)
          best = prepare;
      }
    break;
  case CommandKind::Header:
    own = planHeader(head, now);
    break;
  default:
    own = planTile(head, now, false);
  }
  return own.time <= best.time ? own : best;
}

Channel::Planned Channel::planGwrite(const PimStep &head, int64_t now) {
  if (policy.vectorsWritten && (bankQueues[head.bank].writes > 0 || bufferedAccesses > 0)) {
    gwriting = false; // the bank is theirs until they are done
    return {};
  }
  if (!gwriting && !fitsBeforeRefresh(head, now))
    return {};
  gwriting = true;
  gwriteEnd = never;
  Command command{CommandKind::Gwrite, head.bank, 1, head.row, 0};
  int32_t open = timing.openRow(head.bank);
  if (timing.pimRow(head.bank) == head.row || (!rules.dual && timing.pimRow(head.bank) >= 0))
    command.kind = CommandKind::PimPrecharge;
  else if (open < 0)
    command.kind = CommandKind::Activate;
  else if (open != head.row)
    command.kind = CommandKind::Precharge;
  return {std::max(now, timing.earliest(command)), Source::Pim, command};
}

Channel::Planned Channel::planHeader(const PimStep &head, int64_t now) {
  if (!fitsBeforeRefresh(head, now))
    return {};
  pimMode = true;
  Command header{CommandKind::Header, 0, uint16_t(head.count), head.row, 0};
  if (policy.prepareEarly && rules.dual)
    return {std::max(now, timing.slot()), Source::Pim, header};
  Planned best;
  bool closed = true;
  for (size_t bank = 0; bank < size_t(rules.banks); ++bank) {
    int32_t open = timing.openRow(bank), pim = timing.pimRow(bank);
    Command command{CommandKind::PimPrecharge, uint8_t(bank), 1, -1, 0};
    if (open >= 0 && (!rules.dual || open == head.row))
      command.kind = CommandKind::Precharge;
    else if (pim < 0 || pim == head.row)
      continue;
    closed = false;
    int64_t time = std::max(now, timing.earliest(command));
    if (time < best.time)
      best = {time, Source::Pim, command};
    if (time == now)
      break;
  }
  return closed ? Planned{std::max(now, timing.slot()), Source::Pim, header} : best;
}

/// The next command towards computing on the step's row: closing wrong rows, opening the row, then the step itself.
Channel::Planned Channel::planTile(const PimStep &step, int64_t now, bool onlyPrepare) {
  if (unwritten.contains(step.row))
    return {};
  Planned best;
  bool ready = true;
  for (size_t i = 0; openTile != step.row && i < spans.size(); ++i) {
    size_t first = spans[i];
    bool closed = true;
    int64_t right = 0;
    for (size_t bank = first; bank < first + size_t(rules.spanBanks); ++bank) {
      int32_t pim = timing.pimRow(bank);
      right += pim == step.row;
      bool conflict = timing.openRow(bank) == step.row || (!rules.dual && timing.openRow(bank) >= 0);
      if ((pim < 0 || pim == step.row) && !conflict)
        continue;
      closed = false;
      Command close{conflict ? CommandKind::Precharge : CommandKind::PimPrecharge, uint8_t(bank), 1, -1, 0};
      int64_t time = std::max(now, timing.earliest(close));
      if (time < best.time)
        best = {time, Source::Pim, close};
    }
    if (right == rules.spanBanks)
      continue;
    ready = false;
    if (!closed)
      continue;
    Command open{CommandKind::GroupActivate, uint8_t(first), 1, step.row, 0};
    int64_t time = std::max(now, timing.earliestGroupActivate(first));
    if (time < best.time)
      best = {time, Source::Pim, open};
  }
  if (ready)
    openTile = step.row;
  if (!ready || onlyPrepare)
    return ready ? Planned{} : best;
  Command command{step.kind, 0, uint16_t(step.kind == CommandKind::CompsReadResult ? step.count : 1), step.row,
                  step.column};
  return {std::max(now, timing.earliest(command)), Source::Pim, command};
}

void Channel::finishPim(const Command &command, int64_t cycle, std::vector<Completion> &completions) {
  PimStep &head = pimSteps.front();
  if (command.kind != head.kind)
    return; // a row opened or closed for it
  if (pimStart < 0)
    pimStart = cycle;
  Owner owner = noOwner;
  int64_t ready = cycle;
  switch (command.kind) {
  case CommandKind::Gwrite:
    gwriteEnd = cycle + rules.gwrite;
    ready = gwriteEnd;
    owner = head.owner;
    break;
  case CommandKind::Comp:
    ++stats.comps;
    owner = head.owner;
    break;
  case CommandKind::ReadResult:
    ready = cycle + rules.readDelay;
    owner = head.owner;
    break;
  case CommandKind::CompsReadResult:
    stats.comps += command.count;
    ready = cycle + rules.compositeResult(command.count);
    owner = head.owner;
    break;
  default:
    owner = head.owner;
  }
  if (head.last)
    pimMode = false;
  if (owner != noOwner)
    completions.push_back({owner, ready});
  if (command.kind == CommandKind::Comp && --head.count > 0) {
    ++head.arrival;
    ++head.column;
    return;
  }
  pimSteps.pop_front();
  if (admitted > 0)
    --admitted;
  if (pimSteps.empty() && pimStart >= 0) {
    stats.pimBusy += cycle - pimStart;
    pimStart = -1;
  }
}

} // namespace yoke::sim
