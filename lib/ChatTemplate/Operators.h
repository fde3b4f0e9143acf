// The operators of expressions, with Python's meaning. Errors name the operand types; all work is charged.
#pragma once

#include "ChatTemplate/Context.h"

namespace yoke::chat {

enum class Arithmetic { Add, Subtract, Multiply, Divide, FloorDivide, Modulo, Power };
enum class Comparison { Equal, NotEqual, Less, LessEqual, Greater, GreaterEqual, In, NotIn };

Result<Value> arithmetic(Context &context, Arithmetic op, const Value &left, const Value &right);
Result<Value> negate(Context &context, const Value &operand, bool minus);

Result<bool> equals(Context &context, const Value &left, const Value &right);
/// Negative, zero or positive; nullopt when a NaN takes part. Error: the types have no order.
Result<std::optional<int>> order(Context &context, const Value &left, const Value &right, std::string_view op = "<");
Result<bool> contains(Context &context, const Value &container, const Value &item);
Result<bool> compare(Context &context, Comparison op, const Value &left, const Value &right);

/// The form under which a dict finds a key. Error: lists and dicts cannot be keys.
Result<std::string> dictKey(Context &context, const Value &key);

/// An error for an operand that is undefined.
Status requireDefined(Context &context, const Value &value);

} // namespace yoke::chat
