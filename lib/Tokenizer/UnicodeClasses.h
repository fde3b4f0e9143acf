// Classes of code points as the PyPI package `tokenizers` sees them. The package takes them from several libraries with
// different Unicode versions; UnicodeTables.inc pins each (see make_unicode_tables.py).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace yoke {

bool isWhitespace(char32_t c);
/// Rust's `char::is_numeric`.
bool isNumeric(char32_t c);
/// ASCII punctuation, or general category P.
bool isPunctuation(char32_t c);
/// `\w` of Rust's `regex` crate.
bool isWord(char32_t c);
/// What BertNormalizer's clean_text removes.
bool isBertRemoved(char32_t c);
/// General category Mn.
bool isNonSpacingMark(char32_t c);
/// General category M.
bool isCombiningMark(char32_t c);
/// Code points that normalization forms leave alone though libutf8proc would change them.
bool isUnknownToNormalization(char32_t c);

/// The script by which the UnicodeScripts pre-tokenizer tells characters apart; 0 joins with any other.
uint8_t sentencePieceScript(char32_t c);

/// Lower case; the second is 0 unless the lower case has two code points.
std::pair<char32_t, char32_t> lowerCase(char32_t c);

/// Whether a grapheme cluster ends between two characters. `state` is 0 at the start of a text, and goes from call to
/// call.
bool graphemeBreaks(char32_t before, char32_t after, int32_t &state);

/// Sorted, disjoint, first and last inclusive.
using CodePointRanges = std::vector<std::pair<uint32_t, uint32_t>>;

/// The code points of a regular expression's `\p{name}` or `[:name:]`: general categories, scripts, and some others.
/// Case, spaces, '-' and '_' in the name do not matter. Empty for a name that is not pinned.
std::optional<CodePointRanges> regexProperty(std::string_view name);

} // namespace yoke
