// Filters by what they work on; `findFilter` asks each table.
#pragma once

#include "ChatTemplate/Builtins.h"

namespace yoke::chat {

Builtin findTextFilter(std::string_view name);
Builtin findNumberFilter(std::string_view name);
Builtin findSequenceFilter(std::string_view name);
Builtin findSelectionFilter(std::string_view name);

} // namespace yoke::chat
