// Reads JSON from front to back without building a tree: for the vocabulary and the merges, which are most of a
// tokenizer.json.
#pragma once

#include "Support/Error.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace yoke {

/// A position in a text that is valid UTF-8. A function that returns false has found a fault, which `error` describes;
/// the cursor must not be used any further then.
class JsonCursor {
public:
  /// `source` names the input in messages. Offsets in messages count from `base`.
  JsonCursor(std::string_view text, std::string source, size_t base = 0)
      : text(text), source(std::move(source)), base(base) {}

  /// Consumes '{' or '['.
  bool open(char bracket);
  /// After `open`, and after each element: moves to the next element (consuming ','), or over the closing bracket.
  /// `more` tells which.
  bool next(char closing, bool &more);
  /// Reads a member's name and the ':'. The view is valid until the next string is read.
  bool key(std::string_view &name);
  /// Reads a string. The view is valid until the next string is read.
  bool string(std::string_view &value);
  /// Reads an integer from 0 to 2^31-1, written without fraction or exponent.
  bool id(int32_t &value);
  /// Reads a number as serde_json does: the digits as a 64-bit integer, scaled by a power of ten.
  bool number(double &value);
  /// Passes over one value and yields its text.
  bool skip(std::string_view &span);
  /// Whether only white space is left.
  bool atEnd();

  char peek();
  size_t position() const { return base + at; }

  /// `source: path: fault at byte N`.
  tl::unexpected<Error> error(std::string_view path) const;
  bool fail(const char *rule);

private:
  void skipSpace();
  bool skipString();
  bool skipNumber();
  bool decodeEscapes(std::string_view raw, std::string_view &value);

  std::string_view text;
  std::string source;
  std::string decoded;
  const char *fault = "";
  size_t at = 0;
  size_t base;
  bool first = false;
};

} // namespace yoke
