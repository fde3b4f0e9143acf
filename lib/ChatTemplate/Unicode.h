// Characters of valid UTF-8 as Python's str sees them.
#pragma once

#include "ChatTemplate/MarkedText.h"
#include "Tokenizer/Utf8.h"

#include <cstdint>
#include <functional>

namespace yoke::chat {

/// Like text.find(part, from), but linear in time.
size_t findText(std::string_view text, std::string_view part, size_t from);

size_t characterCount(std::string_view text);
/// The byte at which the character of this index starts; the end for indices behind it.
size_t byteOfCharacter(std::string_view text, size_t index);

/// str.isspace of one character.
bool isSpace(char32_t c);
bool isUpper(char32_t c);
bool isLower(char32_t c);
/// Upper, lower or title case.
bool isCased(char32_t c);
bool isAlpha(char32_t c);
bool isDecimal(char32_t c);
bool isPrintable(char32_t c);
/// str.isidentifier of a whole name.
bool isIdentifier(std::string_view text);

/// The part without characters that satisfy `drop` at the wanted ends.
MarkedText strip(const MarkedText &text, bool left, bool right, const std::function<bool(char32_t)> &drop);

/// str.upper and friends; every character keeps its mark.
MarkedText toUpper(const MarkedText &text);
MarkedText toLower(const MarkedText &text);
MarkedText toTitle(const MarkedText &text);
MarkedText swapCase(const MarkedText &text);
MarkedText capitalize(const MarkedText &text);
/// The filter `title`: words start after spaces, hyphens and opening brackets only.
MarkedText titleWords(const MarkedText &text);

} // namespace yoke::chat
