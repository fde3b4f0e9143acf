#include "runtime/Constraint/JsonSchema.h"

#include "Support/Json.h"
#include "Support/Text.h"
#include "runtime/Constraint/Pattern.h"

#include <algorithm>
#include <array>

namespace yoke {
namespace {

using Schema = nlohmann::ordered_json;

constexpr std::string_view character = R"((?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})))";
constexpr std::string_view integerPattern = "-?(?:0|[1-9][0-9]{0,15})";
constexpr std::string_view numberPattern = R"(-?(?:0|[1-9][0-9]{0,15})(?:\.[0-9]{1,16})?(?:[eE][+\-]?[0-9]{1,2})?)";
constexpr std::string_view comma = ", ?", colon = ": ?";
constexpr int maxReferences = 64, anyDepth = 3;
constexpr size_t maxPatternBytes = size_t(1) << 22;
constexpr int64_t maxCount = 10'000, maxSchemas = 50'000;

/// Keywords that describe without restricting.
constexpr std::array<std::string_view, 14> annotations = {
    "$schema", "$id",      "$comment",   "$defs",    "definitions", "title",  "description",
    "default", "examples", "deprecated", "readOnly", "writeOnly",   "format", "additionalProperties"};

std::string join(const std::vector<std::string> &patterns) {
  return patterns.size() == 1 ? patterns.front() : "(?:" + fmt::format("{}", fmt::join(patterns, "|")) + ")";
}

class Translator {
public:
  Translator(const Schema &root, std::string_view source) : root(root), source(source) {}

  Result<std::string> translate() {
    std::string pattern = YOKE_TRY(value(root, "", 0));
    if (!problems.empty())
      return malformed("{}: not supported: {}", source, problems.text());
    if (pattern.size() > maxPatternBytes)
      return malformed("{}: its pattern is longer than {} bytes", source, maxPatternBytes);
    return pattern;
  }

private:
  /// A restriction that is not followed; reported with all others at the end.
  std::string refuse(const std::string &place) {
    problems.add(place.empty() ? "/" : place);
    return "null";
  }

  tl::unexpected<Error> error(const std::string &place, std::string_view rule) const {
    return malformed("{}: {}: {}", source, place.empty() ? "/" : place, rule);
  }

  Result<std::string> value(const Schema &schema, const std::string &place, int references) {
    if (++visited > maxSchemas)
      return error(place, "with its references followed the schema is too large");
    if (schema.is_boolean())
      return schema.get<bool>() ? any(anyDepth) : refuse(place);
    if (!schema.is_object())
      return error(place, "expected a schema (an object or a boolean)");
    for (const auto &[key, unused] : schema.items())
      if (!known(key))
        refuse(place + "/" + key);
    if (auto reference = schema.find("$ref"); reference != schema.end())
      return referred(*reference, place + "/$ref", references);
    if (auto constant = schema.find("const"); constant != schema.end())
      return literal(*constant);
    if (auto choices = schema.find("enum"); choices != schema.end())
      return enumeration(*choices, place + "/enum");
    for (const char *key : {"anyOf", "oneOf"})
      if (auto choices = schema.find(key); choices != schema.end())
        return alternatives(*choices, place + "/" + key, references);
    auto type = schema.find("type");
    if (type == schema.end())
      return typeless(schema, place, references);
    if (type->is_array()) {
      std::vector<std::string> patterns;
      for (const Schema &each : *type)
        patterns.push_back(YOKE_TRY(typed(schema, each, place, references)));
      return patterns.empty() ? Result<std::string>(error(place + "/type", "expected at least one type"))
                              : join(patterns);
    }
    return typed(schema, *type, place, references);
  }

  static bool known(std::string_view key) {
    constexpr std::array<std::string_view, 13> used = {"type",    "enum",     "const",    "properties", "required",
                                                       "items",   "minItems", "maxItems", "minLength",  "maxLength",
                                                       "pattern", "anyOf",    "oneOf"};
    return key == "$ref" || std::ranges::find(used, key) != used.end() ||
           std::ranges::find(annotations, key) != annotations.end();
  }

  Result<std::string> typeless(const Schema &schema, const std::string &place, int references) {
    if (schema.contains("properties"))
      return object(schema, place, references);
    if (schema.contains("items"))
      return array(schema, place, references);
    if (schema.contains("pattern") || schema.contains("minLength") || schema.contains("maxLength"))
      return string(schema, place);
    return any(anyDepth);
  }

  Result<std::string> typed(const Schema &schema, const Schema &type, const std::string &place, int references) {
    if (type == "object")
      return object(schema, place, references);
    if (type == "array")
      return array(schema, place, references);
    if (type == "string")
      return string(schema, place);
    if (type == "integer")
      return std::string(integerPattern);
    if (type == "number")
      return std::string(numberPattern);
    if (type == "boolean")
      return std::string("(?:true|false)");
    if (type == "null")
      return std::string("null");
    return error(place + "/type", "expected object, array, string, integer, number, boolean or null");
  }

  Result<std::string> referred(const Schema &reference, const std::string &place, int references) {
    if (!reference.is_string() || !reference.get_ref<const std::string &>().starts_with('#'))
      return error(place, "expected a reference into this document, as #/$defs/NAME");
    if (references >= maxReferences)
      return error(place, "recursive schemas are not supported");
    const std::string path = reference.get<std::string>().substr(1);
    const Schema *target = &root;
    for (size_t begin = path.empty() ? path.npos : 1; begin != path.npos;) {
      const size_t slash = path.find('/', begin);
      const std::string key = path.substr(begin, slash == path.npos ? path.npos : slash - begin);
      if (!target->is_object() || !target->contains(key))
        return error(place, "this document has no such place");
      target = &(*target)[key];
      begin = slash == path.npos ? path.npos : slash + 1;
    }
    return value(*target, path, references + 1);
  }

  static std::string literal(const Schema &value) {
    return quotePattern(value.dump(-1, ' ', false, Schema::error_handler_t::replace));
  }

  Result<std::string> enumeration(const Schema &choices, const std::string &place) {
    if (!choices.is_array() || choices.empty())
      return error(place, "expected an array of at least one value");
    std::vector<std::string> patterns;
    for (const Schema &choice : choices)
      patterns.push_back(literal(choice));
    return join(patterns);
  }

  Result<std::string> alternatives(const Schema &choices, const std::string &place, int references) {
    if (!choices.is_array() || choices.empty())
      return error(place, "expected an array of at least one schema");
    std::vector<std::string> patterns;
    for (size_t i = 0; i < choices.size(); ++i)
      patterns.push_back(YOKE_TRY(value(choices[i], place + "/" + std::to_string(i), references)));
    return join(patterns);
  }

  /// A count in [0, maxCount], or nothing when missing.
  Result<std::optional<int64_t>> count(const Schema &schema, const char *key, const std::string &place) {
    auto found = schema.find(key);
    if (found == schema.end())
      return std::nullopt;
    if (!found->is_number_integer() || *found < 0 || *found > maxCount)
      return error(place + "/" + key, "expected an integer from 0 to 10000");
    return found->get<int64_t>();
  }

  Result<std::string> bounds(const Schema &schema, const char *least, const char *most, const std::string &place,
                             int64_t taken = 0) {
    const auto low = YOKE_TRY(count(schema, least, place)), high = YOKE_TRY(count(schema, most, place));
    if (high && *high < low.value_or(0))
      return error(place + "/" + most, "expected at least the lower bound");
    return fmt::format("{{{},{}}}", std::max<int64_t>(low.value_or(0) - taken, 0),
                       high ? std::to_string(std::max<int64_t>(*high - taken, 0)) : "");
  }

  Result<std::string> string(const Schema &schema, const std::string &place) {
    if (auto pattern = schema.find("pattern"); pattern != schema.end()) {
      if (!pattern->is_string())
        return error(place + "/pattern", "expected a string");
      if (schema.contains("minLength") || schema.contains("maxLength"))
        refuse(place + "/pattern beside a length");
      std::string text = pattern->get<std::string>();
      if (!text.starts_with('^') || !text.ends_with('$'))
        return error(place + "/pattern", "expected a pattern that begins with ^ and ends with $");
      text = text.substr(1, text.size() - 2);
      if (auto parsed = parsePattern(text); !parsed)
        return error(place + "/pattern", parsed.error().message);
      return "\"(?:" + text + ")\"";
    }
    return fmt::format("\"{}{}\"", character, YOKE_TRY(bounds(schema, "minLength", "maxLength", place)));
  }

  Result<std::string> array(const Schema &schema, const std::string &place, int references) {
    auto items = schema.find("items");
    const std::string item =
        items == schema.end() ? any(anyDepth - 1) : YOKE_TRY(value(*items, place + "/items", references));
    const auto least = YOKE_TRY(count(schema, "minItems", place)), most = YOKE_TRY(count(schema, "maxItems", place));
    const std::string more = YOKE_TRY(bounds(schema, "minItems", "maxItems", place, 1));
    if (most && *most == 0)
      return std::string("\\[\\]");
    const std::string some = fmt::format("{}(?:{}{}){}", item, comma, item, more);
    return least.value_or(0) > 0 ? fmt::format("\\[{}\\]", some) : fmt::format("\\[(?:{})?\\]", some);
  }

  Result<std::string> object(const Schema &schema, const std::string &place, int references) {
    auto properties = schema.find("properties");
    if (properties == schema.end())
      return anyObject(anyDepth - 1);
    if (!properties->is_object())
      return error(place + "/properties", "expected an object");
    std::vector<std::string> required;
    if (auto names = schema.find("required"); names != schema.end()) {
      if (!names->is_array())
        return error(place + "/required", "expected an array of names");
      for (const Schema &name : *names) {
        if (!name.is_string() || !properties->contains(name.get<std::string>()))
          return error(place + "/required", "expected names of properties");
        required.push_back(name.get<std::string>());
      }
    }
    // From the last property to the first: what may follow once there was one, and what may come when there was none.
    std::string after, instead;
    for (auto it = properties->rbegin(); it != properties->rend(); ++it) {
      const std::string member = literal(it.key()) + std::string(colon) +
                                 YOKE_TRY(value(it.value(), place + "/properties/" + it.key(), references));
      const bool must = std::ranges::find(required, it.key()) != required.end();
      const std::string first = member + after;
      instead = must ? first : instead.empty() ? "(?:" + first + ")?" : fmt::format("(?:{}|{})", first, instead);
      after = must ? fmt::format("{}{}{}", comma, member, after) : fmt::format("(?:{}{})?{}", comma, member, after);
      if (after.size() > maxPatternBytes || instead.size() > maxPatternBytes)
        return error(place, "its pattern is too long");
    }
    return "\\{" + instead + "\\}";
  }

  static std::string any(int depth) {
    std::string scalar = fmt::format("\"{}*\"|{}|true|false|null", character, numberPattern);
    if (depth <= 0)
      return "(?:" + scalar + ")";
    const std::string inner = any(depth - 1);
    return fmt::format("(?:{}|\\[(?:{}(?:{}{})*)?\\]|{})", scalar, inner, comma, inner, anyObject(depth - 1));
  }

  static std::string anyObject(int depth) {
    const std::string member = fmt::format("\"{}*\"{}{}", character, colon, any(depth));
    return fmt::format("\\{{(?:{}(?:{}{})*)?\\}}", member, comma, member);
  }

  const Schema &root;
  std::string_view source;
  NameList problems;
  int64_t visited = 0;
};

} // namespace

Result<std::string> patternOfJsonSchema(std::string_view schema, std::string_view source) {
  // The strict reader refuses what is malformed; the second reading keeps the order of the properties.
  YOKE_TRY(parseJson(schema, source));
  const Schema root = Schema::parse(schema, nullptr, /*allow_exceptions=*/false);
  return Translator(root, source).translate();
}

} // namespace yoke
