// When the next command of each kind is legal in one channel. Nothing here waits: every constraint is a time stored at
// the bank, bank group, rank or channel that it binds.
#pragma once

#include "Simulator/Command.h"
#include "Target/Target.h"

#include <algorithm>
#include <array>

namespace yoke::sim {

/// How a COMPS_READRES ends. The published simulator lets its result appear, and its row close, counted from the issue
/// of the command instead of from its last COMP.
enum class CompositeEnd { AtIssue, AtLastComp };

/// Gaps between commands, derived once from a target.
struct TimingRules {
  TimingRules(const MemoryTarget &memory, const PimTarget *pim, CompositeEnd compositeEnd);

  DramTiming t;
  int64_t ranks, banksPerRank, banksPerGroup, banks, groups, spanBanks;
  int64_t burst, readDelay, writeDelay;
  int64_t readReadL, readReadS, readReadOther, readWrite, readWriteOther;
  int64_t writeReadL, writeReadS, writeReadOther, writeWriteL, writeWriteS, writeWriteOther, writePrecharge;
  int64_t comp, gwrite, fill;
  bool dual;
  CompositeEnd compositeEnd;

  /// A bit for each bank of a rank.
  uint64_t rankBanks(size_t rank) const {
    return (~uint64_t(0) >> (64 - banksPerRank)) << (rank * size_t(banksPerRank));
  }
  /// Cycles from a COMPS_READRES to its result on the bus.
  int64_t compositeResult(int64_t count) const;
};

class ChannelTiming {
public:
  explicit ChannelTiming(const TimingRules &rules);

  /// First cycle at which the command may be issued; the state it needs (open or closed rows) is the caller's business.
  int64_t earliest(const Command &command) const;
  void issue(const Command &command, int64_t cycle);

  int32_t openRow(size_t bank) const { return bankStates[bank].row; }
  int32_t pimRow(size_t bank) const { return bankStates[bank].pimRow; }
  /// First cycle with a free command slot.
  int64_t slot() const { return nextSlot; }
  bool rankIdle(size_t rank) const { return openInRank[rank] == 0; }

  int64_t activeRanks() const { return ranksActive; }
  size_t rankOf(size_t bank) const { return bankStates[bank].rank; }

  /// Before these no bank of the rank can be read or written.
  int64_t readBound(size_t rank) const { return std::max(rankStates[rank].read, nextSlot); }
  int64_t writeBound(size_t rank) const { return std::max(rankStates[rank].write, nextSlot); }

  int64_t earliestRead(size_t bank) const {
    const BankState &b = bankStates[bank];
    return std::max(std::max(b.read, groupStates[b.group].read), std::max(rankStates[b.rank].read, nextSlot));
  }
  int64_t earliestWrite(size_t bank) const {
    const BankState &b = bankStates[bank];
    return std::max(std::max(b.write, groupStates[b.group].write), std::max(rankStates[b.rank].write, nextSlot));
  }
  int64_t earliestPrecharge(size_t bank) const { return std::max(bankStates[bank].precharge, nextSlot); }
  int64_t earliestActivate(size_t bank) const {
    const BankState &b = bankStates[bank];
    return std::max(std::max(std::max(b.activate, groupStates[b.group].activate), rankStates[b.rank].activate),
                    std::max(rankStates[b.rank].window[rankStates[b.rank].oldest], nextSlot));
  }
  int64_t earliestPimPrecharge(size_t bank) const { return std::max(bankStates[bank].pimPrecharge, nextSlot); }
  int64_t earliestGroupActivate(size_t firstBank) const;

private:
  struct BankState {
    int64_t activate = 0, precharge = 0, read = 0, write = 0, pimActivate = 0, pimPrecharge = 0, refresh = 0;
    int32_t row = -1, pimRow = -1;
    uint8_t rank = 0, group = 0;
  };
  struct GroupState {
    int64_t activate = 0, read = 0, write = 0, pimActivate = 0;
  };
  struct RankState {
    int64_t activate = 0, read = 0, write = 0, pimActivate = 0, refresh = 0;
    std::array<int64_t, 4> window = {}; ///< ends of the activation windows
    size_t oldest = 0;
  };

  void issueRead(const Command &command, int64_t cycle);
  void issueWrite(const Command &command, int64_t cycle);
  void issueActivate(const Command &command, int64_t cycle);
  void issueGwrite(const Command &command, int64_t cycle);
  void issueGroupActivate(const Command &command, int64_t cycle);
  void issuePim(const Command &command, int64_t cycle);
  void rowOpened(size_t rank) { ranksActive += openInRank[rank]++ == 0; }
  void rowClosed(size_t rank) { ranksActive -= --openInRank[rank] == 0; }
  void closePim(size_t bank, int64_t cycle);
  void refreshRank(size_t rank, int64_t cycle);
  int64_t earliestRefresh(size_t rank) const;

  const TimingRules &rules;
  std::array<BankState, 64> bankStates;
  std::array<GroupState, 64> groupStates;
  std::array<RankState, 64> rankStates;
  std::array<int32_t, 64> openInRank = {}; ///< rows
  int64_t ranksActive = 0;                 ///< with open rows
  int64_t nextSlot = 0;
  int64_t comp = 0, composite = 0, readResult = 0, gwrite = 0;
  bool firstComp = true;
};

} // namespace yoke::sim
