#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace yoke {

/// Finds stop strings in text that arrives in pieces. Text that may still turn into a stop string is held back.
/// The result does not depend on how the text is cut: the stop string that ends first wins, the longest of those.
class StopMatcher {
public:
  /// Empty stop strings are ignored.
  explicit StopMatcher(std::vector<std::string> stops);

  /// Adds a piece; returns the text that is now certain to come before any stop string. After a match, always empty.
  std::string append(std::string_view piece);
  /// The end of the text: returns what was held back.
  std::string finish();
  bool matched() const { return found; }

private:
  size_t heldLength() const;

  std::vector<std::string> stops;
  std::string pending;
  bool found = false;
};

} // namespace yoke
