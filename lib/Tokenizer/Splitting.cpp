#include "Tokenizer/Splitting.h"

#include <algorithm>

namespace yoke {

Result<SplitBehavior> readSplitBehavior(const JsonObject &config, std::string_view key) {
  return static_cast<SplitBehavior>(
      YOKE_TRY(config.choice(key, {"Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"})));
}

/// Joins stretches in place. `joins(match, previousMatch)` tells whether a stretch extends the one before it;
/// `isMatch` of a joined stretch is that of its last part.
template <class Joins> static void join(std::vector<Stretch> &stretches, Joins joins) {
  size_t count = 0;
  bool previousMatch = false;
  for (const Stretch &s : stretches) {
    if (count && joins(s.isMatch, previousMatch)) {
      stretches[count - 1].begin = std::min(stretches[count - 1].begin, s.begin);
      stretches[count - 1].end = std::max(stretches[count - 1].end, s.end);
    } else {
      stretches[count++] = s;
    }
    previousMatch = s.isMatch;
  }
  stretches.resize(count);
}

void appendSplit(const Piece &piece, std::vector<Stretch> &stretches, SplitBehavior behavior, std::vector<Piece> &out) {
  auto delimiterJoins = [](bool match, bool previousMatch) { return match && !previousMatch; };
  switch (behavior) {
  case SplitBehavior::Removed:
    std::erase_if(stretches, [](const Stretch &s) { return s.isMatch; });
    break;
  case SplitBehavior::Isolated:
    break;
  case SplitBehavior::Contiguous:
    join(stretches, [](bool match, bool previousMatch) { return match == previousMatch; });
    break;
  case SplitBehavior::MergedWithPrevious:
    join(stretches, delimiterJoins);
    break;
  case SplitBehavior::MergedWithNext:
    std::reverse(stretches.begin(), stretches.end());
    join(stretches, delimiterJoins);
    std::reverse(stretches.begin(), stretches.end());
    break;
  }
  for (const Stretch &s : stretches)
    if (s.begin < s.end)
      out.push_back(slice(piece, s.begin, s.end));
}

} // namespace yoke
