// The checker against the timing core: random walks of commands, each at its first legal cycle, are accepted; the same
// command one cycle earlier is refused, and so are mutated traces.
#include "Helpers.h"

#include <random>

using namespace yoke;
using namespace yoke::sim;

namespace {

using K = CommandKind;

/// Chooses commands that the state of the rows allows.
class Walk {
public:
  Walk(const Target &target, uint32_t seed)
      : pim(target.pim ? &*target.pim : nullptr), rules(*target.memory, pim, CompositeEnd::AtLastComp), timing(rules),
        random(seed) {}

  Command next() {
    for (;;) {
      Command command = candidate();
      if (allowed(command))
        return command;
    }
  }

  int64_t earliest(const Command &command) const { return timing.earliest(command); }
  void issue(const Command &command, int64_t cycle) {
    timing.issue(command, cycle);
    if (command.kind == K::Header)
      header = command.row;
    if (command.kind == K::Gwrite)
      loaded = true;
    if (command.kind == K::Comp)
      computed = true;
    if (command.kind == K::ReadResult)
      computed = false;
    if (command.kind == K::Refresh)
      ++refreshes[command.bank / size_t(rules.banksPerRank)];
  }
  /// A rank whose refresh is due, or -1.
  int dueRank(int64_t cycle) const {
    for (size_t rank = 0; rank < size_t(rules.ranks); ++rank)
      if (refreshes[rank] < cycle / rules.t.REFI)
        return int(rank);
    return -1;
  }
  /// The next command towards refreshing `rank`.
  Command towardsRefresh(size_t rank) const {
    size_t first = rank * size_t(rules.banksPerRank);
    for (size_t bank = first; bank < first + size_t(rules.banksPerRank); ++bank) {
      if (timing.openRow(bank) >= 0)
        return {K::Precharge, uint8_t(bank), 1, -1, 0};
      if (timing.pimRow(bank) >= 0)
        return {K::PimPrecharge, uint8_t(bank), 1, -1, 0};
    }
    return {K::Refresh, uint8_t(first), 1, -1, 0};
  }

private:
  size_t below(size_t n) { return random() % n; }

  Command candidate() {
    size_t bank = below(size_t(rules.banks));
    int32_t row = int32_t(below(3));
    constexpr K kinds[] = {K::Activate,        K::Precharge,    K::Read,          K::Read,          K::Write,
                           K::Header,          K::Gwrite,       K::GroupActivate, K::Comp,          K::ReadResult,
                           K::CompsReadResult, K::PimPrecharge, K::GroupActivate, K::GroupActivate, K::GroupActivate,
                           K::PimPrechargeAll};
    K kind = kinds[below(pim ? std::size(kinds) : 5)];
    Command command{kind, uint8_t(bank), 1, row, 0};
    if (kind == K::Read || kind == K::Write || kind == K::Gwrite)
      command.row = timing.openRow(bank);
    if (kind == K::GroupActivate) {
      command.bank = uint8_t(bank - bank % size_t(rules.spanBanks));
      if (timing.pimRow(0) >= 0)
        command.row = timing.pimRow(0);
    }
    if (kind == K::Header && timing.pimRow(0) >= 0)
      command.row = timing.pimRow(0);
    if (kind == K::Comp || kind == K::ReadResult || kind == K::CompsReadResult) {
      command.bank = 0;
      command.row = header;
    }
    if (kind == K::CompsReadResult)
      command.count = uint16_t(1 + below(32));
    return command;
  }

  bool allowed(const Command &command) const {
    size_t bank = command.bank;
    switch (command.kind) {
    case K::Activate:
      return timing.openRow(bank) < 0 && timing.pimRow(bank) != command.row && (rules.dual || timing.pimRow(bank) < 0);
    case K::Precharge:
      return timing.openRow(bank) >= 0;
    case K::Read:
    case K::Write:
    case K::Gwrite:
      return command.row >= 0;
    case K::GroupActivate:
      for (size_t b = bank; b < bank + size_t(rules.spanBanks); ++b)
        if (timing.pimRow(b) >= 0 || timing.openRow(b) == command.row || (!rules.dual && timing.openRow(b) >= 0))
          return false;
      return true;
    case K::Comp:
    case K::ReadResult:
    case K::CompsReadResult:
      for (size_t b = 0; b < size_t(rules.banks); ++b)
        if (timing.pimRow(b) != command.row)
          return false;
      return loaded && command.row >= 0 && (command.kind != K::ReadResult || computed);
    case K::PimPrecharge:
      return timing.pimRow(bank) >= 0;
    case K::PimPrechargeAll:
      return pim->allBankPrecharge;
    default:
      return true;
    }
  }

  const PimTarget *pim;
  TimingRules rules;
  ChannelTiming timing;
  std::mt19937 random;
  int32_t header = -1;
  bool loaded = false, computed = false;
  std::array<int64_t, 64> refreshes = {};
};

std::vector<TimedCommand> walkTrace(const Target &target, uint32_t seed, size_t length, std::vector<size_t> *tight) {
  Walk walk(target, seed);
  std::vector<TimedCommand> trace;
  int64_t cycle = -1;
  while (trace.size() < length) {
    int due = walk.dueRank(cycle + 1);
    Command command = due >= 0 ? walk.towardsRefresh(size_t(due)) : walk.next();
    int64_t at = walk.earliest(command);
    if (tight && at > cycle + 1)
      tight->push_back(trace.size());
    walk.issue(command, at);
    trace.push_back({at, 0, command});
    cycle = at;
  }
  return trace;
}

const char *const walked[] = {"neupims", "npu-pim-newton", "npu-only", "aim-like"};

} // namespace

TEST(Legality, FirstLegalCyclesAreAccepted) {
  for (const char *name : walked)
    for (uint32_t seed = 0; seed < 4; ++seed)
      EXPECT_EQ(firstViolation(walkTrace(targetOf(name), seed, 4000, nullptr), targetOf(name)), "") << name << seed;
}

TEST(Legality, OneCycleEarlierIsRefused) {
  for (const char *name : walked) {
    Target target = targetOf(name);
    std::vector<size_t> tight;
    std::vector<TimedCommand> trace = walkTrace(target, 7, 1200, &tight);
    EXPECT_GT(tight.size(), 200u);
    for (size_t index : tight) {
      std::vector<TimedCommand> mutated(trace.begin(), trace.begin() + int64_t(index) + 1);
      --mutated.back().cycle;
      EXPECT_NE(firstViolation(mutated, target), "")
          << name << " " << commandName(mutated.back().command.kind) << " at " << trace[index].cycle;
    }
  }
}

TEST(Legality, MutatedTracesAreRefused) {
  for (const char *name : walked) {
    Target target = targetOf(name);
    std::vector<TimedCommand> trace = walkTrace(target, 11, 1500, nullptr);
    std::mt19937 random(5);
    for (int i = 0; i < 400; ++i) {
      std::vector<TimedCommand> mutated = trace;
      size_t index = random() % (mutated.size() - 100);
      Command &command = mutated[index].command;
      bool opens = command.kind == K::Activate || command.kind == K::GroupActivate;
      switch (random() % 4) {
      case 0: // a row is never opened, and then used or closed
        if (!opens || (target.pim && target.pim->allBankPrecharge))
          continue; // an all-bank precharge closes without complaint what was never open
        mutated.erase(mutated.begin() + int64_t(index));
        break;
      case 1: // two commands in one cycle
        mutated[index + 1].cycle = mutated[index].cycle;
        break;
      case 2: // another row than the open one
        if (command.kind != K::Read && command.kind != K::Write && command.kind != K::CompsReadResult)
          continue;
        command.row += 17;
        break;
      case 3: // a command twice
        if (!opens && command.kind != K::Precharge && command.kind != K::Refresh)
          continue;
        mutated.insert(mutated.begin() + int64_t(index), mutated[index]);
        ++mutated[index + 1].cycle;
        break;
      }
      EXPECT_NE(firstViolation(mutated, target), "") << name << " mutation " << i << " at " << index;
    }
  }
}

TEST(Legality, MissingRefreshesAreNoticed) {
  Target target = targetOf("npu-only");
  std::vector<TimedCommand> trace = walkTrace(target, 3, 4000, nullptr);
  size_t removed = 0;
  for (size_t i = 0; i < trace.size() / 2; ++i)
    if (trace[i].command.kind == K::Refresh) {
      std::vector<TimedCommand> mutated = trace;
      mutated.erase(mutated.begin() + int64_t(i));
      EXPECT_NE(firstViolation(mutated, target), "");
      ++removed;
    }
  EXPECT_GT(removed, 2u);
}

TEST(Legality, TracesSurviveText) {
  std::vector<TimedCommand> trace = walkTrace(targetOf("neupims"), 1, 500, nullptr);
  Result<std::vector<TimedCommand>> again = parseTrace(formatTrace(trace), "trace");
  ASSERT_TRUE(again);
  EXPECT_EQ(formatTrace(*again), formatTrace(trace));
  for (const char *bad :
       {"1 2", "x 0 ACT 0 0 0 1", "1 0 ACT 0 0 0 1 9", "1 0 FOO 0 0 0 1", "1 0 ACT 999 0 0 1", "-1 0 ACT 0 0 0 1"})
    EXPECT_FALSE(parseTrace(bad, "trace")) << bad;
}
