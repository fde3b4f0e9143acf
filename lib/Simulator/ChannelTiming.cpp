#include "Simulator/ChannelTiming.h"

namespace yoke::sim {
namespace {

void raise(int64_t &time, int64_t bound) { time = std::max(time, bound); }

} // namespace

TimingRules::TimingRules(const MemoryTarget &memory, const PimTarget *pim, CompositeEnd compositeEnd)
    : t(memory.timing), ranks(memory.ranks), banksPerRank(memory.banksPerRank()), banksPerGroup(memory.banksPerGroup),
      banks(memory.banksPerChannel()), groups(memory.ranks * memory.bankGroups),
      spanBanks(pim ? pim->activateBanks : memory.banksPerGroup), burst(memory.burst), compositeEnd(compositeEnd) {
  readDelay = t.CL + burst;
  writeDelay = t.CWL + burst;
  readReadL = std::max(burst, t.CCD_L);
  readReadS = std::max(burst, t.CCD_S);
  readReadOther = burst + t.RTRS;
  readWrite = std::max<int64_t>(0, t.CL + burst - t.CWL + t.RTRS);
  readWriteOther = std::max<int64_t>(0, readDelay + burst + t.RTRS - writeDelay);
  writeReadL = writeDelay + t.WTR_L;
  writeReadS = writeDelay + t.WTR_S;
  writeReadOther = std::max<int64_t>(0, writeDelay + burst + t.RTRS - readDelay);
  writeWriteL = std::max(burst, t.CCD_L);
  writeWriteS = std::max(burst, t.CCD_S);
  writeWriteOther = burst;
  writePrecharge = t.CWL + burst + t.WR;
  comp = readReadS;
  gwrite = pim ? pim->gwriteCycles : 0;
  fill = pim ? pim->pipelineFill : 0;
  dual = pim && pim->dualRowBuffer;
}

int64_t TimingRules::compositeResult(int64_t count) const {
  return compositeEnd == CompositeEnd::AtIssue ? readDelay : comp * std::max(count, fill) + readDelay;
}

ChannelTiming::ChannelTiming(const TimingRules &rules) : rules(rules) {
  for (int64_t bank = 0; bank < rules.banks; ++bank) {
    bankStates[size_t(bank)].rank = uint8_t(bank / rules.banksPerRank);
    bankStates[size_t(bank)].group = uint8_t(bank / rules.banksPerGroup);
  }
}

int64_t ChannelTiming::earliestGroupActivate(size_t firstBank) const {
  const RankState &rank = rankStates[bankStates[firstBank].rank];
  int64_t time = std::max({nextSlot, rank.pimActivate});
  for (size_t bank = firstBank; bank < firstBank + size_t(rules.spanBanks); ++bank)
    time = std::max({time, bankStates[bank].pimActivate, groupStates[bankStates[bank].group].pimActivate});
  return time;
}

int64_t ChannelTiming::earliestRefresh(size_t rank) const {
  int64_t time = std::max(nextSlot, rankStates[rank].refresh);
  for (int64_t bank = 0; bank < rules.banksPerRank; ++bank)
    time = std::max(time, bankStates[rank * size_t(rules.banksPerRank) + size_t(bank)].refresh);
  return time;
}

int64_t ChannelTiming::earliest(const Command &command) const {
  size_t bank = command.bank;
  switch (command.kind) {
  case CommandKind::Activate:
    return earliestActivate(bank);
  case CommandKind::Precharge:
    return earliestPrecharge(bank);
  case CommandKind::Read:
    return earliestRead(bank);
  case CommandKind::Write:
    return earliestWrite(bank);
  case CommandKind::Refresh:
    return earliestRefresh(bankStates[bank].rank);
  case CommandKind::Header:
    return nextSlot;
  case CommandKind::Gwrite:
    return std::max(earliestRead(bank), gwrite);
  case CommandKind::GroupActivate:
    return earliestGroupActivate(bank);
  case CommandKind::Comp:
    return std::max(nextSlot, comp);
  case CommandKind::ReadResult:
    return std::max(nextSlot, readResult);
  case CommandKind::CompsReadResult:
    return std::max(nextSlot, composite);
  case CommandKind::PimPrecharge:
    return earliestPimPrecharge(bank);
  case CommandKind::PimPrechargeAll: {
    int64_t time = nextSlot;
    for (int64_t i = 0; i < rules.banks; ++i)
      time = std::max(time, bankStates[size_t(i)].pimPrecharge);
    return time;
  }
  }
  return nextSlot;
}

void ChannelTiming::issueRead(const Command &command, int64_t cycle) {
  BankState &bank = bankStates[command.bank];
  GroupState &group = groupStates[bank.group];
  raise(bank.precharge, cycle + rules.t.RTP);
  raise(group.read, cycle + rules.readReadL);
  raise(group.write, cycle + rules.readWrite);
  for (size_t rank = 0; rank < size_t(rules.ranks); ++rank) {
    bool same = rank == bank.rank;
    raise(rankStates[rank].read, cycle + (same ? rules.readReadS : rules.readReadOther));
    raise(rankStates[rank].write, cycle + (same ? rules.readWrite : rules.readWriteOther));
  }
  raise(gwrite, cycle + rules.readReadS);
  raise(comp, cycle + rules.readReadS);
  raise(composite, cycle + rules.readReadS);
  raise(readResult, cycle + rules.readReadOther);
}

void ChannelTiming::issueWrite(const Command &command, int64_t cycle) {
  BankState &bank = bankStates[command.bank];
  GroupState &group = groupStates[bank.group];
  raise(bank.precharge, cycle + rules.writePrecharge);
  raise(group.read, cycle + rules.writeReadL);
  raise(group.write, cycle + rules.writeWriteL);
  for (size_t rank = 0; rank < size_t(rules.ranks); ++rank) {
    bool same = rank == bank.rank;
    raise(rankStates[rank].read, cycle + (same ? rules.writeReadS : rules.writeReadOther));
    raise(rankStates[rank].write, cycle + (same ? rules.writeWriteS : rules.writeWriteOther));
  }
  raise(comp, cycle + rules.writeReadS);
  raise(composite, cycle + rules.writeReadS);
  raise(readResult, cycle + rules.writeReadS);
}

void ChannelTiming::issueActivate(const Command &command, int64_t cycle) {
  BankState &bank = bankStates[command.bank];
  GroupState &group = groupStates[bank.group];
  RankState &rank = rankStates[bank.rank];
  bank.row = command.row;
  rowOpened(bank.rank);
  raise(bank.read, cycle + rules.t.RCDRD);
  raise(bank.write, cycle + rules.t.RCDWR);
  raise(bank.precharge, cycle + rules.t.RAS);
  raise(bank.activate, cycle + rules.t.RC);
  raise(bank.pimActivate, cycle + (rules.dual ? rules.t.RRD_L : rules.t.RC));
  raise(group.activate, cycle + rules.t.RRD_L);
  raise(group.pimActivate, cycle + rules.t.RRD_L);
  raise(rank.activate, cycle + rules.t.RRD_S);
  raise(rank.pimActivate, cycle + rules.t.RRD_S);
  rank.window[rank.oldest] = cycle + rules.t.FAW;
  rank.oldest = (rank.oldest + 1) % rank.window.size();
}

void ChannelTiming::issueGwrite(const Command &command, int64_t cycle) {
  BankState &bank = bankStates[command.bank];
  raise(bank.read, cycle + rules.gwrite);
  raise(bank.write, cycle + rules.gwrite);
  raise(bank.precharge, cycle + rules.gwrite);
  raise(groupStates[bank.group].read, cycle + rules.readReadL);
  raise(groupStates[bank.group].write, cycle + rules.readWrite);
  raise(rankStates[bank.rank].read, cycle + rules.readReadS);
  raise(rankStates[bank.rank].write, cycle + rules.readWrite);
  for (int64_t *time : {&gwrite, &comp, &composite, &readResult})
    raise(*time, cycle + rules.gwrite);
}

void ChannelTiming::issueGroupActivate(const Command &command, int64_t cycle) {
  size_t first = command.bank;
  RankState &rank = rankStates[bankStates[first].rank];
  for (size_t bank = first; bank < first + size_t(rules.spanBanks); ++bank) {
    BankState &state = bankStates[bank];
    GroupState &group = groupStates[state.group];
    state.pimRow = command.row;
    rowOpened(state.rank);
    raise(state.pimPrecharge, cycle + rules.t.RAS);
    raise(group.activate, cycle + (rules.dual ? rules.t.RRD_L : rules.t.RC));
    raise(group.pimActivate, cycle + rules.t.RC);
  }
  raise(rank.activate, cycle + rules.t.FAW);
  raise(rank.pimActivate, cycle + rules.t.FAW);
  for (int64_t *time : {&comp, &composite, &readResult})
    raise(*time, cycle + rules.t.RCDRD);
}

void ChannelTiming::issuePim(const Command &command, int64_t cycle) {
  bool composed = command.kind == CommandKind::CompsReadResult;
  bool result = command.kind != CommandKind::Comp;
  int64_t lastComp = cycle, vectorFree = cycle + rules.comp;
  if (composed && rules.compositeEnd == CompositeEnd::AtLastComp) {
    lastComp = cycle + rules.comp * (command.count - 1);
    vectorFree = cycle + rules.comp * std::max<int64_t>(command.count, rules.fill);
  }
  raise(gwrite, vectorFree);
  for (size_t rank = 0; rank < size_t(rules.ranks); ++rank) {
    raise(rankStates[rank].read, cycle + (result ? rules.readReadOther : rules.readReadS));
    raise(rankStates[rank].write, cycle + (composed ? rules.readWriteOther : rules.readWrite));
    if (result)
      raise(rankStates[rank].pimActivate, cycle + rules.t.RTP + rules.t.RP);
  }
  for (size_t bank = 0; bank < size_t(rules.banks); ++bank) {
    raise(bankStates[bank].pimPrecharge, lastComp + rules.t.RTP);
    if (!rules.dual)
      raise(bankStates[bank].precharge, cycle + rules.t.RTP);
  }
  if (command.kind == CommandKind::Comp) {
    raise(comp, cycle + rules.comp);
    raise(readResult, cycle + (firstComp ? std::max(rules.comp, rules.t.CCD_S * rules.fill) : rules.comp));
    firstComp = false;
  } else if (command.kind == CommandKind::ReadResult) {
    raise(comp, cycle + rules.comp);
    raise(readResult, cycle + rules.comp);
    firstComp = true;
  } else {
    raise(composite, cycle + rules.comp * (std::max<int64_t>(command.count, rules.fill) + 1));
    raise(comp, cycle + rules.comp);
    raise(readResult, cycle + rules.comp);
  }
}

void ChannelTiming::closePim(size_t bank, int64_t cycle) {
  BankState &state = bankStates[bank];
  if (state.pimRow >= 0)
    rowClosed(state.rank);
  state.pimRow = -1;
  raise(state.pimActivate, cycle + rules.t.RP);
  raise(state.refresh, cycle + rules.t.RP);
  if (!rules.dual)
    raise(state.activate, cycle + rules.t.RP);
}

void ChannelTiming::refreshRank(size_t rank, int64_t cycle) {
  for (int64_t *time : {&rankStates[rank].activate, &rankStates[rank].pimActivate, &rankStates[rank].refresh})
    raise(*time, cycle + rules.t.RFC);
}

void ChannelTiming::issue(const Command &command, int64_t cycle) {
  nextSlot = cycle + 1;
  switch (command.kind) {
  case CommandKind::Activate:
    return issueActivate(command, cycle);
  case CommandKind::Precharge: {
    BankState &bank = bankStates[command.bank];
    bank.row = -1;
    rowClosed(bank.rank);
    raise(bank.activate, cycle + rules.t.RP);
    raise(bank.refresh, cycle + rules.t.RP);
    if (!rules.dual)
      raise(bank.pimActivate, cycle + rules.t.RP);
    return;
  }
  case CommandKind::Read:
    return issueRead(command, cycle);
  case CommandKind::Write:
    return issueWrite(command, cycle);
  case CommandKind::Refresh:
    return refreshRank(bankStates[command.bank].rank, cycle);
  case CommandKind::Header:
    return;
  case CommandKind::Gwrite:
    return issueGwrite(command, cycle);
  case CommandKind::GroupActivate:
    return issueGroupActivate(command, cycle);
  case CommandKind::Comp:
  case CommandKind::ReadResult:
  case CommandKind::CompsReadResult:
    return issuePim(command, cycle);
  case CommandKind::PimPrecharge:
    return closePim(command.bank, cycle);
  case CommandKind::PimPrechargeAll:
    for (size_t bank = 0; bank < size_t(rules.banks); ++bank)
      closePim(bank, cycle);
    return;
  }
}

} // namespace yoke::sim
