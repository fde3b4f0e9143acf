// Escapes of string literals, as Python's codec unicode_escape.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace yoke::chat {

/// What stands between the quotes, decoded; or what is wrong with it.
tl::expected<std::string, std::string> decodeStringLiteral(std::string_view text);

} // namespace yoke::chat
