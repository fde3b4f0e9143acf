// JSON data to values of the language.
#pragma once

#include "ChatTemplate/Context.h"

namespace yoke::chat {

/// The variables of a rendering, marked as ChatTemplate::render says. `name` names the template in messages.
Result<Dict> readVariables(const OrderedJson &variables, std::string_view name);
Result<Dict> readVariables(const Json &variables, std::string_view name);

} // namespace yoke::chat
