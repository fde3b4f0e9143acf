#include "runtime/Speculation/PromptLookup.h"

#include <algorithm>

namespace yoke {
namespace {

/// Depths are told apart as 1, 2 to 3, 4 and deeper.
constexpr int32_t depthClasses = 3;

int32_t depthClass(int32_t depth) { return depth == 1 ? 0 : depth <= 3 ? 1 : 2; }

uint64_t mix(uint64_t hash, int32_t token) {
  hash = (hash ^ static_cast<uint32_t>(token)) * 0x9E3779B97F4A7C15;
  return hash ^ (hash >> 29);
}

/// Hash of the `length` tokens before `end`.
uint64_t hashBefore(std::span<const int32_t> tokens, size_t end, size_t length) {
  uint64_t hash = length;
  for (size_t i = end - length; i < end; ++i)
    hash = mix(hash, tokens[i]);
  return hash;
}

} // namespace

int32_t PromptLookup::addKinds(AcceptanceModel &acceptance) {
  std::vector<float> priors;
  for (int32_t match = 1; match <= maxMatchLimit; ++match)
    for (int32_t depth = 0; depth < depthClasses; ++depth)
      priors.push_back(std::min(0.9f, 0.15f + 0.15f * static_cast<float>(match) + 0.15f * static_cast<float>(depth)));
  return acceptance.addKinds(priors);
}

int32_t PromptLookup::kind(int32_t match, int32_t depth) const {
  return firstKind + (match - 1) * depthClasses + depthClass(depth);
}

void PromptLookup::index(std::span<const int32_t> history) {
  // The last token has nothing after it yet.
  for (; indexed + 1 < history.size(); ++indexed)
    for (int32_t length = 1; length <= options.maxMatch && static_cast<size_t>(length) <= indexed + 1; ++length)
      places[length - 1].emplace(hashBefore(history, indexed + 1, length), static_cast<uint32_t>(indexed + 1));
}

void PromptLookup::draft(std::span<const int32_t> history, const DraftLimits &limits, DraftTree &tree) {
  index(history);
  for (int32_t match = std::min<int32_t>(options.maxMatch, static_cast<int32_t>(history.size())); match >= 1; --match) {
    const auto &table = places[match - 1];
    const auto found = table.find(hashBefore(history, history.size(), match));
    if (found == table.end())
      continue;
    DraftLimits copied = limits;
    copied.depth = std::min(limits.depth, options.copied);
    expandBestFirst(tree, acceptance, copied, static_cast<size_t>(found->second),
                    [&](size_t place, int32_t depth, auto &&emit) {
                      if (place < history.size())
                        emit(history[place], kind(match, depth), place + 1);
                    });
    return;
  }
}

} // namespace yoke
