// What methods and filters do to strings. Marks survive; sizes are checked before memory is taken.
#pragma once

#include "ChatTemplate/Context.h"

namespace yoke::chat {

/// `characters`: the set to strip; null or none is white space.
Result<Value> stripText(Context &context, const MarkedText &text, bool left, bool right, const Value *characters);

/// At most `limit` splits; negative: all.
Result<Value> splitText(Context &context, const MarkedText &text, std::string_view separator, int64_t limit,
                        bool fromRight);
Result<Value> splitAtSpaces(Context &context, const MarkedText &text, int64_t limit, bool fromRight);
Result<std::vector<Value>> splitLines(Context &context, const MarkedText &text, bool keepEnds);

/// At most `limit` replacements; negative: all.
Result<Value> replaceText(Context &context, const MarkedText &text, std::string_view old, const MarkedText &with,
                          int64_t limit);

/// `convert`: items that are not strings are written as str does, else they are errors.
Result<Value> joinTexts(Context &context, const MarkedText &separator, const Value &items, bool convert);

/// The byte where the first or last occurrence starts, or npos.
Result<size_t> findFrom(Context &context, std::string_view text, std::string_view part, bool fromRight);

/// `fill` is one character. With both sides padded the text is centred as Python does.
Result<Value> padText(Context &context, const MarkedText &text, int64_t width, std::string_view fill, bool left,
                      bool right);

/// Whether there is a cased character and none of the wrong case.
bool allCased(std::string_view text, bool (*wrongCase)(char32_t));

} // namespace yoke::chat
