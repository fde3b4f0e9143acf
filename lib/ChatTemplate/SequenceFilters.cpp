// Filters over sequences and dicts that need no other filter or test.
#include "ChatTemplate/Access.h"
#include "ChatTemplate/Filters.h"
#include "ChatTemplate/Operators.h"
#include "ChatTemplate/TextOperations.h"
#include "ChatTemplate/Unicode.h"

#include <algorithm>
#include <bit>
#include <unordered_set>

namespace yoke::chat {
namespace {

/// What `sort`, `unique`, `min` and `max` compare: the member `attribute`, in lower case unless case matters.
Result<Value> sortKey(Context &context, Value item, const Value *attribute, bool caseSensitive) {
  if (attribute && !attribute->isNone())
    item = YOKE_TRY(getPath(context, std::move(item), *attribute));
  if (caseSensitive || !item.isText())
    return item;
  YOKE_TRY(context.chargeText(item.str().size()));
  return Value(toLower(item.marked()));
}

/// A stable sort that stops at the first error; std::sort cannot.
Result<std::vector<size_t>> sortedOrder(Context &context, const std::vector<Value> &keys, bool reverse) {
  std::vector<size_t> places(keys.size()), merged(keys.size());
  for (size_t i = 0; i < places.size(); ++i)
    places[i] = i;
  for (size_t width = 1; width < places.size(); width *= 2) {
    for (size_t begin = 0; begin < places.size(); begin += 2 * width) {
      size_t middle = std::min(begin + width, places.size()), end = std::min(begin + 2 * width, places.size());
      size_t left = begin, right = middle;
      for (size_t out = begin; out < end; ++out) {
        bool takeRight = left == middle;
        if (!takeRight && right < end) {
          std::optional<int> sign = YOKE_TRY(order(context, keys[places[right]], keys[places[left]]));
          takeRight = sign && (reverse ? *sign > 0 : *sign < 0);
        }
        merged[out] = takeRight ? places[right++] : places[left++];
      }
    }
    places.swap(merged);
  }
  return places;
}

Result<Value> sortBy(Context &context, const std::vector<Value> &items, const std::vector<Value> &keys, bool reverse) {
  std::vector<Value> sorted;
  for (size_t place : YOKE_TRY(sortedOrder(context, keys, reverse)))
    sorted.push_back(items[place]);
  return context.makeSequence(std::move(sorted));
}

Result<Value> sort(Context &context, const Value &self, Arguments &arguments) {
  auto values = YOKE_TRY(bind(context, "sort", arguments, {"reverse", "case_sensitive", "attribute"}));
  SequencePtr sequence = YOKE_TRY(iterate(context, self));
  std::vector<Value> paths;
  if (values[2] && values[2]->isText())
    paths = std::get<SequencePtr>(YOKE_TRY(splitText(context, values[2]->marked(), ",", -1, false)).variant())->items;
  else
    paths.push_back(values[2] ? *values[2] : Value());
  // Keys are lists even for one path: lists are ordered by their first items that differ, so equal items need no order.
  std::vector<Value> keys;
  for (const Value &item : sequence->items) {
    std::vector<Value> parts;
    for (const Value &path : paths)
      parts.push_back(YOKE_TRY(sortKey(context, item, &path, truthyOr(values[1], false))));
    keys.push_back(YOKE_TRY(context.makeSequence(std::move(parts))));
  }
  return sortBy(context, sequence->items, keys, truthyOr(values[0], false));
}

Result<Value> dictSort(Context &context, const Value &self, Arguments &arguments) {
  auto values = YOKE_TRY(bind(context, "dictsort", arguments, {"case_sensitive", "by", "reverse"}));
  YOKE_TRY(requireDefined(context, self));
  if (!self.dict())
    return context.error("dictsort: '{}' object has no attribute 'items'", self.typeName());
  const std::string by = values[1] ? YOKE_TRY(textArgument(context, "dictsort", *values[1]))->str() : "key";
  if (by != "key" && by != "value")
    return context.error("you can only sort by either \"key\" or \"value\"");
  std::vector<Value> items, keys;
  for (const auto &[key, value] : self.dict()->entries) {
    items.push_back(YOKE_TRY(context.makeSequence({key, value}, SequenceKind::Tuple)));
    keys.push_back(YOKE_TRY(sortKey(context, by == "key" ? key : value, nullptr, truthyOr(values[0], false))));
  }
  return sortBy(context, items, keys, truthyOr(values[2], false));
}

Result<Value> unique(Context &context, const Value &self, Arguments &arguments) {
  auto values = YOKE_TRY(bind(context, "unique", arguments, {"case_sensitive", "attribute"}));
  std::vector<Value> kept;
  std::unordered_set<std::string> seen;
  SequencePtr sequence = YOKE_TRY(iterate(context, self));
  for (const Value &item : sequence->items) {
    Value key = YOKE_TRY(sortKey(context, item, values[1], truthyOr(values[0], false)));
    if (seen.insert(YOKE_TRY(dictKey(context, key))).second)
      kept.push_back(item);
  }
  return context.makeSequence(std::move(kept), SequenceKind::Iterator);
}

template <bool largest> Result<Value> extreme(Context &context, const Value &self, Arguments &arguments) {
  auto values = YOKE_TRY(bind(context, "min", arguments, {"case_sensitive", "attribute"}));
  std::optional<Value> best, bestKey;
  SequencePtr sequence = YOKE_TRY(iterate(context, self));
  for (const Value &item : sequence->items) {
    Value key = YOKE_TRY(sortKey(context, item, values[1], truthyOr(values[0], false)));
    std::optional<int> sign = bestKey ? YOKE_TRY(order(context, key, *bestKey)) : std::optional<int>();
    if (bestKey && !(sign && (largest ? *sign > 0 : *sign < 0)))
      continue;
    best = item;
    bestKey = std::move(key);
  }
  return best ? *best : Value::undefined("No aggregated item, sequence was empty.");
}

Result<Value> sum(Context &context, const Value &self, Arguments &arguments) {
  auto values = YOKE_TRY(bind(context, "sum", arguments, {"attribute", "start"}));
  Value total = values[1] ? *values[1] : Value(int64_t(0));
  if (total.isText())
    return context.error("sum() can't sum strings");
  SequencePtr sequence = YOKE_TRY(iterate(context, self));
  for (Value item : sequence->items) {
    if (values[0] && !values[0]->isNone())
      item = YOKE_TRY(getPath(context, std::move(item), *values[0]));
    total = YOKE_TRY(arithmetic(context, Arithmetic::Add, total, item));
  }
  return total;
}

Result<Value> length(Context &context, const Value &self, Arguments &arguments) {
  YOKE_TRY(bind(context, "length", arguments, {}));
  return Value(YOKE_TRY(lengthOf(context, self)));
}

Result<Value> first(Context &context, const Value &self, Arguments &arguments) {
  YOKE_TRY(bind(context, "first", arguments, {}));
  SequencePtr sequence = YOKE_TRY(iterate(context, self));
  return sequence->items.empty() ? Value::undefined("No first item, sequence was empty.") : sequence->items.front();
}

Result<Value> last(Context &context, const Value &self, Arguments &arguments) {
  YOKE_TRY(bind(context, "last", arguments, {}));
  SequencePtr sequence = YOKE_TRY(iterate(context, self));
  return sequence->items.empty() ? Value::undefined("No last item, sequence was empty.") : sequence->items.back();
}

Result<Value> list(Context &context, const Value &self, Arguments &arguments) {
  YOKE_TRY(bind(context, "list", arguments, {}));
  return context.makeSequence(YOKE_TRY(iterate(context, self))->items);
}

Result<Value> reverse(Context &context, const Value &self, Arguments &arguments) {
  YOKE_TRY(bind(context, "reverse", arguments, {}));
  std::vector<Value> items = YOKE_TRY(iterate(context, self))->items;
  std::reverse(items.begin(), items.end());
  if (!self.isText())
    return context.makeSequence(std::move(items), SequenceKind::Iterator);
  MarkedText out;
  for (const Value &item : items)
    YOKE_TRY(context.append(out, item.marked()));
  return Value(std::move(out));
}

Result<Value> itemsOf(Context &context, const Value &self, Arguments &arguments) {
  YOKE_TRY(bind(context, "items", arguments, {}));
  std::vector<Value> items;
  if (const Dict *dict = self.dict()) {
    for (const auto &[key, value] : dict->entries)
      items.push_back(YOKE_TRY(context.makeSequence({key, value}, SequenceKind::Tuple)));
  } else if (!self.isUndefined()) {
    return context.error("Can only get item pairs from a mapping.");
  }
  return context.makeSequence(std::move(items), SequenceKind::Iterator);
}

Result<Value> attr(Context &context, const Value &self, Arguments &arguments) {
  auto values = YOKE_TRY(bind(context, "attr", arguments, {"name"}, 1));
  const std::string &name = YOKE_TRY(textArgument(context, "attr", *values[0]))->str();
  Value value = YOKE_TRY(getAttribute(context, self, name));
  // Members of a dict are not attributes.
  bool isMember = self.dict() && self.dict()->member(name) && !value.callable();
  return isMember ? Value::undefined(fmt::format("'dict object' has no attribute '{}'", name)) : value;
}

Result<Value> batch(Context &context, const Value &self, Arguments &arguments) {
  auto values = YOKE_TRY(bind(context, "batch", arguments, {"linecount", "fill_with"}, 1));
  const int64_t size = YOKE_TRY(integerOr(context, "batch", values[0], 0));
  std::vector<Value> rows, row;
  SequencePtr sequence = YOKE_TRY(iterate(context, self));
  for (const Value &item : sequence->items) {
    if (static_cast<int64_t>(row.size()) == size) {
      rows.push_back(YOKE_TRY(context.makeSequence(std::exchange(row, {}))));
    }
    row.push_back(item);
  }
  if (!row.empty()) {
    if (values[1] && !values[1]->isNone() && static_cast<int64_t>(row.size()) < size) {
      YOKE_TRY(context.charge(size));
      row.resize(static_cast<size_t>(size), *values[1]);
    }
    rows.push_back(YOKE_TRY(context.makeSequence(std::move(row))));
  }
  return context.makeSequence(std::move(rows), SequenceKind::Iterator);
}

constexpr NamedBuiltin filters[] = {
    {"length", length},      {"count", length},      {"first", first},       {"last", last},     {"list", list},
    {"sort", sort},          {"unique", unique},     {"reverse", reverse},   {"items", itemsOf}, {"sum", sum},
    {"min", extreme<false>}, {"max", extreme<true>}, {"dictsort", dictSort}, {"attr", attr},     {"batch", batch},
};

} // namespace

Builtin findSequenceFilter(std::string_view name) { return findIn(filters, name); }

} // namespace yoke::chat
