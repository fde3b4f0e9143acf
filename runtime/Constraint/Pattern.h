// Regular expressions as syntax trees.
#pragma once

#include "Support/Error.h"

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace yoke {

/// A node of a regular expression over code points.
struct PatternNode {
  enum class Kind { Set, Concat, Alternate, Repeat };
  static constexpr int32_t unlimited = -1;

  Kind kind = Kind::Concat;
  std::vector<std::pair<uint32_t, uint32_t>> ranges; ///< Set: inclusive, sorted, disjoint, without surrogates
  std::vector<PatternNode> children;
  int32_t least = 0, most = unlimited; ///< Repeat
};

/// Parses a regular expression that a whole text has to match: characters; `.` (all but line feed); classes such as
/// [a-z_], [^"], \d \D \w \W \s \S (of ASCII); escapes \n \t \r \f \v \0 \xHH \uHHHH and of punctuation; groups ( ),
/// (?: );
/// `|`; and * + ? {m} {m,} {m,n} (a following ? changes no language and is allowed). ^ at the beginning and $ at the
/// end mean nothing, since all must match. Errors (Malformed) name the offset: what is not supported (back references,
/// look-around, \b), unbalanced brackets, empty classes, repetitions above 10,000, nesting above 200.
Result<PatternNode> parsePattern(std::string_view pattern);

/// The pattern of exactly this text.
std::string quotePattern(std::string_view text);

} // namespace yoke
