// Showing untrusted bytes in a message.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace yoke {

/// `text` with control characters and bytes that are not valid UTF-8 written as \xNN, cut after about `limit` bytes
/// with "...": safe to print on one line of a terminal.
std::string printable(std::string_view text, size_t limit = 80);

/// printable(text) in double quotes, with quotes and backslashes escaped.
std::string quote(std::string_view text, size_t limit = 80);

/// Collects names for a message that shows the first few and counts the rest.
class NameList {
public:
  void add(std::string_view name);
  size_t size() const { return count; }
  bool empty() const { return count == 0; }
  /// `"a", "b", "c", "d", "e" and 7 more`.
  std::string text() const;

private:
  std::string shown;
  size_t count = 0;
};

/// Length in bytes of the valid UTF-8 sequence at the start of `text` (1 to 4), or 0 when there is none.
size_t utf8SequenceLength(std::string_view text);

/// Whether all of `text` is valid UTF-8 (no surrogates, no overlong forms).
bool isValidUtf8(std::string_view text);

} // namespace yoke
