#include "Tokenizer/UnicodeForms.h"

#include "Tokenizer/UnicodeClasses.h"
#include "Tokenizer/Utf8.h"

#include <algorithm>
#include <utf8proc.h>
#include <vector>

namespace yoke {
namespace {

int combiningClass(utf8proc_int32_t c) { return c < 0x300 ? 0 : utf8proc_get_property(c)->combining_class; }

/// Collects the decomposition of a stretch of text, and writes it out in canonical order, composed when asked.
/// libutf8proc's own ordering takes quadratic time on long runs of marks.
class Stretcher {
public:
  Stretcher(std::string &out, UnicodeForm form)
      : out(out), compose(form == UnicodeForm::NFC || form == UnicodeForm::NFKC),
        options(static_cast<utf8proc_option_t>(
            UTF8PROC_STABLE | UTF8PROC_DECOMPOSE |
            (form == UnicodeForm::NFKC || form == UnicodeForm::NFKD ? UTF8PROC_COMPAT : 0))) {}

  void add(char32_t c) {
    utf8proc_int32_t buffer[64];
    int boundary = 0;
    auto count = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(c), buffer, 64, options, &boundary);
    points.insert(points.end(), buffer, buffer + std::clamp<utf8proc_ssize_t>(count, 0, 64));
  }

  void flush() {
    for (size_t i = 0; i < points.size();) {
      size_t end = i;
      while (end < points.size() && combiningClass(points[end]) != 0)
        ++end;
      if (end - i > 1)
        orderMarks(i, end);
      i = end + 1;
    }
    auto count = static_cast<utf8proc_ssize_t>(points.size());
    if (compose)
      count = utf8proc_normalize_utf32(points.data(), count,
                                       static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
    for (utf8proc_ssize_t i = 0; i < count; ++i)
      appendCodePoint(out, static_cast<char32_t>(points[static_cast<size_t>(i)]));
    points.clear();
  }

private:
  /// Sorts points[begin, end) by combining class; equal classes keep their order.
  void orderMarks(size_t begin, size_t end) {
    marks.clear();
    for (size_t i = begin; i < end; ++i)
      marks.emplace_back(static_cast<uint64_t>(combiningClass(points[i])) << 48 | i, points[i]);
    std::sort(marks.begin(), marks.end());
    for (size_t i = begin; i < end; ++i)
      points[i] = marks[i - begin].second;
  }

  std::string &out;
  bool compose;
  utf8proc_option_t options;
  std::vector<utf8proc_int32_t> points;
  std::vector<std::pair<uint64_t, utf8proc_int32_t>> marks;
};

} // namespace

std::string normalizeUnicode(std::string_view text, UnicodeForm form) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  Stretcher stretcher(out, form);
  for (size_t i = 0; i < text.size();) {
    size_t plain = i;
    while (plain < text.size() && static_cast<unsigned char>(text[plain]) < 0x80)
      ++plain;
    // The last ASCII character may compose with what follows.
    size_t whole = plain == text.size() || plain == i ? plain : plain - 1;
    if (whole > i) {
      stretcher.flush();
      out.append(text.substr(i, whole - i));
      i = whole;
      continue;
    }
    char32_t c = nextCodePoint(text, i);
    if (isUnknownToNormalization(c)) {
      stretcher.flush();
      appendCodePoint(out, c);
    } else {
      stretcher.add(c);
    }
  }
  stretcher.flush();
  return out;
}

} // namespace yoke
