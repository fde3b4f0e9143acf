#include "ChatTemplate/Value.h"

namespace yoke::chat {

namespace {

template <class... Visitors> struct Overloaded : Visitors... {
  using Visitors::operator()...;
};

template <class T> const T *pointee(const Value::Data &data) {
  auto *held = std::get_if<std::shared_ptr<const T>>(&data);
  return held ? held->get() : nullptr;
}

std::string_view sequenceTypeName(SequenceKind kind) {
  switch (kind) {
  case SequenceKind::List:
    return "list";
  case SequenceKind::Tuple:
    return "tuple";
  case SequenceKind::Range:
    return "range";
  case SequenceKind::Iterator:
    return "generator";
  case SequenceKind::Keys:
    return "dict_keys";
  case SequenceKind::Values:
    return "dict_values";
  case SequenceKind::Items:
    return "dict_items";
  }
  return "list";
}

} // namespace

Value Value::undefined(std::string reason) {
  Value value;
  value.data = Undefined{std::make_shared<const std::string>(std::move(reason))};
  return value;
}

const Sequence *Value::sequence() const { return pointee<Sequence>(data); }
const Dict *Value::dict() const { return pointee<Dict>(data); }
const LoopState *Value::loop() const { return pointee<LoopState>(data); }
const Callable *Value::callable() const { return pointee<Callable>(data); }
Namespace *Value::space() const {
  auto *held = std::get_if<Namespace *>(&data);
  return held ? *held : nullptr;
}

std::optional<int64_t> Value::asInteger() const {
  if (auto *value = std::get_if<int64_t>(&data))
    return *value;
  if (auto *value = std::get_if<bool>(&data))
    return *value;
  return std::nullopt;
}

std::optional<double> Value::asDouble() const {
  if (auto *value = std::get_if<double>(&data))
    return *value;
  if (auto integer = asInteger())
    return static_cast<double>(*integer);
  return std::nullopt;
}

bool Value::truthy() const {
  return std::visit(Overloaded{
                        [](const Undefined &) { return false; },
                        [](None) { return false; },
                        [](bool value) { return value; },
                        [](int64_t value) { return value != 0; },
                        [](double value) { return value != 0; },
                        [](const TextPtr &text) { return !text->empty(); },
                        [](const SequencePtr &s) { return s->kind == SequenceKind::Iterator || !s->items.empty(); },
                        [](const DictPtr &dict) { return !dict->entries.empty(); },
                        [](const auto &) { return true; },
                    },
                    data);
}

std::string_view Value::typeName() const {
  return std::visit(
      Overloaded{
          [](const Undefined &) { return std::string_view("Undefined"); },
          [](None) { return std::string_view("NoneType"); },
          [](bool) { return std::string_view("bool"); },
          [](int64_t) { return std::string_view("int"); },
          [](double) { return std::string_view("float"); },
          [](const TextPtr &) { return std::string_view("str"); },
          [](const SequencePtr &s) { return sequenceTypeName(s->kind); },
          [](const DictPtr &) { return std::string_view("dict"); },
          [](Namespace *) { return std::string_view("Namespace"); },
          [](const std::shared_ptr<const LoopState> &) { return std::string_view("LoopContext"); },
          [](const std::shared_ptr<const Callable> &c) { return std::string_view(c->macro ? "Macro" : "function"); },
      },
      data);
}

int Value::depth() const {
  return std::visit(Overloaded{
                        [](const SequencePtr &s) { return s->depth; },
                        [](const DictPtr &dict) { return dict->depth; },
                        [](const std::shared_ptr<const LoopState> &loop) { return loop->depth; },
                        [](const std::shared_ptr<const Callable> &callable) { return callable->self.depth() + 1; },
                        [](const auto &) { return 0; },
                    },
                    data);
}

void Dict::set(std::string canonicalKey, Value key, Value value) {
  auto [place, isNew] = index.try_emplace(std::move(canonicalKey), entries.size());
  if (isNew)
    entries.emplace_back(std::move(key), std::move(value));
  else
    entries[place->second].second = std::move(value);
}

const Value *Dict::find(const std::string &canonicalKey) const {
  auto place = index.find(canonicalKey);
  return place == index.end() ? nullptr : &entries[place->second].second;
}

void Dict::setMember(std::string_view name, Value value) { set(textKey(name), Value::text(name), std::move(value)); }

const Value *Dict::member(std::string_view name) const { return find(textKey(name)); }

std::string textKey(std::string_view text) {
  std::string key = "s";
  key += text;
  return key;
}

} // namespace yoke::chat
