// What becomes of the delimiters when a text is cut.
#pragma once

#include "Support/Json.h"
#include "Tokenizer/Pieces.h"
#include "Tokenizer/Regex.h"

#include <vector>

namespace yoke {

enum class SplitBehavior { Removed, Isolated, MergedWithPrevious, MergedWithNext, Contiguous };

Result<SplitBehavior> readSplitBehavior(const JsonObject &config, std::string_view key);

/// Appends the parts of `piece` to `out`. `stretches` cover the piece; those that match are the delimiters. The
/// contents of `stretches` are used up.
void appendSplit(const Piece &piece, std::vector<Stretch> &stretches, SplitBehavior behavior, std::vector<Piece> &out);

/// Stretches of one character each that `isDelimiter` accepts, and what lies between.
template <class IsDelimiter>
void cutAtCharacters(std::string_view text, IsDelimiter isDelimiter, std::vector<Stretch> &stretches) {
  stretches.clear();
  size_t previous = 0;
  for (size_t at = 0; at < text.size();) {
    size_t begin = at;
    if (!isDelimiter(nextCodePoint(text, at)))
      continue;
    if (previous < begin)
      stretches.push_back({previous, begin, false});
    stretches.push_back({begin, at, true});
    previous = at;
  }
  if (previous < text.size())
    stretches.push_back({previous, text.size(), false});
}

} // namespace yoke
