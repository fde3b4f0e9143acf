//===- ConfigReader.h - checked fields of config.json ---------------------===//
#ifndef YOKE_LIB_IMPORT_CONFIGREADER_H
#define YOKE_LIB_IMPORT_CONFIGREADER_H

#include "LLM/LLM.h"
#include "Support/Json.h"

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace yoke::import {

/// Bounds that no known model comes near; products of any two fit in 64 bits with room to spare.
constexpr int64_t maxWidth = int64_t(1) << 24;
constexpr int64_t maxHeads = int64_t(1) << 16;
constexpr int64_t maxLayers = int64_t(1) << 14;
constexpr int64_t maxVocabulary = int64_t(1) << 27;
constexpr int64_t maxPositions = int64_t(1) << 30;

/// Reads the fields of config.json for one family. A wrong value is recorded and a harmless one returned, so that
/// finish() can report all problems together; what it returns before must not be built upon. Every field that is asked
/// for counts as understood; finish() checks the others.
class ConfigReader {
public:
  explicit ConfigReader(JsonObject object, std::string family) : fields(std::move(object)), family(std::move(family)) {}

  /// A field that must be there.
  int64_t integer(std::string_view key, int64_t lo, int64_t hi);
  /// Forms with a value for a missing field; null is an error, as in transformers.
  int64_t integer(std::string_view key, int64_t lo, int64_t hi, int64_t missing);
  double number(std::string_view key, double lo, double hi, double missing);
  bool boolean(std::string_view key, bool missing);
  /// Null means none; a missing field has the value `missing`.
  std::optional<int64_t> optionalInteger(std::string_view key, int64_t lo, int64_t hi,
                                         std::optional<int64_t> missing = std::nullopt);
  std::optional<double> optionalNumber(std::string_view key, double lo, double hi,
                                       std::optional<double> missing = std::nullopt);
  /// A name of transformers' ACT2FN.
  llm::ActivationKind activation(std::string_view key, std::string_view missing);
  /// nullopt when missing, null or not a list of strings (recorded).
  std::optional<std::vector<std::string>> strings(std::string_view key, size_t maxSize);
  /// The object under `key`, or nullopt when missing, null or empty.
  std::optional<JsonObject> object(std::string_view key);

  /// Whether the field is there and not null.
  bool has(std::string_view key) const { return fields.has(key); }
  /// `key`, or `alias` when only that is there.
  std::string_view either(std::string_view key, std::string_view alias);
  /// Marks fields as understood.
  void accept(std::initializer_list<std::string_view> keys) { understood.insert(keys.begin(), keys.end()); }

  /// Records that the value of `key` breaks `rule`, unless `holds`. Silent after an earlier problem, which may be the
  /// cause.
  void require(bool holds, std::string_view key, std::string_view rule);
  /// Records that the value of `key` is not supported, or not valid.
  void refuse(std::string_view key, std::string_view why);
  /// Records an error made elsewhere about this file.
  void record(const Error &error);

  /// Takes a value, or records the error and returns `otherwise`.
  template <class T> T take(Result<T> result, T otherwise) {
    if (result)
      return *std::move(result);
    record(result.error());
    return otherwise;
  }

  bool failed() const { return !problems.empty(); }
  const JsonObject &all() const { return fields; }

  /// Checks the fields that nobody asked for: one known to change the computation is refused unless it has its neutral
  /// value, any other that is not known to be inert gives a warning. Then all recorded problems as one error.
  Status finish(std::vector<std::string> *warnings);

private:
  bool missing(std::string_view key);
  void checkOtherKeys(std::vector<std::string> *warnings);

  JsonObject fields;
  std::string family;
  std::set<std::string, std::less<>> understood;
  std::vector<std::string> problems;
};

/// What an unread field means.
enum class KeyRole { Inert, Neutral, Matters, Unknown };
/// Neutral: known to change the computation, but `value` is the one that does not.
KeyRole keyRole(std::string_view key, const Json &value);

} // namespace yoke::import

#endif // YOKE_LIB_IMPORT_CONFIGREADER_H
