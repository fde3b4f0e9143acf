#include "runtime/StopMatcher.h"

#include <algorithm>
#include <utility>

namespace yoke {

StopMatcher::StopMatcher(std::vector<std::string> strings) : stops(std::move(strings)) {
  std::erase(stops, std::string());
}

std::string StopMatcher::append(std::string_view piece) {
  if (found)
    return {};
  pending += piece;
  size_t bestStart = std::string::npos, bestEnd = std::string::npos;
  for (const std::string &stop : stops) {
    size_t start = pending.find(stop);
    if (start == std::string::npos)
      continue;
    size_t end = start + stop.size();
    if (end < bestEnd || (end == bestEnd && start < bestStart)) {
      bestStart = start;
      bestEnd = end;
    }
  }
  if (bestStart != std::string::npos) {
    found = true;
    return std::exchange(pending, {}).substr(0, bestStart);
  }
  size_t certain = pending.size() - heldLength();
  std::string text = pending.substr(0, certain);
  pending.erase(0, certain);
  return text;
}

std::string StopMatcher::finish() { return std::exchange(pending, {}); }

/// Length of the longest end of `pending` that begins a stop string.
size_t StopMatcher::heldLength() const {
  size_t held = 0;
  for (const std::string &stop : stops)
    for (size_t length = std::min(stop.size() - 1, pending.size()); length > held; --length)
      if (pending.ends_with(std::string_view(stop).substr(0, length))) {
        held = length;
        break;
      }
  return held;
}

} // namespace yoke
