// Strict, non-throwing access to untrusted JSON. Usable from code built without exceptions.
#pragma once

#include "Support/Error.h"

#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace yoke {

using Json = nlohmann::json;
/// For readers that keep no document; run by Json::sax_parse.
using JsonSax = nlohmann::json_sax<Json>;
using JsonSyntaxError = nlohmann::detail::exception;

struct JsonLimits {
  size_t depth = 64;              ///< nested arrays and objects
  size_t bytes = size_t(1) << 28; ///< length of the text
  bool allowNonFinite = false;    ///< accept NaN, Infinity and -Infinity, which Python's json writes
};

/// Parses the whole of `text` by RFC 8259, and refuses as well: duplicate keys, a byte order mark, NUL bytes, invalid
/// UTF-8, lone surrogates, numbers that overflow a double, text after the value, and what exceeds `limits`. `source`
/// names the input in messages.
Result<Json> parseJson(std::string_view text, std::string_view source, JsonLimits limits = {});

/// One printable line that says where and why the parser stopped.
std::string describeJsonError(const JsonSyntaxError &error);

/// One line of compact JSON; never throws (bytes that are not UTF-8 become U+FFFD). `indent` >= 0 gives an indented
/// text.
std::string dumpJson(const Json &value, int indent = -1);

/// Describes a value for "expected ..., found ..." messages: scalars are shown, containers are named with their size.
std::string describeJson(const Json &value);

/// Checked access to the members of one JSON object. It refers to the document, which must outlive it. A message reads
/// `config.json: rope_scaling.factor: expected a number in [1, 1000], found "4"`. In the forms with a default, a member
/// that is missing or null yields the default; any other wrong value is an error.
class JsonObject {
public:
  /// Errors unless `value` is an object. `path` is the dotted place of the object in the document ("" for the whole).
  static Result<JsonObject> from(const Json &value, std::string source, std::string path = "");

  /// Whether the member exists and is not null.
  bool has(std::string_view key) const { return find(key) != nullptr; }
  /// The member, or nullptr when missing or null.
  const Json *find(std::string_view key) const;
  const Json &json() const { return *value; }
  const std::string &source() const { return sourceName; }
  const std::string &path() const { return objectPath; }

  Result<int64_t> integer(std::string_view key, int64_t lo, int64_t hi) const;
  Result<int64_t> integer(std::string_view key, int64_t lo, int64_t hi, int64_t defaultValue) const;
  Result<std::optional<int64_t>> optionalInteger(std::string_view key, int64_t lo, int64_t hi) const;

  /// Integers are accepted as numbers; NaN never is, infinities only within the bounds given.
  Result<double> number(std::string_view key, double lo, double hi) const;
  Result<double> number(std::string_view key, double lo, double hi, double defaultValue) const;

  Result<bool> boolean(std::string_view key) const;
  Result<bool> boolean(std::string_view key, bool defaultValue) const;

  Result<std::string> string(std::string_view key) const;
  Result<std::string> string(std::string_view key, std::string_view defaultValue) const;

  /// The index in `choices` of the string member.
  Result<size_t> choice(std::string_view key, std::initializer_list<std::string_view> choices) const;

  Result<JsonObject> object(std::string_view key) const;
  Result<std::optional<JsonObject>> optionalObject(std::string_view key) const;

  /// A JSON array of at most `maxSize` elements.
  Result<const Json *> array(std::string_view key, size_t maxSize = SIZE_MAX) const;
  /// nullptr when missing or null.
  Result<const Json *> optionalArray(std::string_view key, size_t maxSize = SIZE_MAX) const;
  Result<std::vector<JsonObject>> objects(std::string_view key, size_t maxSize = SIZE_MAX) const;
  Result<std::vector<int64_t>> integers(std::string_view key, int64_t lo, int64_t hi, size_t maxSize = SIZE_MAX) const;
  Result<std::vector<double>> numbers(std::string_view key, double lo, double hi, size_t maxSize = SIZE_MAX) const;
  Result<std::vector<std::string>> strings(std::string_view key, size_t maxSize = SIZE_MAX) const;

  /// Members that are not in `known`, in document-independent (sorted) order.
  std::vector<std::string> unknownKeys(std::initializer_list<std::string_view> known) const;
  /// Errors when there are unknown keys, naming the first.
  Status expectOnly(std::initializer_list<std::string_view> known) const;

  /// An error about the member `key` ("" for the object itself): `source: path.key: rule`.
  tl::unexpected<Error> error(std::string_view key, std::string_view rule) const;

private:
  JsonObject(const Json &value, std::string source, std::string path)
      : value(&value), sourceName(std::move(source)), objectPath(std::move(path)) {}
  std::string memberPath(std::string_view key) const;
  tl::unexpected<Error> expected(std::string_view key, std::string_view what) const;
  tl::unexpected<Error> expectedElement(std::string_view key, size_t index, std::string_view what,
                                        const Json &element) const;

  const Json *value;
  std::string sourceName;
  std::string objectPath;
};

} // namespace yoke
