#include "runtime/Constraint/Automaton.h"

#include <gtest/gtest.h>

#include <random>
#include <regex>

using namespace yoke;

namespace {

bool matches(const std::string &pattern, const std::string &text) {
  Result<PatternNode> node = parsePattern(pattern);
  EXPECT_TRUE(node) << pattern << ": " << (node ? "" : node.error().message);
  if (!node)
    return false;
  Automaton automaton = *Automaton::build(*node);
  Automaton::State state = Automaton::start;
  for (char byte : text)
    if ((state = *automaton.next(state, static_cast<uint8_t>(byte))) == Automaton::dead)
      return false;
  return automaton.accepts(state);
}

std::string randomPattern(std::mt19937 &random, int depth) {
  auto inner = [&] { return randomPattern(random, depth - 1); };
  switch (random() % (depth > 0 ? 9 : 4)) {
  case 0:
    return "a";
  case 1:
    return "[^ab]";
  case 2:
    return "[b-c]";
  case 3:
    return ".";
  case 4:
    return "(" + inner() + "|" + inner() + ")";
  case 5:
    return "(?:" + inner() + ")*";
  case 6:
    return "(" + inner() + "){1,2}";
  case 7:
    return "(?:" + inner() + ")?";
  default:
    return inner() + inner();
  }
}

std::string utf8(uint32_t point) {
  auto byte = [](uint32_t value) { return static_cast<char>(value); };
  if (point < 0x80)
    return {byte(point)};
  if (point < 0x800)
    return {byte(0xC0 | point >> 6), byte(0x80 | (point & 0x3F))};
  if (point < 0x10000)
    return {byte(0xE0 | point >> 12), byte(0x80 | (point >> 6 & 0x3F)), byte(0x80 | (point & 0x3F))};
  return {byte(0xF0 | point >> 18), byte(0x80 | (point >> 12 & 0x3F)), byte(0x80 | (point >> 6 & 0x3F)),
          byte(0x80 | (point & 0x3F))};
}

} // namespace

TEST(Automaton, AgreesWithTheStandardLibraryOnRandomPatterns) {
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    const std::string pattern = randomPattern(random, 4);
    const std::regex expected(pattern, std::regex::ECMAScript);
    for (int i = 0; i < 30; ++i) {
      std::string text;
      for (size_t length = random() % 6; text.size() < length;)
        text += "abcd"[random() % 4];
      EXPECT_EQ(matches(pattern, text), std::regex_match(text, expected)) << pattern << " on " << text;
    }
  }
}

TEST(Automaton, CharactersBeyondAscii) {
  EXPECT_TRUE(matches("[à-ÿ]+", "éü"));
  EXPECT_FALSE(matches("[à-ÿ]+", "\xC3"));
  EXPECT_FALSE(matches(".", "\xED\xA0\x80")); // a surrogate
  EXPECT_FALSE(matches(".", "\xC0\x80"));     // overlong
  EXPECT_FALSE(matches(".", "\n"));
  EXPECT_TRUE(matches("[^a]", "ß"));
  EXPECT_TRUE(matches("\\u00e9", "é"));
  EXPECT_TRUE(matches("[\\u4e00-\\u9fff]{2}", "東京"));
}

TEST(Automaton, EveryCodePointIsOneCharacter) {
  Automaton automaton = *Automaton::build(*parsePattern("."));
  for (uint32_t point = 0x20; point <= 0x10FFFF; point += 13) {
    if (point >= 0xD800 && point < 0xE000)
      continue;
    Automaton::State state = Automaton::start;
    for (char byte : utf8(point)) {
      ASSERT_NE(state, Automaton::dead) << point;
      state = *automaton.next(state, static_cast<uint8_t>(byte));
    }
    ASSERT_NE(state, Automaton::dead) << point;
    EXPECT_TRUE(automaton.accepts(state)) << point;
  }
}

TEST(Pattern, Syntax) {
  EXPECT_TRUE(matches("^ab$", "ab"));
  EXPECT_TRUE(matches("a{2,}?b", "aaab"));
  EXPECT_TRUE(matches("[]a]+", "]a"));
  EXPECT_TRUE(matches("[a-]+", "a-"));
  EXPECT_TRUE(matches("\\d\\w\\s\\.", "1_ ."));
  EXPECT_TRUE(matches("", ""));
  EXPECT_TRUE(matches("a|", ""));
  EXPECT_TRUE(matches(quotePattern("a.b*c\n[\"]\\"), "a.b*c\n[\"]\\"));
  EXPECT_TRUE(matches("\\x41\\0", std::string("A\0", 2)));
}

TEST(Pattern, WhatIsNotSupportedIsRefusedWithItsPlace) {
  for (const char *pattern : {"(",       ")",     "a)",       "[",     "[]",    "[^\\d\\D]", "*",    "a|*", "a{2,1}",
                              "a**",     "a+{2}", "a{10001}", "a{",    "a{x}",  "\\",        "\\b",  "\\1", "(?=a)",
                              "(?<n>a)", "a^b",   "a$b",      "[z-a]", "\\xg0", "\\ud800",   "\xFF", "\xC3"}) {
    Result<PatternNode> node = parsePattern(pattern);
    ASSERT_FALSE(node) << pattern;
    EXPECT_EQ(node.error().kind, ErrorKind::Malformed) << pattern;
    EXPECT_NE(node.error().message.find("offset"), std::string::npos) << pattern;
  }
  EXPECT_FALSE(parsePattern(std::string(300, '(') + std::string(300, ')')));
}

TEST(Automaton, HugePatternsAreRefused) {
  Result<PatternNode> node = parsePattern("((a{1000}){1000}){1000}");
  ASSERT_TRUE(node);
  EXPECT_FALSE(Automaton::build(*node));
}
