#include "ChatTemplate/Access.h"

#include "ChatTemplate/Builtins.h"
#include "ChatTemplate/Operators.h"
#include "ChatTemplate/Print.h"
#include "ChatTemplate/Unicode.h"
#include "Support/Text.h"

#include <algorithm>
#include <charconv>

namespace yoke::chat {
namespace {

std::string describeType(const Value &value) {
  return value.isNone() ? "None" : fmt::format("{} object", value.typeName());
}

Value noAttribute(const Value &value, std::string_view name) {
  return Value::undefined(fmt::format("'{}' has no attribute '{}'", describeType(value), printable(name)));
}

Result<Value> noElement(Context &context, const Value &value, const Value &key) {
  if (key.isText())
    return noAttribute(value, key.str());
  return Value::undefined(
      fmt::format("{} has no element {}", describeType(value), printable(YOKE_TRY(toRepr(context, key)).str())));
}

bool isMutator(const Value &value, std::string_view name) {
  static constexpr std::string_view ofDicts[] = {"clear", "pop", "popitem", "setdefault", "update"};
  static constexpr std::string_view ofLists[] = {"append", "clear",  "extend",  "insert",
                                                 "pop",    "remove", "reverse", "sort"};
  if (value.dict())
    return std::find(std::begin(ofDicts), std::end(ofDicts), name) != std::end(ofDicts);
  return value.sequence() && value.sequence()->kind == SequenceKind::List &&
         std::find(std::begin(ofLists), std::end(ofLists), name) != std::end(ofLists);
}

Builtin findMethod(const Value &value, std::string_view name) {
  if (value.isText())
    return findTextMethod(name);
  if (value.dict())
    return findDictMethod(name);
  if (value.sequence())
    return findSequenceMethod(name);
  return value.loop() ? findLoopMethod(name) : nullptr;
}

std::optional<Value> loopAttribute(const LoopState &loop, std::string_view name) {
  const std::vector<Value> &items = loop.items->items;
  const auto index = static_cast<int64_t>(loop.index), length = static_cast<int64_t>(items.size());
  if (name == "index")
    return index + 1;
  if (name == "index0")
    return index;
  if (name == "revindex")
    return length - index;
  if (name == "revindex0")
    return length - index - 1;
  if (name == "first")
    return index == 0;
  if (name == "last")
    return index + 1 == length;
  if (name == "length")
    return length;
  if (name == "depth")
    return int64_t(1);
  if (name == "depth0")
    return int64_t(0);
  if (name == "previtem")
    return index > 0 ? items[loop.index - 1] : Value::undefined("there is no previous item");
  if (name == "nextitem")
    return index + 1 < length ? items[loop.index + 1] : Value::undefined("there is no next item");
  return std::nullopt;
}

/// A method, or a member that is not an element.
Result<std::optional<Value>> findAttribute(Context &context, const Value &value, std::string_view name) {
  if (name.starts_with("__"))
    return context.error("access to attribute '{}' of '{}' object is unsafe", printable(name), value.typeName());
  if (const Namespace *space = value.space()) {
    const Value *member = space->members.member(name);
    return member ? std::optional(*member) : std::nullopt;
  }
  if (const LoopState *loop = value.loop())
    if (std::optional<Value> attribute = loopAttribute(*loop, name))
      return attribute;
  if (isMutator(value, name))
    return Value::undefined(fmt::format("access to attribute '{}' of '{}' object is unsafe", name, value.typeName()));
  if (const Callable *callable = value.callable(); callable && callable->macro && name == "name")
    return Value::text(callable->name);
  Builtin method = findMethod(value, name);
  if (!method)
    return std::nullopt;
  YOKE_TRY(context.charge(1));
  auto bound = std::make_shared<Callable>();
  bound->name = name;
  bound->builtin = method;
  bound->self = value;
  return Value(std::shared_ptr<const Callable>(std::move(bound)));
}

std::optional<size_t> elementIndex(const Value &key, size_t length) {
  auto index = key.asInteger();
  if (!index)
    return std::nullopt;
  auto count = static_cast<int64_t>(length);
  int64_t place = *index < 0 ? *index + count : *index;
  if (place < 0 || place >= count)
    return std::nullopt;
  return static_cast<size_t>(place);
}

bool isIndexable(const Sequence &sequence) {
  return sequence.kind == SequenceKind::List || sequence.kind == SequenceKind::Tuple ||
         sequence.kind == SequenceKind::Range;
}

Result<std::optional<Value>> findElement(Context &context, const Value &value, const Value &key) {
  if (const Dict *dict = value.dict()) {
    if (key.dict() || (key.sequence() && key.sequence()->kind != SequenceKind::Tuple))
      return std::nullopt;
    const Value *member = dict->find(YOKE_TRY(dictKey(context, key)));
    return member ? std::optional(*member) : std::nullopt;
  }
  if (const Sequence *sequence = value.sequence(); sequence && isIndexable(*sequence)) {
    std::optional<size_t> index = elementIndex(key, sequence->items.size());
    return index ? std::optional(sequence->items[*index]) : std::nullopt;
  }
  if (!value.isText() || !key.asInteger())
    return std::nullopt;
  const MarkedText &text = value.marked();
  YOKE_TRY(context.charge(static_cast<int64_t>(text.size() / 64)));
  std::optional<size_t> index = elementIndex(key, characterCount(text.str()));
  if (!index)
    return std::nullopt;
  size_t begin = byteOfCharacter(text.str(), *index);
  return Value(text.slice(begin, begin + utf8Length(text.str()[begin])));
}

struct SliceRange {
  int64_t start, count, step;
};

/// As Python's slice.indices.
SliceRange resolveSlice(std::optional<int64_t> start, std::optional<int64_t> stop, int64_t step, int64_t length) {
  int64_t lower = step > 0 ? 0 : -1, upper = step > 0 ? length : length - 1;
  auto place = [&](std::optional<int64_t> bound, int64_t absent) {
    if (!bound)
      return absent;
    return *bound < 0 ? std::max(*bound + length, lower) : std::min(*bound, upper);
  };
  int64_t first = place(start, step > 0 ? lower : upper);
  int64_t last = place(stop, step > 0 ? upper : lower);
  if (step > 0)
    return {first, last > first ? (last - first - 1) / step + 1 : 0, step};
  // -(step + 1) + 1 would overflow only for INT64_MIN, which acts as the next one does.
  int64_t magnitude = step == INT64_MIN ? INT64_MAX : -step;
  return {first, first > last ? (first - last - 1) / magnitude + 1 : 0, -magnitude};
}

Result<Value> sliceText(Context &context, const MarkedText &text, const SliceRange &range) {
  YOKE_TRY(context.chargeText(text.size()));
  std::string_view bytes = text.str();
  if (range.count == 0)
    return Value(MarkedText());
  if (range.step == 1) {
    size_t begin = byteOfCharacter(bytes, static_cast<size_t>(range.start));
    size_t length = byteOfCharacter(bytes.substr(begin), static_cast<size_t>(range.count));
    return Value(text.slice(begin, begin + length));
  }
  std::vector<size_t> starts;
  for (size_t position = 0; position < bytes.size(); position += utf8Length(bytes[position]))
    starts.push_back(position);
  MarkedText out;
  for (int64_t i = 0; i < range.count; ++i) {
    size_t begin = starts[static_cast<size_t>(range.start + i * range.step)];
    YOKE_TRY(context.append(out, text, begin, begin + utf8Length(bytes[begin])));
  }
  return Value(std::move(out));
}

bool isBound(const Value &bound) { return bound.isNone() || bound.asInteger(); }

} // namespace

Result<Value> getAttribute(Context &context, const Value &value, std::string_view name) {
  YOKE_TRY(requireDefined(context, value));
  if (std::optional<Value> attribute = YOKE_TRY(findAttribute(context, value, name)))
    return *std::move(attribute);
  if (const Dict *dict = value.dict())
    if (const Value *member = dict->member(name))
      return *member;
  return noAttribute(value, name);
}

Result<Value> getItem(Context &context, const Value &value, const Value &key) {
  YOKE_TRY(requireDefined(context, value));
  if (std::optional<Value> element = YOKE_TRY(findElement(context, value, key)))
    return *std::move(element);
  if (key.isText())
    if (std::optional<Value> attribute = YOKE_TRY(findAttribute(context, value, key.str())))
      return *std::move(attribute);
  return noElement(context, value, key);
}

Result<Value> getSlice(Context &context, const Value &value, const Value &start, const Value &stop, const Value &step) {
  YOKE_TRY(requireDefined(context, value));
  const Sequence *sequence = value.sequence();
  if (!value.isText() && !(sequence && isIndexable(*sequence)))
    return context.error("'{}' object has no slices", value.typeName());
  if (!isBound(start) || !isBound(stop) || !isBound(step))
    return context.error("slice indices must be integers or none");
  int64_t stride = step.asInteger().value_or(1);
  if (stride == 0)
    return context.error("slice step cannot be zero");
  int64_t length = YOKE_TRY(lengthOf(context, value));
  SliceRange range = resolveSlice(start.asInteger(), stop.asInteger(), stride, length);
  if (value.isText())
    return sliceText(context, value.marked(), range);
  YOKE_TRY(context.charge(range.count));
  std::vector<Value> items;
  for (int64_t i = 0; i < range.count; ++i)
    items.push_back(sequence->items[static_cast<size_t>(range.start + i * range.step)]);
  return context.makeSequence(std::move(items),
                              sequence->kind == SequenceKind::Tuple ? SequenceKind::Tuple : SequenceKind::List);
}

Result<SequencePtr> iterate(Context &context, const Value &value) {
  if (value.sequence())
    return std::get<SequencePtr>(value.variant());
  std::vector<Value> items;
  if (value.isText()) {
    const MarkedText &text = value.marked();
    YOKE_TRY(context.charge(4 * static_cast<int64_t>(text.size())));
    for (size_t begin = 0; begin < text.size();) {
      size_t end = begin + utf8Length(text.str()[begin]);
      items.push_back(text.slice(begin, end));
      begin = end;
    }
  } else if (const Dict *dict = value.dict()) {
    for (const auto &[key, member] : dict->entries)
      items.push_back(key);
  } else if (!value.isUndefined()) {
    return context.error("'{}' object is not iterable", value.typeName());
  }
  Value sequence = YOKE_TRY(context.makeSequence(std::move(items)));
  return std::get<SequencePtr>(sequence.variant());
}

Result<int64_t> lengthOf(Context &context, const Value &value) {
  if (value.isText()) {
    YOKE_TRY(context.charge(static_cast<int64_t>(value.str().size() / 64)));
    return static_cast<int64_t>(characterCount(value.str()));
  }
  if (const Sequence *sequence = value.sequence(); sequence && sequence->kind != SequenceKind::Iterator)
    return static_cast<int64_t>(sequence->items.size());
  if (const Dict *dict = value.dict())
    return static_cast<int64_t>(dict->entries.size());
  if (value.isUndefined())
    return 0;
  return context.error("object of type '{}' has no len()", value.typeName());
}

Result<Value> getPath(Context &context, Value value, const Value &path, const Value *absent) {
  const bool replaces = absent && !absent->isNone();
  if (!path.isText()) {
    value = YOKE_TRY(getItem(context, value, path));
    return replaces && value.isUndefined() ? *absent : value;
  }
  std::string_view rest = path.str();
  while (true) {
    size_t dot = rest.find('.');
    std::string_view part = rest.substr(0, dot);
    int64_t index = 0;
    auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), index);
    bool isIndex = error == std::errc() && end == part.data() + part.size() && part.front() != '-';
    value = YOKE_TRY(getItem(context, value, isIndex ? Value(index) : Value::text(part)));
    if (replaces && value.isUndefined())
      value = *absent;
    if (dot == rest.npos)
      return value;
    rest.remove_prefix(dot + 1);
  }
}

} // namespace yoke::chat
