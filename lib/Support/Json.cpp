#include "Support/Json.h"

#include "Support/Text.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace yoke {
namespace {

/// Python's non-finite literals replaced by strings of the same length, so that positions in messages stay right.
/// `ordinals` counts them among all strings of the text, keys included, in order.
struct NonFiniteLiterals {
  std::string text;
  std::vector<size_t> ordinals;
};

NonFiniteLiterals replaceNonFiniteLiterals(std::string_view text) {
  NonFiniteLiterals out;
  size_t strings = 0;
  for (size_t i = 0; i < text.size();) {
    if (text[i] == '"') {
      ++strings;
      for (++i; i < text.size() && text[i] != '"'; ++i)
        if (text[i] == '\\')
          ++i;
      ++i;
      continue;
    }
    std::string_view rest = text.substr(i);
    std::string_view literal, stand;
    if (rest.starts_with("NaN"))
      literal = "NaN", stand = "\"N\"";
    else if (rest.starts_with("Infinity"))
      literal = "Infinity", stand = "\"Infini\"";
    else if (rest.starts_with("-Infinity"))
      literal = "-Infinity", stand = "\"-Infini\"";
    if (literal.empty()) {
      ++i;
      continue;
    }
    if (out.ordinals.empty())
      out.text = text;
    out.text.replace(i, literal.size(), stand);
    out.ordinals.push_back(strings++);
    i += literal.size();
  }
  return out;
}

double nonFiniteValue(std::string_view stand) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  return stand == "N" ? std::numeric_limits<double>::quiet_NaN() : stand[0] == '-' ? -infinity : infinity;
}

class Builder : public JsonSax {
public:
  Builder(size_t maxDepth, std::vector<size_t> nonFinite) : maxDepth(maxDepth), nonFinite(std::move(nonFinite)) {}

  Json root;
  std::string problem;

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(int64_t value) override { return add(value); }
  bool number_unsigned(uint64_t value) override { return add(value); }
  bool number_float(double value, const std::string &) override { return add(value); }
  bool binary(Json::binary_t &) override { return false; }

  bool string(std::string &value) override {
    if (isNonFinite())
      return add(nonFiniteValue(value));
    return add(std::move(value));
  }

  bool key(std::string &name) override {
    if (isNonFinite()) {
      problem = "a key must be a string";
      return false;
    }
    auto [member, inserted] = open.back()->get_ref<Json::object_t &>().try_emplace(std::move(name));
    if (!inserted) {
      problem = "duplicate key " + quote(member->first);
      return false;
    }
    slot = &member->second;
    return true;
  }

  bool start_object(size_t) override { return start(Json::value_t::object); }
  bool start_array(size_t) override { return start(Json::value_t::array); }
  bool end_object() override { return end(); }
  bool end_array() override { return end(); }

  bool parse_error(size_t, const std::string &, const JsonSyntaxError &error) override {
    problem = describeJsonError(error);
    return false;
  }

private:
  bool isNonFinite() {
    if (nextNonFinite == nonFinite.size() || nonFinite[nextNonFinite] != stringCount++)
      return false;
    ++nextNonFinite;
    return true;
  }

  Json *place(Json &&value) {
    if (open.empty()) {
      root = std::move(value);
      return &root;
    }
    if (open.back()->is_array()) {
      auto &elements = open.back()->get_ref<Json::array_t &>();
      elements.push_back(std::move(value));
      return &elements.back();
    }
    *slot = std::move(value);
    return slot;
  }

  bool add(Json &&value) {
    place(std::move(value));
    return true;
  }

  bool start(Json::value_t type) {
    if (open.size() == maxDepth) {
      problem = fmt::format("nested deeper than {} levels", maxDepth);
      return false;
    }
    open.push_back(place(Json(type)));
    return true;
  }

  bool end() {
    open.pop_back();
    return true;
  }

  size_t maxDepth;
  std::vector<size_t> nonFinite;
  size_t nextNonFinite = 0;
  size_t stringCount = 0;
  std::vector<Json *> open;
  Json *slot = nullptr;
};

} // namespace

Result<Json> parseJson(std::string_view text, std::string_view source, JsonLimits limits) {
  if (text.size() > limits.bytes)
    return malformed("{}: {} bytes of JSON exceed the limit of {}", source, text.size(), limits.bytes);
  if (text.starts_with("\xEF\xBB\xBF"))
    return malformed("{}: JSON must not begin with a byte order mark", source);
  if (size_t at = text.find('\0'); at != std::string_view::npos)
    return malformed("{}: NUL byte at offset {}", source, at);
  NonFiniteLiterals replaced;
  if (limits.allowNonFinite)
    replaced = replaceNonFiniteLiterals(text);
  if (!replaced.ordinals.empty())
    text = replaced.text;
  Builder builder(limits.depth, std::move(replaced.ordinals));
  if (!Json::sax_parse(text.begin(), text.end(), &builder))
    return malformed("{}: {}", source, builder.problem);
  return std::move(builder.root);
}

std::string describeJsonError(const JsonSyntaxError &error) {
  // "[json.exception.parse_error.101] parse error at line 1, column 2: REASON"
  std::string_view what = error.what();
  if (size_t end = what.find("] "); what.starts_with('[') && end != std::string_view::npos)
    what.remove_prefix(end + 2);
  if (std::string_view lead = "parse error at "; what.starts_with(lead))
    what.remove_prefix(lead.size());
  return printable(what, 200);
}

std::string dumpJson(const Json &value, int indent) {
  return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

std::string describeJson(const Json &value) {
  switch (value.type()) {
  case Json::value_t::object:
    return fmt::format("an object of {} members", value.size());
  case Json::value_t::array:
    return fmt::format("an array of {} elements", value.size());
  case Json::value_t::string:
    return quote(value.get_ref<const std::string &>());
  case Json::value_t::number_float:
    // JSON has no non-finite numbers, and dump() would show them as null.
    if (double number = value.get_ref<const double &>(); !std::isfinite(number))
      return std::isnan(number) ? "NaN" : number < 0 ? "-Infinity" : "Infinity";
    return dumpJson(value);
  default:
    return dumpJson(value);
  }
}

} // namespace yoke
