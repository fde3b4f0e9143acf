#include "ChatTemplate/MarkedText.h"

#include <algorithm>

namespace yoke::chat {

MarkedText::MarkedText(std::string text, bool isInput) : bytes(std::move(text)) {
  if (!bytes.empty())
    marks.push_back({bytes.size(), isInput});
}

size_t MarkedText::runAt(size_t position) const {
  auto after = [](size_t value, const Run &run) { return value < run.end; };
  return static_cast<size_t>(std::upper_bound(marks.begin(), marks.end(), position, after) - marks.begin());
}

bool MarkedText::isInputAt(size_t position) const { return marks[runAt(position)].isInput; }

void MarkedText::append(std::string_view text, bool isInput) {
  if (text.empty())
    return;
  bytes += text;
  if (!marks.empty() && marks.back().isInput == isInput)
    marks.back().end = bytes.size();
  else
    marks.push_back({bytes.size(), isInput});
}

void MarkedText::append(const MarkedText &text, size_t begin, size_t end) {
  for (size_t run = begin < end ? text.runAt(begin) : 0; begin < end; ++run) {
    size_t stop = std::min(end, text.marks[run].end);
    append(std::string_view(text.bytes).substr(begin, stop - begin), text.marks[run].isInput);
    begin = stop;
  }
}

MarkedText MarkedText::slice(size_t begin, size_t end) const {
  MarkedText part;
  part.append(*this, begin, end);
  return part;
}

} // namespace yoke::chat
