#include "Input.h"

#include "Support/File.h"
#include "Support/Text.h"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <limits>
#include <unistd.h>

namespace yoke::cli {
namespace {

constexpr size_t maxTextBytes = size_t(1) << 30;

Result<std::string> readStdin() {
  std::string text;
  char buffer[1 << 16];
  while (true) {
    ssize_t count = read(0, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return failed("cannot read standard input: {}", std::strerror(errno));
    if (count == 0)
      return text;
    if (text.size() + static_cast<size_t>(count) > maxTextBytes)
      return malformed("standard input: longer than {} bytes", maxTextBytes);
    text.append(buffer, static_cast<size_t>(count));
  }
}

std::string_view trimmed(std::string_view text) {
  size_t first = text.find_first_not_of(" \t\n\r");
  if (first == std::string_view::npos)
    return {};
  return text.substr(first, text.find_last_not_of(" \t\n\r") + 1 - first);
}

} // namespace

Result<std::string> readText(const std::string &path) {
  return path == "-" ? readStdin() : readFile(path, maxTextBytes);
}

Result<std::vector<int64_t>> parseIntegers(std::string_view text, std::string_view flag) {
  std::vector<int64_t> values;
  for (std::string_view rest = text;;) {
    size_t comma = rest.find(',');
    std::string_view item = trimmed(rest.substr(0, comma));
    int64_t value = 0;
    auto [end, error] = std::from_chars(item.data(), item.data() + item.size(), value);
    if (error != std::errc() || end != item.data() + item.size())
      return usageError("{}: expected integers separated by commas, found {}", flag, quote(item));
    values.push_back(value);
    if (comma == std::string_view::npos)
      return values;
    rest.remove_prefix(comma + 1);
  }
}

Result<std::vector<int32_t>> parseTokenIds(std::string_view text, std::string_view flag) {
  std::vector<int32_t> ids;
  for (int64_t value : YOKE_TRY(parseIntegers(text, flag))) {
    if (value < std::numeric_limits<int32_t>::min() || value > std::numeric_limits<int32_t>::max())
      return malformed("{}: token id {} does not fit 32 bits", flag, value);
    ids.push_back(static_cast<int32_t>(value));
  }
  return ids;
}

} // namespace yoke::cli
