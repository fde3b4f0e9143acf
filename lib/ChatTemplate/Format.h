// Python's two ways of formatting strings.
#pragma once

#include "ChatTemplate/Context.h"

namespace yoke::chat {

/// format % operand: a tuple gives several arguments, a dict those of %(name)s. Conversions s r d i u x X o f F e E g G
/// c, with flags, width and precision.
Result<Value> formatPercent(Context &context, const MarkedText &format, const Value &operand);

/// format.format(arguments): {} {0} {name} {0.name[key]}, with conversions !s !r and format specifications.
Result<Value> formatBraces(Context &context, const MarkedText &format, const Arguments &arguments);

} // namespace yoke::chat
