// One rendering: its budgets, the place of its errors, and what it owns.
#pragma once

#include "ChatTemplate/ChatTemplate.h"
#include "ChatTemplate/Value.h"

#include <deque>

namespace yoke::chat {

/// Nesting of lists and dicts in one another.
constexpr int MaxValueDepth = 100;

class Context {
public:
  Context(const ChatTemplateLimits &limits, std::string_view name) : bounds(limits), templateName(name) {}

  const ChatTemplateLimits &limits() const { return bounds; }

  /// The line that errors name.
  int line = 1;

  template <class... Args>
  [[nodiscard]] tl::unexpected<Error> error(fmt::format_string<Args...> format, Args &&...args) const {
    return malformed("{}: line {}: {}", templateName, line, fmt::format(format, std::forward<Args>(args)...));
  }

  Status charge(int64_t steps) {
    stepsTaken += steps;
    return stepsTaken > bounds.steps ? stepsExceeded() : Status();
  }

  /// To be called before a string of `bytes` is made.
  Status chargeText(size_t bytes);
  /// out += text, within the limits.
  Status append(MarkedText &out, const MarkedText &text) { return append(out, text, 0, text.size()); }
  Status append(MarkedText &out, const MarkedText &text, size_t begin, size_t end);
  Status append(MarkedText &out, std::string_view text, bool isInput = false);

  Result<Value> makeSequence(std::vector<Value> items, SequenceKind kind = SequenceKind::List);
  Result<Value> makeDict(Dict dict);
  /// Lives as long as the rendering.
  Result<Value> makeNamespace();

private:
  Status stepsExceeded() const;
  Result<int> depthOver(int deepest) const;

  const ChatTemplateLimits &bounds;
  std::string_view templateName;
  int64_t stepsTaken = 0;
  std::deque<Namespace> namespaces;
};

} // namespace yoke::chat
