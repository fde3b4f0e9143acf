#include "runtime/Constraint/CorpusConstraint.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

using namespace yoke;

namespace {

using Document = std::vector<int32_t>;

std::set<int32_t> allowedTokens(Constraint &constraint, Constraint::State state) {
  std::set<int32_t> tokens;
  std::span<const uint64_t> words = *constraint.allowed(state);
  for (size_t i = 0; i < words.size() * 64; ++i)
    if (words[i / 64] >> (i % 64) & 1)
      tokens.insert(static_cast<int32_t>(i));
  return tokens;
}

/// What follows the text somewhere, and how often the text occurs, by looking everywhere.
std::pair<std::set<int32_t>, int64_t> lookEverywhere(const std::vector<Document> &documents, const Document &text) {
  std::set<int32_t> following;
  int64_t count = 0;
  for (const Document &document : documents)
    for (size_t at = 0; at + text.size() <= document.size(); ++at)
      if (std::equal(text.begin(), text.end(), document.begin() + static_cast<ptrdiff_t>(at))) {
        ++count;
        if (at + text.size() < document.size())
          following.insert(document[at + text.size()]);
      }
  return {following, count};
}

} // namespace

TEST(CorpusConstraint, OnlyEverEmitsPartsOfDocuments) {
  std::mt19937 random(3);
  for (int round = 0; round < 40; ++round) {
    std::vector<Document> documents(1 + random() % 5);
    Document joined;
    for (Document &document : documents) {
      document.resize(1 + random() % 40);
      for (int32_t &token : document)
        token = static_cast<int32_t>(random() % 5) * 17;
      joined.insert(joined.end(), document.begin(), document.end());
      joined.push_back(-1);
    }
    CorpusConstraint constraint(joined);
    EXPECT_FALSE(constraint.mayEnd(Constraint::start));
    for (int walk = 0; walk < 20; ++walk) {
      Document text;
      Constraint::State state = Constraint::start;
      while (true) {
        auto [expected, count] = lookEverywhere(documents, text);
        ASSERT_EQ(allowedTokens(constraint, state), expected);
        if (!text.empty()) {
          EXPECT_EQ(constraint.occurrences(state), count);
          EXPECT_TRUE(constraint.mayEnd(state));
        }
        if (expected.empty())
          break;
        auto chosen = expected.begin();
        std::advance(chosen, random() % expected.size());
        state = constraint.next(state, *chosen);
        text.push_back(*chosen);
      }
    }
  }
}

TEST(CorpusConstraint, StatesAreTheSameForTheSameText) {
  CorpusConstraint constraint({1, 2, 3, -1, 1, 2, 4, -1});
  const Constraint::State one = constraint.next(Constraint::start, 1);
  EXPECT_EQ(one, constraint.next(Constraint::start, 1));
  EXPECT_EQ(allowedTokens(constraint, constraint.next(one, 2)), (std::set<int32_t>{3, 4}));
}

TEST(CorpusConstraint, TextsEndAtTheLongestLength) {
  Document repeated(1000, 7);
  repeated.push_back(-1);
  CorpusConstraint constraint(repeated);
  Constraint::State state = Constraint::start;
  for (int32_t i = 0; i < CorpusConstraint::longest; ++i) {
    ASSERT_EQ(allowedTokens(constraint, state), (std::set<int32_t>{7}));
    state = constraint.next(state, 7);
  }
  EXPECT_TRUE(allowedTokens(constraint, state).empty());
}
