#include "runtime/StopMatcher.h"

#include <gtest/gtest.h>
#include <random>

namespace yoke {
namespace {

struct Outcome {
  std::string text;
  bool matched;
  bool operator==(const Outcome &) const = default;
};

Outcome feed(const std::vector<std::string> &stops, const std::vector<std::string> &pieces) {
  StopMatcher matcher(stops);
  std::string text;
  for (const std::string &piece : pieces)
    text += matcher.append(piece);
  text += matcher.finish();
  return {text, matcher.matched()};
}

TEST(StopMatcher, PassesTextWithoutStops) {
  StopMatcher matcher({});
  EXPECT_EQ(matcher.append("abc"), "abc");
  EXPECT_EQ(matcher.finish(), "");
  EXPECT_FALSE(matcher.matched());
}

TEST(StopMatcher, HoldsBackAPossibleBeginning) {
  StopMatcher matcher({"<end>"});
  EXPECT_EQ(matcher.append("a<e"), "a");
  EXPECT_EQ(matcher.append("n"), "");
  EXPECT_EQ(matcher.append("t"), "<ent");
  EXPECT_EQ(matcher.append("<end> more"), "");
  EXPECT_TRUE(matcher.matched());
  EXPECT_EQ(matcher.append("x"), "");
  EXPECT_EQ(matcher.finish(), "");
}

TEST(StopMatcher, GivesBackWhatWasHeldAtTheEnd) {
  StopMatcher matcher({"xyz"});
  EXPECT_EQ(matcher.append("abxy"), "ab");
  EXPECT_EQ(matcher.finish(), "xy");
  EXPECT_FALSE(matcher.matched());
}

TEST(StopMatcher, TheFirstToEndWins) {
  EXPECT_EQ(feed({"abc", "b"}, {"xabc"}), (Outcome{"xa", true}));
  EXPECT_EQ(feed({"bc", "abc"}, {"xabc"}), (Outcome{"x", true}));
  EXPECT_EQ(feed({""}, {"x"}), (Outcome{"x", false}));
  EXPECT_EQ(feed({"aab"}, {"aaab"}), (Outcome{"a", true}));
}

TEST(StopMatcher, DoesNotDependOnThePieces) {
  std::mt19937 random(1);
  for (int round = 0; round < 3000; ++round) {
    auto word = [&](int longest) {
      std::string text(random() % (longest + 1), ' ');
      for (char &c : text)
        c = static_cast<char>('a' + random() % 3);
      return text;
    };
    std::vector<std::string> stops;
    for (unsigned i = 0; i < 1 + random() % 4; ++i)
      stops.push_back(word(5));
    std::string text = word(30);
    std::vector<std::string> bytes, pieces;
    for (char c : text)
      bytes.emplace_back(1, c);
    for (size_t begin = 0; begin < text.size();) {
      size_t length = 1 + random() % 6;
      pieces.push_back(text.substr(begin, length));
      begin += length;
    }
    Outcome whole = feed(stops, {text});
    EXPECT_EQ(feed(stops, bytes), whole);
    EXPECT_EQ(feed(stops, pieces), whole);
    // The plain definition: the shortest beginning of the text that ends in a stop string.
    Outcome expected{text, false};
    for (size_t end = 1; end <= text.size() && !expected.matched; ++end)
      for (const std::string &stop : stops)
        if (!stop.empty() && text.substr(0, end).ends_with(stop)) {
          std::string before = text.substr(0, end - stop.size());
          if (!expected.matched || before.size() < expected.text.size())
            expected = {before, true};
        }
    EXPECT_EQ(whole, expected) << text;
  }
}

} // namespace
} // namespace yoke
