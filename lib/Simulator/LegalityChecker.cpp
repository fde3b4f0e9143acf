#include "Simulator/LegalityChecker.h"

#include <map>

namespace yoke::sim {
namespace {

using K = CommandKind;

enum class Scope { Bank, Group, Rank, OtherRank, Channel };

struct Gap {
  K before, after;
  Scope scope;
  int64_t cycles;
  const char *name;
};

constexpr int64_t long_ago = -(int64_t(1) << 60);

/// The pairs of commands that bind each other whatever their arguments.
std::vector<Gap> gapsOf(const MemoryTarget &memory, const PimTarget *pim) {
  const DramTiming &t = memory.timing;
  int64_t burst = memory.burst;
  int64_t near = std::max(burst, t.CCD_L), far = std::max(burst, t.CCD_S), across = burst + t.RTRS;
  int64_t turn = std::max<int64_t>(0, t.CL + burst + t.RTRS - t.CWL);
  int64_t turnAcross = std::max<int64_t>(0, (t.CL + burst) + burst + t.RTRS - (t.CWL + burst));
  int64_t writeNear = t.CWL + burst + t.WTR_L, writeFar = t.CWL + burst + t.WTR_S;
  std::vector<Gap> gaps = {
      {K::Activate, K::Activate, Scope::Bank, t.RC, "tRC"},
      {K::Activate, K::Activate, Scope::Group, t.RRD_L, "tRRD_L"},
      {K::Activate, K::Activate, Scope::Rank, t.RRD_S, "tRRD_S"},
      {K::Activate, K::Read, Scope::Bank, t.RCDRD, "tRCDRD"},
      {K::Activate, K::Write, Scope::Bank, t.RCDWR, "tRCDWR"},
      {K::Activate, K::Precharge, Scope::Bank, t.RAS, "tRAS"},
      {K::Precharge, K::Activate, Scope::Bank, t.RP, "tRP"},
      {K::Precharge, K::Refresh, Scope::Rank, t.RP, "tRP before REF"},
      {K::Refresh, K::Activate, Scope::Rank, t.RFC, "tRFC"},
      {K::Refresh, K::Refresh, Scope::Rank, t.RFC, "tRFC"},
      {K::Read, K::Read, Scope::Group, near, "tCCD_L"},
      {K::Read, K::Read, Scope::Rank, far, "tCCD_S"},
      {K::Read, K::Read, Scope::OtherRank, across, "burst + tRTRS"},
      {K::Read, K::Write, Scope::Rank, turn, "read to write"},
      {K::Read, K::Write, Scope::OtherRank, turnAcross, "read to write of another rank"},
      {K::Read, K::Precharge, Scope::Bank, t.RTP, "tRTP"},
      {K::Write, K::Read, Scope::Group, writeNear, "tWTR_L"},
      {K::Write, K::Read, Scope::Rank, writeFar, "tWTR_S"},
      {K::Write, K::Write, Scope::Group, near, "tCCD_L"},
      {K::Write, K::Write, Scope::Rank, far, "tCCD_S"},
      {K::Write, K::Write, Scope::OtherRank, burst, "burst"},
      {K::Write, K::Precharge, Scope::Bank, t.CWL + burst + t.WR, "tWR"},
  };
  if (!pim)
    return gaps;
  bool dual = pim->dualRowBuffer;
  const K computing[] = {K::Comp, K::CompsReadResult, K::ReadResult};
  auto add = [&](K before, K after, Scope scope, int64_t cycles, const char *name) {
    gaps.push_back({before, after, scope, cycles, name});
  };
  add(K::Activate, K::Gwrite, Scope::Bank, t.RCDRD, "tRCDRD");
  add(K::Activate, K::GroupActivate, Scope::Bank, dual ? t.RRD_L : t.RC, "ACT to G_ACT");
  add(K::Activate, K::GroupActivate, Scope::Group, t.RRD_L, "tRRD_L");
  add(K::Activate, K::GroupActivate, Scope::Rank, t.RRD_S, "tRRD_S");
  add(K::GroupActivate, K::GroupActivate, Scope::Group, t.RC, "tRC of the PIM buffer");
  add(K::GroupActivate, K::GroupActivate, Scope::Rank, t.FAW, "tFAW between G_ACTs");
  add(K::GroupActivate, K::Activate, Scope::Group, dual ? t.RRD_L : t.RC, "G_ACT to ACT");
  add(K::GroupActivate, K::Activate, Scope::Rank, t.FAW, "tFAW after G_ACT");
  add(K::GroupActivate, K::PimPrecharge, Scope::Bank, t.RAS, "tRAS of the PIM buffer");
  add(K::GroupActivate, K::PimPrechargeAll, Scope::Channel, t.RAS, "tRAS of the PIM buffer");
  add(K::PimPrecharge, K::GroupActivate, Scope::Bank, t.RP, "tRP of the PIM buffer");
  add(K::PimPrecharge, K::Refresh, Scope::Rank, t.RP, "tRP before REF");
  add(K::PimPrechargeAll, K::GroupActivate, Scope::Channel, t.RP, "tRP of the PIM buffer");
  add(K::PimPrechargeAll, K::Refresh, Scope::Channel, t.RP, "tRP before REF");
  add(K::Refresh, K::GroupActivate, Scope::Rank, t.RFC, "tRFC");
  if (!dual) {
    add(K::Precharge, K::GroupActivate, Scope::Bank, t.RP, "tRP");
    add(K::PimPrecharge, K::Activate, Scope::Bank, t.RP, "tRP");
    add(K::PimPrechargeAll, K::Activate, Scope::Channel, t.RP, "tRP");
  }
  add(K::Read, K::Gwrite, Scope::Group, near, "tCCD_L");
  add(K::Read, K::Gwrite, Scope::Rank, far, "tCCD_S");
  add(K::Write, K::Gwrite, Scope::Group, writeNear, "tWTR_L");
  add(K::Write, K::Gwrite, Scope::Rank, writeFar, "tWTR_S");
  // A GWRITE takes the read path of its rank.
  add(K::Read, K::Gwrite, Scope::OtherRank, across, "burst + tRTRS");
  for (K before : {K::ReadResult, K::CompsReadResult})
    add(before, K::Gwrite, Scope::Channel, across, "PIM result to GWRITE");
  for (K after : {K::Read, K::Write, K::Precharge})
    add(K::Gwrite, after, Scope::Bank, pim->gwriteCycles, "GWRITE holds its bank");
  add(K::Gwrite, K::Read, Scope::Group, near, "tCCD_L");
  add(K::Gwrite, K::Read, Scope::Rank, far, "tCCD_S");
  add(K::Gwrite, K::Write, Scope::Rank, turn, "read to write");
  add(K::Gwrite, K::Gwrite, Scope::Channel, pim->gwriteCycles, "GWRITE to GWRITE");
  for (K after : computing) {
    add(K::Gwrite, after, Scope::Channel, pim->gwriteCycles, "the vector is not there yet");
    add(K::GroupActivate, after, Scope::Channel, t.RCDRD, "tRCDRD of the PIM buffer");
    add(K::Read, after, Scope::Channel, after == K::ReadResult ? across : far, "READ to PIM");
    add(K::Write, after, Scope::Channel, writeFar, "WRITE to PIM");
  }
  add(K::Comp, K::Comp, Scope::Channel, far, "COMP to COMP");
  for (K before : computing) {
    bool result = before != K::Comp;
    add(before, K::Read, Scope::Channel, result ? across : far, "PIM to READ");
    add(before, K::Write, Scope::Channel, before == K::CompsReadResult ? turnAcross : turn, "PIM to WRITE");
    if (before != K::CompsReadResult)
      for (K after : {K::ReadResult, K::Gwrite})
        add(before, after, Scope::Channel, far, "PIM to PIM");
    for (K after : {K::PimPrecharge, K::PimPrechargeAll})
      add(before, after, Scope::Channel, t.RTP, "tRTP of the PIM buffer");
    if (!dual)
      add(before, K::Precharge, Scope::Channel, t.RTP, "tRTP of the PIM buffer");
    if (result)
      add(before, K::GroupActivate, Scope::Channel, t.RTP + t.RP, "PIM to G_ACT");
  }
  add(K::ReadResult, K::Comp, Scope::Channel, far, "READRES to COMP");
  add(K::CompsReadResult, K::Comp, Scope::Channel, far, "PIM to PIM");
  add(K::CompsReadResult, K::ReadResult, Scope::Channel, far, "PIM to PIM");
  return gaps;
}

class ChannelChecker {
public:
  ChannelChecker(const Target &target, const CheckOptions &options, const std::vector<Gap> &gaps)
      : memory(*target.memory), pim(target.pim ? &*target.pim : nullptr), options(options),
        banks(size_t(memory.banksPerChannel())), row(banks, -1), pimRow(banks, -1),
        activations(size_t(memory.ranks), std::vector<int64_t>()), refreshes(size_t(memory.ranks), 0) {
    for (auto &times : last)
      times.assign(banks, long_ago);
    byAfter.resize(commandKinds);
    for (const Gap &gap : gaps)
      byAfter[size_t(gap.after)].push_back(gap);
  }

  /// The first rule that the command breaks, or nothing. The command then takes effect either way.
  std::string check(const Command &command, int64_t cycle) {
    std::string rule = command.bank >= banks ? "the bank does not exist" : "";
    if (rule.empty()) {
      if (cycle <= lastCycle)
        rule = "one command a cycle on the command bus";
      if (rule.empty())
        rule = checkGaps(command, cycle);
      if (rule.empty())
        rule = checkWindows(command, cycle);
      if (rule.empty())
        rule = checkState(command);
      apply(command, cycle);
    }
    lastCycle = std::max(lastCycle, cycle);
    return rule;
  }

private:
  size_t groupOf(size_t bank) const { return bank / size_t(memory.banksPerGroup); }
  size_t rankOf(size_t bank) const { return bank / size_t(memory.banksPerRank()); }

  /// Banks that the command acts on.
  std::pair<size_t, size_t> span(const Command &command) const {
    switch (command.kind) {
    case K::GroupActivate:
      return {command.bank, std::min(banks, command.bank + size_t(pim ? pim->activateBanks : 1))};
    case K::Refresh: {
      size_t first = rankOf(command.bank) * size_t(memory.banksPerRank());
      return {first, first + size_t(memory.banksPerRank())};
    }
    case K::Comp:
    case K::ReadResult:
    case K::CompsReadResult:
    case K::PimPrechargeAll:
      return {0, banks};
    case K::Header:
      return {0, 0};
    default:
      return {command.bank, size_t(command.bank) + 1};
    }
  }

  int64_t lastAt(K before, const Command &command, Scope scope) const {
    auto [first, end] = span(command);
    int64_t latest = long_ago;
    for (size_t bank = 0; bank < banks; ++bank) {
      bool counts = scope == Scope::Channel || (scope == Scope::Bank && bank >= first && bank < end);
      if (scope == Scope::Group)
        counts = groupOf(bank) >= groupOf(first) && groupOf(bank) <= groupOf(end - 1);
      if (scope == Scope::Rank)
        counts = rankOf(bank) == rankOf(first);
      if (scope == Scope::OtherRank)
        counts = rankOf(bank) != rankOf(first);
      if (counts)
        latest = std::max(latest, last[size_t(before)][bank]);
    }
    return latest;
  }

  std::string checkGaps(const Command &command, int64_t cycle) const {
    for (const Gap &gap : byAfter[size_t(command.kind)]) {
      int64_t since = cycle - lastAt(gap.before, command, gap.scope);
      if (since < gap.cycles)
        return fmt::format("{}: {} cycles from {} to {}, at least {}", gap.name, since, commandName(gap.before),
                           commandName(gap.after), gap.cycles);
    }
    return "";
  }

  std::string checkWindows(const Command &command, int64_t cycle) const {
    size_t rank = rankOf(command.bank);
    if (command.kind == K::Activate && activations[rank].size() >= 4 &&
        cycle - activations[rank][activations[rank].size() - 4] < memory.timing.FAW)
      return "tFAW: five activations in one window";
    if (command.kind == K::Refresh && refreshes[rank] > cycle / memory.timing.REFI + 8)
      return "more than 8 refreshes ahead";
    for (size_t r = 0; r < refreshes.size(); ++r)
      if (cycle - memory.timing.REFI / 2 > 0 && command.kind != K::Refresh &&
          refreshes[r] < (cycle - memory.timing.REFI / 2) / memory.timing.REFI)
        return fmt::format("a refresh of rank {} is more than tREFI / 2 late", r);
    if (!pim)
      return "";
    int64_t step = std::max(memory.burst, memory.timing.CCD_S);
    if (command.kind == K::ReadResult && firstComp > long_ago &&
        cycle - firstComp < memory.timing.CCD_S * pim->pipelineFill)
      return "the adder tree is not full";
    if (composite == long_ago)
      return "";
    int64_t since = cycle - composite;
    int64_t full = step * std::max(compositeCount, pim->pipelineFill);
    if (command.kind == K::CompsReadResult && since < full + step)
      return "COMPS_READRES to COMPS_READRES";
    if (options.compositeEndsAtIssue)
      return command.kind == K::Gwrite && since < step ? "COMPS_READRES to GWRITE" : "";
    if (command.kind == K::Gwrite && since < full)
      return "GWRITE while COMPs use the vector";
    if ((command.kind == K::PimPrecharge || command.kind == K::PimPrechargeAll) &&
        since < step * (compositeCount - 1) + memory.timing.RTP)
      return "tRTP after the last COMP of a COMPS_READRES";
    return "";
  }

  std::string checkState(const Command &command) const {
    auto [first, end] = span(command);
    bool dual = pim && pim->dualRowBuffer;
    size_t bank = command.bank;
    bool pimCommand = command.kind >= K::Header;
    if (pimCommand && !pim)
      return "the target has no PIM";
    switch (command.kind) {
    case K::Activate:
      if (row[bank] >= 0)
        return "ACT of an open bank";
      if (pimRow[bank] == command.row || (!dual && pimRow[bank] >= 0))
        return "the PIM buffer holds the row";
      return command.row < 0 || command.row >= memory.rows ? "the row does not exist" : "";
    case K::Precharge:
      return row[bank] < 0 ? "PRE of a closed bank" : "";
    case K::Read:
    case K::Write:
    case K::Gwrite:
      return row[bank] != command.row ? "the row is not open" : "";
    case K::Refresh:
      for (size_t b = first; b < end; ++b)
        if (row[b] >= 0 || pimRow[b] >= 0)
          return "REF with an open row";
      return "";
    case K::GroupActivate:
      if (first % size_t(pim->activateBanks) != 0)
        return "G_ACT not at the start of its banks";
      if (command.row < 0)
        return "the row does not exist";
      for (size_t b = first; b < end; ++b) {
        if (pimRow[b] >= 0)
          return "G_ACT of an open PIM buffer";
        if (row[b] == command.row || (!dual && row[b] >= 0))
          return "the normal buffer holds the row";
      }
      return "";
    case K::Comp:
    case K::ReadResult:
    case K::CompsReadResult:
      for (size_t b = 0; b < banks; ++b)
        if (pimRow[b] != command.row)
          return "a PIM buffer does not hold the row";
      if (command.row != headerRow)
        return "no P_HEADER announced the row";
      if (!vectorLoaded)
        return "no GWRITE before computing";
      if (command.kind == K::ReadResult && firstComp == long_ago)
        return "READRES without COMP";
      return command.kind == K::CompsReadResult && command.count < 1 ? "COMPS_READRES of no COMPs" : "";
    case K::PimPrecharge:
      return pimRow[bank] < 0 ? "PIM_PRECHARGE of a closed bank" : "";
    case K::PimPrechargeAll:
      return pim->allBankPrecharge ? "" : "the target has no all-bank precharge";
    case K::Header:
      return "";
    }
    return "";
  }

  void apply(const Command &command, int64_t cycle) {
    auto [first, end] = span(command);
    for (size_t bank = first; bank < end; ++bank)
      last[size_t(command.kind)][bank] = cycle;
    switch (command.kind) {
    case K::Activate:
      row[command.bank] = command.row;
      activations[rankOf(command.bank)].push_back(cycle);
      break;
    case K::Precharge:
      row[command.bank] = -1;
      break;
    case K::GroupActivate:
      std::fill(pimRow.begin() + int64_t(first), pimRow.begin() + int64_t(end), command.row);
      break;
    case K::PimPrecharge:
    case K::PimPrechargeAll:
      std::fill(pimRow.begin() + int64_t(first), pimRow.begin() + int64_t(end), -1);
      break;
    case K::Refresh:
      ++refreshes[rankOf(command.bank)];
      break;
    case K::Header:
      headerRow = command.row;
      break;
    case K::Gwrite:
      vectorLoaded = true;
      break;
    case K::Comp:
      if (firstComp == long_ago)
        firstComp = cycle;
      break;
    case K::ReadResult:
      firstComp = long_ago;
      break;
    case K::CompsReadResult:
      composite = cycle;
      compositeCount = command.count;
      break;
    default:
      break;
    }
  }

  const MemoryTarget &memory;
  const PimTarget *pim;
  const CheckOptions &options;
  size_t banks;
  std::vector<std::vector<Gap>> byAfter;
  std::array<std::vector<int64_t>, commandKinds> last;
  std::vector<int32_t> row, pimRow;
  std::vector<std::vector<int64_t>> activations;
  std::vector<int64_t> refreshes;
  int64_t lastCycle = -1, firstComp = long_ago, composite = long_ago, compositeCount = 0;
  int32_t headerRow = -1;
  bool vectorLoaded = false;
};

} // namespace

std::vector<Violation> checkTrace(const std::vector<TimedCommand> &trace, const Target &target,
                                  const CheckOptions &options) {
  std::vector<Violation> violations;
  std::vector<Gap> gaps = gapsOf(*target.memory, target.pim ? &*target.pim : nullptr);
  std::map<int32_t, ChannelChecker> channels;
  for (size_t i = 0; i < trace.size() && violations.size() < options.maxViolations; ++i) {
    const TimedCommand &timed = trace[i];
    if (timed.channel < 0 || timed.channel >= target.memory->channels) {
      violations.push_back({i, "the channel does not exist"});
      continue;
    }
    auto checker = channels.try_emplace(timed.channel, target, options, gaps).first;
    std::string rule = checker->second.check(timed.command, timed.cycle);
    if (!rule.empty())
      violations.push_back({i, fmt::format("cycle {} channel {} {} bank {}: {}", timed.cycle, timed.channel,
                                           commandName(timed.command.kind), timed.command.bank, rule)});
  }
  return violations;
}

} // namespace yoke::sim
