// Values as text: as Python's str, repr and json.dumps write them. Characters of input text keep their mark.
#pragma once

#include "ChatTemplate/Context.h"

namespace yoke::chat {

/// str(value); undefined is empty.
Result<TextPtr> toText(Context &context, const Value &value);
Result<MarkedText> toRepr(Context &context, const Value &value);
/// Python's repr of a float.
std::string floatText(double value);

struct JsonStyle {
  bool ensureAscii = false;
  std::optional<MarkedText> indent; ///< of one level; none: all on one line
  std::string itemSeparator = ", ", keySeparator = ": ";
  bool sortKeys = false;
};
Result<MarkedText> toJson(Context &context, const Value &value, const JsonStyle &style);

} // namespace yoke::chat
