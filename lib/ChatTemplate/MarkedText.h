// A string of valid UTF-8 that knows which of its bytes stem from untrusted data.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace yoke::chat {

class MarkedText {
public:
  /// Bytes up to `end` from where the previous run ends. Neighbouring runs differ in `isInput`; none is empty.
  struct Run {
    size_t end;
    bool isInput;
  };

  MarkedText() = default;
  MarkedText(std::string text, bool isInput);

  const std::string &str() const { return bytes; }
  size_t size() const { return bytes.size(); }
  bool empty() const { return bytes.empty(); }
  const std::vector<Run> &runs() const { return marks; }
  bool isInputAt(size_t position) const;

  void append(std::string_view text, bool isInput);
  void append(const MarkedText &text) { append(text, 0, text.size()); }
  void append(const MarkedText &text, size_t begin, size_t end);
  MarkedText slice(size_t begin, size_t end) const;

private:
  size_t runAt(size_t position) const;

  std::string bytes;
  std::vector<Run> marks;
};

} // namespace yoke::chat
