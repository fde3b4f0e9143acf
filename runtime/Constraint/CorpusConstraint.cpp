#include "runtime/Constraint/CorpusConstraint.h"

#include <algorithm>
#include <numeric>

namespace yoke {
namespace {

/// Sorts suffixes by their first `longest` tokens, by doubling (Manber and Myers, 1990).
std::vector<int32_t> sortSuffixes(const std::vector<int32_t> &tokens, int32_t longest) {
  const auto count = static_cast<int32_t>(tokens.size());
  std::vector<int32_t> suffixes(tokens.size()), ranks = tokens, next(tokens.size());
  std::iota(suffixes.begin(), suffixes.end(), 0);
  for (int32_t length = 1; length < longest; length *= 2) {
    auto key = [&](int32_t suffix) {
      return std::pair(ranks[suffix], suffix + length < count ? ranks[suffix + length] : INT32_MIN);
    };
    std::ranges::sort(suffixes, {}, key);
    int32_t rank = 0;
    for (int32_t i = 0; i < count; ++i) {
      rank += i > 0 && key(suffixes[i]) != key(suffixes[i - 1]);
      next[suffixes[i]] = rank;
    }
    std::swap(ranks, next);
    if (rank == count - 1) // all differ
      break;
  }
  return suffixes;
}

} // namespace

Result<std::unique_ptr<Constraint>> CorpusConstraint::create(std::string_view corpus, const Tokenizer &tokenizer,
                                                             std::string_view source) {
  std::vector<int32_t> documents;
  for (size_t begin = 0; begin < corpus.size();) {
    const size_t end = std::min(corpus.find('\n', begin), corpus.size());
    std::string_view line = corpus.substr(begin, end - begin);
    if (line.ends_with('\r'))
      line.remove_suffix(1);
    std::vector<int32_t> ids = YOKE_TRY(tokenizer.encode(line, /*addSpecialTokens=*/false, /*parseSpecial=*/false));
    if (!ids.empty()) {
      documents.insert(documents.end(), ids.begin(), ids.end());
      documents.push_back(-1);
    }
    begin = end + 1;
  }
  if (documents.empty())
    return malformed("{}: the corpus has no text", source);
  if (documents.size() > static_cast<size_t>(INT32_MAX))
    return malformed("{}: the corpus has more than {} tokens", source, INT32_MAX);
  return std::make_unique<CorpusConstraint>(std::move(documents));
}

CorpusConstraint::CorpusConstraint(std::vector<int32_t> documents)
    : tokens(std::move(documents)), suffixes(sortSuffixes(tokens, longest)) {
  states.push_back({0, static_cast<int32_t>(suffixes.size()), 0});
  numbers.emplace(states.front(), start);
  const int32_t largest = tokens.empty() ? -1 : std::ranges::max(tokens);
  words.assign(static_cast<size_t>(largest + 64) / 64, 0);
}

/// -1 beyond the document.
int32_t CorpusConstraint::tokenAt(int32_t suffix, int32_t depth) const {
  const auto place = static_cast<size_t>(suffixes[suffix]) + static_cast<size_t>(depth);
  return place < tokens.size() ? tokens[place] : -1;
}

/// Where the suffixes from `begin` on that go on with `token` end.
int32_t CorpusConstraint::endOf(const Interval &interval, int32_t begin, int32_t token) const {
  int32_t low = begin, high = interval.end;
  while (low < high) {
    const int32_t middle = low + (high - low) / 2;
    if (tokenAt(middle, interval.depth) <= token)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

Result<std::span<const uint64_t>> CorpusConstraint::allowed(State state) {
  const Interval interval = states[static_cast<size_t>(state)];
  std::ranges::fill(words, 0);
  if (interval.depth < longest)
    for (int32_t begin = interval.begin; begin < interval.end;) {
      const int32_t token = tokenAt(begin, interval.depth);
      if (token >= 0)
        words[static_cast<size_t>(token) / 64] |= uint64_t(1) << (token % 64);
      begin = endOf(interval, begin, token);
    }
  return std::span<const uint64_t>(words);
}

Constraint::State CorpusConstraint::next(State state, int32_t token) {
  const Interval interval = states[static_cast<size_t>(state)];
  const Interval narrowed{endOf(interval, interval.begin, token - 1), endOf(interval, interval.begin, token),
                          interval.depth + 1};
  auto [known, isNew] = numbers.emplace(narrowed, static_cast<State>(states.size()));
  if (isNew)
    states.push_back(narrowed);
  return known->second;
}

int64_t CorpusConstraint::occurrences(State state) const {
  return states[static_cast<size_t>(state)].end - states[static_cast<size_t>(state)].begin;
}

} // namespace yoke
