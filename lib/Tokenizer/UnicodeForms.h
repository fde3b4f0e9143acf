// The four Unicode normalization forms, in time n log n for any text.
#pragma once

#include <string>
#include <string_view>

namespace yoke {

enum class UnicodeForm { NFC, NFD, NFKC, NFKD };

/// `text` is valid UTF-8.
std::string normalizeUnicode(std::string_view text, UnicodeForm form);

} // namespace yoke
