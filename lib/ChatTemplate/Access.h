// Members, elements and slices of values, by the rules of the sandbox; iteration.
#pragma once

#include "ChatTemplate/Context.h"

namespace yoke::chat {

/// value.name: methods come before the members of a dict. Undefined when there is none. Errors: names that start with
/// two underscores; value is undefined.
Result<Value> getAttribute(Context &context, const Value &value, std::string_view name);

/// value[key]: elements come before methods. Undefined when there is none. Error: value is undefined.
Result<Value> getItem(Context &context, const Value &value, const Value &key);

/// value[start:stop:step]; none stands for a bound that is not given. Errors: not a string, list or tuple; wrong
/// bounds.
Result<Value> getSlice(Context &context, const Value &value, const Value &start, const Value &stop, const Value &step);

/// The items that a loop over the value sees: characters, elements, keys. Undefined has none. Error: not iterable.
Result<SequencePtr> iterate(Context &context, const Value &value);

/// len(value).
Result<int64_t> lengthOf(Context &context, const Value &value);

/// Follows a path such as `function.name` or `0.role`, as the parameter `attribute` of filters does. `absent` replaces
/// every member on the way that is undefined, unless it is null or none.
Result<Value> getPath(Context &context, Value value, const Value &path, const Value *absent = nullptr);

} // namespace yoke::chat
