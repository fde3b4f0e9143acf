// The names that the language knows: filters, tests, global functions, methods. Each lookup yields null for an unknown
// name. A builtin receives what it is applied to as `self`.
#pragma once

#include "ChatTemplate/Context.h"

#include <initializer_list>

namespace yoke::chat {

Builtin findFilter(std::string_view name);
/// A test yields a boolean.
Builtin findTest(std::string_view name);
/// `self` is none.
Builtin findGlobal(std::string_view name);
Builtin findTextMethod(std::string_view name);
Builtin findDictMethod(std::string_view name);
Builtin findSequenceMethod(std::string_view name);
/// Methods of `range`, `dict` and other globals have none; `loop` has `cycle`.
Builtin findLoopMethod(std::string_view name);

/// The values of the parameters `names`, null for those not given. Errors: unknown, repeated, too many arguments, or
/// one of the first `required` missing. The pointers refer to `arguments`.
Result<std::vector<const Value *>> bind(Context &context, std::string_view function, const Arguments &arguments,
                                        std::initializer_list<std::string_view> names, size_t required = 0);

/// An argument that must be an integer (or boolean); `absent` when null or none.
Result<int64_t> integerOr(Context &context, std::string_view function, const Value *argument, int64_t absent);
/// An argument that must be a string.
Result<const MarkedText *> textArgument(Context &context, std::string_view function, const Value &argument);
inline bool truthyOr(const Value *argument, bool absent) { return argument ? argument->truthy() : absent; }

struct NamedBuiltin {
  std::string_view name;
  Builtin function;
};
template <size_t N> Builtin findIn(const NamedBuiltin (&table)[N], std::string_view name) {
  for (const NamedBuiltin &entry : table)
    if (entry.name == name)
      return entry.function;
  return nullptr;
}

} // namespace yoke::chat
