// One memory channel: queues, the policy that picks the next command, and what has been issued.
//
// Event driven: `nextTime` is the cycle of the next command that the policy would issue, `step` issues it. Nothing
// happens in between, so nothing is looked at in between.
#pragma once

#include "Simulator/ChannelTiming.h"
#include "Simulator/Observer.h"
#include "Simulator/Ring.h"

#include <array>
#include <deque>
#include <limits>
#include <unordered_map>

namespace yoke::sim {

constexpr int64_t never = std::numeric_limits<int64_t>::max() / 4;

/// Who waits for a request; `noOwner` for requests that nobody waits for.
using Owner = int32_t;
constexpr Owner noOwner = -1;

/// Consecutive accesses to one row of one bank.
struct AccessRun {
  int32_t row;
  Owner owner;
  int64_t arrival;
  int16_t count;
  uint8_t bank;
  bool write;
};

/// A step of a PIM program of one channel. A tile is a Header followed by its computations.
struct PimStep {
  CommandKind kind; ///< Header, Gwrite, Comp, ReadResult or CompsReadResult
  bool last;        ///< of its tile
  int16_t count;    ///< Comp: repetitions; CompsReadResult: COMPs in it; Header: COMPs of the tile
  int16_t results;  ///< Header: READRESs of the tile
  uint8_t bank;     ///< Gwrite: where the vector is
  int32_t row;
  Owner owner;
  int64_t arrival;
  int16_t column = 0; ///< Comp, CompsReadResult: the first
};

struct ChannelPolicy {
  CompositeEnd compositeEnd = CompositeEnd::AtLastComp;
  bool refreshTogether = true; ///< all ranks at once; otherwise staggered, one every tREFI / ranks
  bool pullRefreshIn = true;   ///< refresh at once when the next tile does not fit before it; otherwise idle until then
  bool prepareEarly = true;    ///< rows of the next tile open while others close and while a GWRITE runs
  bool activationBudget = false; ///< normal ACT and PRE only while the slack to the next refresh allows
  bool vectorsWritten = true;    ///< writes go ahead of streams; a GWRITE waits for them, a G_ACT for those to its row
  int64_t bankQueue = 128, writeBuffer = 32, pimQueue = 128;
};

struct Completion {
  Owner owner;
  int64_t cycle;
};

struct ChannelStats {
  CommandCounts commands = {};
  int64_t comps = 0;        ///< COMPs, those inside COMPS_READRES included
  int64_t pimBusy = 0;      ///< cycles between the first and last command of PIM work
  int64_t activeCycles = 0; ///< rank-cycles with an open row
  int64_t lastCycle = 0;
};

class Channel {
public:
  Channel(int32_t index, const MemoryTarget &memory, const PimTarget *pim, const ChannelPolicy &policy);

  void push(const AccessRun &run);
  void push(const PimStep &step);

  /// Refreshes go on when there is nothing else to do, so there is always a next time.
  int64_t nextTime() {
    if (dirty)
      plan();
    return planned.time;
  }
  /// Issues the command planned for nextTime(). Completions are appended, with cycles not before the present.
  void step(std::vector<Completion> &completions);
  /// The earliest completion that the front end produced while planning (accepted writes).
  std::vector<Completion> takeAccepted();
  bool hasAccepted() const { return !accepted.empty(); }

  bool idle() const {
    return incoming.empty() && urgent.empty() && queued == 0 && buffered.empty() && pimSteps.empty();
  }
  /// Cycles from a read to its completion.
  int64_t readDelay() const { return rules.readDelay; }
  const ChannelStats &statistics() const { return stats; }
  /// Commands are appended to `trace` from now on.
  void record(std::vector<TimedCommand> *trace) { recorder = trace; }
  void observe(MachineObserver *newObserver) { observer = newObserver; }

private:
  enum class Source { None, Refresh, Pim, Normal };
  struct Planned {
    int64_t time = never;
    Source source = Source::None;
    Command command = {};
  };
  struct Choice {
    int64_t time = never;
    CommandKind kind = CommandKind::Read;
    uint8_t bank = 0;
  };
  struct BankEntry {
    int32_t row = -1;
    Owner owner = noOwner;
    int16_t count = 0;
    bool write = false;
  };
  struct BankQueue {
    Ring<BankEntry> entries;
    int64_t accesses = 0;
    int64_t writes = 0;
  };

  void plan();
  Planned planRefresh(int64_t now);
  Planned planPim(int64_t now);
  Planned planTile(const PimStep &step, int64_t now, bool onlyPrepare);
  Planned planHeader(const PimStep &head, int64_t now);
  Planned planGwrite(const PimStep &head, int64_t now);
  void planNormal(int64_t now);
  bool fitsBeforeRefresh(const PimStep &head, int64_t now);
  int64_t estimate(const PimStep &head) const;
  const PimStep *nextHeader() const;

  bool nothingNew(int64_t until) const;
  bool bankFull() const;
  bool pump(int64_t until);
  bool moveWrite();
  bool moveReads(int64_t until);
  bool pimAdmitted(int64_t now) const;
  bool pimAwaitsWrite() const;
  bool enqueue(const AccessRun &run, int16_t count);
  void frontChanged(size_t bank);
  uint64_t normalCandidates() const;
  Choice closeOrOpen(size_t bank, bool limited) const;
  void registerRefreshes(int64_t now);

  void issue(const Command &command, int64_t cycle);
  Owner ownerOf(const Planned &current) const;
  void finishAccess(const Command &command, int64_t cycle, std::vector<Completion> &completions);
  void finishPim(const Command &command, int64_t cycle, std::vector<Completion> &completions);

  const int32_t index;
  const TimingRules rules;
  const ChannelPolicy policy;
  ChannelTiming timing;

  std::deque<AccessRun> incoming;
  std::deque<AccessRun> urgent;   ///< writes that do not wait for streams
  std::deque<AccessRun> buffered; ///< accepted writes
  int64_t bufferedAccesses = 0, draining = 0, frontClock = 0;
  bool overtaken = false; ///< a write went ahead of the first access of a bank
  std::vector<Completion> accepted;

  std::vector<BankQueue> bankQueues;
  uint64_t occupied = 0;   ///< banks with queued accesses
  uint64_t hits = 0;       ///< banks whose open row is that of their first access
  uint64_t writeFront = 0; ///< banks whose first access is a write
  std::array<int32_t, 64> frontRow = {};
  int64_t queued = 0;
  size_t roundRobin = 0;

  std::deque<PimStep> pimSteps;
  int64_t admitted = 0; ///< blocked mode: steps already in the command queue when a write drain began
  bool pimMode = false, skipPim = false, gwriting = false;
  int64_t gwriteEnd = 0, slack = 0;
  std::vector<uint8_t> spans; ///< first banks of those that a G_ACT opens together, in the order of opening
  int32_t openTile = -1;      ///< a row that is open in all PIM buffers, and in the way of none

  int64_t nextRefresh, refreshInterval;
  size_t nextRefreshRank = 0;
  uint64_t refreshPending = 0; ///< ranks
  uint64_t refreshed = 0;      ///< ranks done early for the coming refresh

  int64_t clock = 0;
  bool dirty = true;
  Planned planned;
  ChannelStats stats;
  int64_t pimStart = -1;
  std::vector<TimedCommand> *recorder = nullptr;
  MachineObserver *observer = nullptr;
  std::unordered_map<int32_t, int64_t> unwritten; ///< writes on their way, by row
};

} // namespace yoke::sim
