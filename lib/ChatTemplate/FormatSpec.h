// Writing one value into a field, for both ways of formatting.
#pragma once

#include "ChatTemplate/Context.h"

namespace yoke::chat {

constexpr int64_t MaxPrecision = 1000;

/// How one value is to be written.
struct FormatSpec {
  char32_t fill = ' ';
  char align = 0; ///< < > ^ = or 0: by type
  char sign = '-';
  bool alternate = false, grouped = false;
  int64_t width = 0;
  std::optional<int64_t> precision;
  char type = 0;
};

/// Reads a run of digits; a number that is too large becomes one that every limit refuses.
std::optional<int64_t> readNumber(std::string_view text, size_t &position);

/// Error: the type does not fit the value.
Status appendNumber(Context &context, MarkedText &out, const Value &value, FormatSpec spec);
Status appendText(Context &context, MarkedText &out, const MarkedText &text, const FormatSpec &spec);

} // namespace yoke::chat
