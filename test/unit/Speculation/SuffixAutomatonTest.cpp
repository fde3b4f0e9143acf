#include "runtime/Speculation/SuffixAutomaton.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <map>
#include <random>
#include <set>

namespace yoke {
namespace {

/// Length of the longest suffix that occurs earlier in `text`, by trying all.
int32_t longestRepeatedSuffix(const std::vector<int32_t> &text) {
  for (size_t length = text.size() - 1; length > 0; --length)
    for (size_t start = 0; start + length < text.size(); ++start)
      if (std::equal(text.end() - length, text.end(), text.begin() + start))
        return static_cast<int32_t>(length);
  return 0;
}

TEST(SuffixAutomaton, FindsTheLongestRepeatedSuffixAndWhatFollowsIt) {
  std::mt19937 random(7);
  for (int run = 0; run < 60; ++run) {
    const int32_t alphabet = 1 + static_cast<int32_t>(random() % 5);
    SuffixAutomaton automaton;
    std::vector<int32_t> text;
    for (int i = 0; i < 60; ++i) {
      text.push_back(static_cast<int32_t>(random() % alphabet));
      automaton.append(text.back());
      const int32_t length = longestRepeatedSuffix(text), state = automaton.suffix();
      ASSERT_EQ(automaton.length(state), length);
      std::map<int32_t, int32_t> followers;
      for (size_t start = 0; start + length < text.size(); ++start)
        if (std::equal(text.end() - length, text.end(), text.begin() + start))
          ++followers[text[start + length]];
      if (length == 0)
        continue;
      std::map<int32_t, int32_t> found;
      for (int32_t e = automaton.firstEdge(state); e >= 0; e = automaton.edge(e).next)
        found[automaton.edge(e).token] = automaton.occurrences(automaton.edge(e).target);
      ASSERT_EQ(found.size(), followers.size());
      for (const auto &[token, count] : followers) {
        ASSERT_TRUE(found.contains(token));
        if (alphabet > 1)
          EXPECT_EQ(found[token], count);
        else
          EXPECT_LE(found[token], count);
      }
    }
    EXPECT_LE(automaton.stateCount(), 2 * text.size());
  }
}

TEST(SuffixAutomaton, LongRepetitionIsQuick) {
  SuffixAutomaton automaton;
  for (int i = 0; i < 200000; ++i)
    automaton.append(i % 3);
  EXPECT_EQ(automaton.length(automaton.suffix()), 200000 - 3);
}

} // namespace
} // namespace yoke
