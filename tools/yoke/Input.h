// Reading what users give: texts, prompts, lists of numbers.
#pragma once

#include "Support/Error.h"

#include <string>
#include <string_view>
#include <vector>

namespace yoke::cli {

/// The whole file, "-" is stdin. At most 1 GiB. Errors: Malformed, Resources.
Result<std::string> readText(const std::string &path);

/// "1,2,3", spaces allowed around numbers; at least one. `flag` names the option in messages. Error: Usage.
Result<std::vector<int64_t>> parseIntegers(std::string_view text, std::string_view flag);

/// parseIntegers with values of 32 bits.
Result<std::vector<int32_t>> parseTokenIds(std::string_view text, std::string_view flag);

} // namespace yoke::cli
