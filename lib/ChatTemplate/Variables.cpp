#include "ChatTemplate/Variables.h"

#include "Support/Text.h"

#include <algorithm>

namespace yoke::chat {
namespace {

bool isKnownRole(std::string_view role) {
  static constexpr std::string_view roles[] = {"system", "developer", "user", "assistant", "tool", "function"};
  return std::find(std::begin(roles), std::end(roles), role) != std::end(roles);
}

class Reader {
public:
  explicit Reader(std::string_view name) : name(name) {}

  template <class J> Result<Value> read(const J &json, bool isInput, int depth) {
    if (depth >= MaxValueDepth)
      return malformed("{}: variables nested more than {} deep", name, MaxValueDepth);
    switch (json.type()) {
    case J::value_t::null:
      return Value();
    case J::value_t::boolean:
      return Value(json.template get<bool>());
    case J::value_t::number_integer:
      return Value(json.template get<int64_t>());
    case J::value_t::number_unsigned:
      if (json.template get<uint64_t>() > static_cast<uint64_t>(INT64_MAX))
        return malformed("{}: a variable holds an integer of more than 64 bits", name);
      return Value(json.template get<int64_t>());
    case J::value_t::number_float:
      return Value(json.template get<double>());
    case J::value_t::string:
      return text(json.template get_ref<const std::string &>(), isInput);
    case J::value_t::array:
      return readArray(json, isInput, depth);
    case J::value_t::object:
      return readObject(json, isInput, depth);
    default:
      return malformed("{}: a variable is not JSON", name);
    }
  }

  Result<Value> text(const std::string &bytes, bool isInput) {
    if (!isValidUtf8(bytes))
      return malformed("{}: a variable holds text that is not valid UTF-8", name);
    return Value(MarkedText(bytes, isInput));
  }

private:
  template <class J> Result<Value> readArray(const J &json, bool isInput, int depth) {
    auto sequence = std::make_shared<Sequence>();
    for (const J &item : json) {
      sequence->items.push_back(YOKE_TRY(read(item, isInput, depth + 1)));
      sequence->depth = std::max(sequence->depth, sequence->items.back().depth() + 1);
    }
    return Value(SequencePtr(std::move(sequence)));
  }

  template <class J> Result<Value> readObject(const J &json, bool isInput, int depth) {
    auto dict = std::make_shared<Dict>();
    for (auto member = json.begin(); member != json.end(); ++member) {
      bool trusted =
          member.key() == "role" && member->is_string() && isKnownRole(member->template get_ref<const std::string &>());
      Value value = YOKE_TRY(read(*member, isInput && !trusted, depth + 1));
      dict->depth = std::max(dict->depth, value.depth() + 1);
      Value key = YOKE_TRY(text(member.key(), isInput));
      dict->set(textKey(member.key()), std::move(key), std::move(value));
    }
    return Value(DictPtr(std::move(dict)));
  }

  std::string_view name;
};

template <class J> Result<Dict> readAll(const J &variables, std::string_view name) {
  if (!variables.is_object())
    return malformed("{}: the variables must be a JSON object", name);
  Dict dict;
  dict.setMember("tools", Value());
  dict.setMember("documents", Value());
  dict.setMember("add_generation_prompt", Value(false));
  Reader reader(name);
  for (auto member = variables.begin(); member != variables.end(); ++member)
    dict.setMember(member.key(), YOKE_TRY(reader.read(*member, !member.key().ends_with("_token"), 0)));
  return dict;
}

} // namespace

Result<Dict> readVariables(const OrderedJson &variables, std::string_view name) { return readAll(variables, name); }
Result<Dict> readVariables(const Json &variables, std::string_view name) { return readAll(variables, name); }

} // namespace yoke::chat
