#include "runtime/Constraint/PatternConstraint.h"

#include "Support/File.h"

#include <gtest/gtest.h>

#include <algorithm>

using namespace yoke;

namespace {

Tokenizer bundledTokenizer() {
  const std::string path = std::string(YOKE_SOURCE_DIR) + "/examples/checkpoint/tokenizer.json";
  return std::move(*Tokenizer::load(*readFile(path, size_t(1) << 26), path));
}

bool contains(std::span<const uint64_t> words, int32_t token) {
  return words[static_cast<size_t>(token) / 64] >> (token % 64) & 1;
}

Automaton::State walk(Automaton &automaton, Automaton::State state, std::string_view bytes) {
  for (char byte : bytes)
    if (state != Automaton::dead)
      state = *automaton.next(state, static_cast<uint8_t>(byte));
  return state;
}

} // namespace

TEST(TokenBytes, AddUpToTheText) {
  const Tokenizer tokenizer = bundledTokenizer();
  const TokenBytes vocabulary(tokenizer);
  for (const std::string text : {"The king said, \"no\".", "naïve 東京 😀 café", "a\n\n  b\t"}) {
    std::string joined;
    const std::vector<int32_t> ids = *tokenizer.encode(text, false);
    for (int32_t id : ids)
      joined += vocabulary.bytes(id);
    EXPECT_EQ(joined, text);
  }
}

TEST(PatternConstraint, AllowsExactlyTheTokensThatCanGoOn) {
  const Tokenizer tokenizer = bundledTokenizer();
  const TokenBytes vocabulary(tokenizer);
  const std::string pattern = "(the|then|there) [a-z]{2,5}é?";
  std::unique_ptr<Constraint> constraint = std::move(*PatternConstraint::create(pattern, tokenizer));
  Automaton automaton = *Automaton::build(*parsePattern(pattern));
  Constraint::State state = Constraint::start;
  Automaton::State expected = Automaton::start;
  const std::vector<int32_t> ids = *tokenizer.encode("there abcdé", false);
  for (int32_t chosen : ids) {
    std::span<const uint64_t> words = *constraint->allowed(state);
    for (const TokenBytes::Entry &entry : vocabulary.entries())
      ASSERT_EQ(contains(words, entry.token), walk(automaton, expected, entry.bytes) != Automaton::dead) << entry.bytes;
    ASSERT_TRUE(contains(words, chosen));
    state = constraint->next(state, chosen);
    expected = walk(automaton, expected, vocabulary.bytes(chosen));
  }
  EXPECT_TRUE(constraint->mayEnd(state));
}

TEST(PatternConstraint, MasksLogits) {
  const Tokenizer tokenizer = bundledTokenizer();
  std::unique_ptr<Constraint> constraint = std::move(*PatternConstraint::create("a?", tokenizer));
  const int32_t a = *tokenizer.tokenToId("a"), end = 1;
  std::vector<float> logits(4096, 0.5F);
  EXPECT_TRUE(*maskLogits(*constraint, Constraint::start, logits, std::vector{end}));
  for (int32_t token = 0; token < 4096; ++token)
    EXPECT_EQ(logits[static_cast<size_t>(token)] == 0.5F, token == a || token == end) << token;
  const Constraint::State after = constraint->next(Constraint::start, a);
  std::ranges::fill(logits, 0.5F);
  EXPECT_FALSE(*maskLogits(*constraint, after, logits, {}));
  EXPECT_TRUE(constraint->mayEnd(after));
}
