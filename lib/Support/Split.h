// Lists that users write.
#pragma once

#include <string_view>
#include <vector>

namespace yoke {

/// The parts between commas, empty ones included: one more than there are commas.
inline std::vector<std::string_view> splitAtCommas(std::string_view text) {
  std::vector<std::string_view> parts;
  for (;;) {
    size_t comma = text.find(',');
    parts.push_back(text.substr(0, comma));
    if (comma == std::string_view::npos)
      return parts;
    text.remove_prefix(comma + 1);
  }
}

} // namespace yoke
