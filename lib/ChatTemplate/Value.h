// Values of the template language. All are immutable but namespaces. Sharing never makes a cycle of owners: what may be
// part of one (namespaces, macros) belongs to the rendering.
#pragma once

#include "ChatTemplate/MarkedText.h"
#include "Support/Error.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace yoke::chat {

class Context;
class Value;
struct Arguments;
struct Callable;
struct Dict;
struct LoopState;
struct Namespace;
struct Sequence;

using TextPtr = std::shared_ptr<const MarkedText>;
using SequencePtr = std::shared_ptr<const Sequence>;
using DictPtr = std::shared_ptr<const Dict>;

/// What a missing name or member yields. `reason` is the message of the error that most uses of it are.
struct Undefined {
  std::shared_ptr<const std::string> reason;
};
struct None {};

class Value {
public:
  using Data = std::variant<Undefined, None, bool, int64_t, double, TextPtr, SequencePtr, DictPtr, Namespace *,
                            std::shared_ptr<const LoopState>, std::shared_ptr<const Callable>>;

  Value() : data(None()) {}
  Value(bool value) : data(value) {}
  Value(int64_t value) : data(value) {}
  Value(double value) : data(value) {}
  Value(MarkedText text) : data(std::make_shared<const MarkedText>(std::move(text))) {}
  Value(TextPtr text) : data(std::move(text)) {}
  Value(SequencePtr sequence) : data(std::move(sequence)) {}
  Value(DictPtr dict) : data(std::move(dict)) {}
  Value(Namespace *space) : data(space) {}
  Value(std::shared_ptr<const LoopState> loop) : data(std::move(loop)) {}
  Value(std::shared_ptr<const Callable> callable) : data(std::move(callable)) {}
  Value(const void *) = delete;

  /// Text that is not input.
  static Value text(std::string_view text) { return MarkedText(std::string(text), false); }
  static Value undefined(std::string reason);

  bool isUndefined() const { return std::holds_alternative<Undefined>(data); }
  bool isNone() const { return std::holds_alternative<None>(data); }
  bool isBool() const { return std::holds_alternative<bool>(data); }
  /// Not for booleans, though they count as 0 and 1 in arithmetic.
  bool isInteger() const { return std::holds_alternative<int64_t>(data); }
  bool isFloat() const { return std::holds_alternative<double>(data); }
  bool isNumber() const { return isBool() || isInteger() || isFloat(); }
  bool isText() const { return std::holds_alternative<TextPtr>(data); }

  const std::string &undefinedReason() const { return *std::get<Undefined>(data).reason; }
  double floating() const { return std::get<double>(data); }
  const MarkedText &marked() const { return *std::get<TextPtr>(data); }
  const std::string &str() const { return marked().str(); }

  /// These are null when the value is something else.
  const Sequence *sequence() const;
  const Dict *dict() const;
  Namespace *space() const;
  const LoopState *loop() const;
  const Callable *callable() const;

  /// A boolean or an integer.
  std::optional<int64_t> asInteger() const;
  /// Any number.
  std::optional<double> asDouble() const;

  bool truthy() const;
  /// Python's name of the type.
  std::string_view typeName() const;
  /// How deeply containers are nested in it.
  int depth() const;

  const Data &variant() const { return data; }

private:
  Data data;
};

enum class SequenceKind { List, Tuple, Range, Iterator, Keys, Values, Items };

/// Depths are bounded by Context::checkDepth, so that recursion over values is.
struct Sequence {
  std::vector<Value> items;
  SequenceKind kind = SequenceKind::List;
  int depth = 1;
  int64_t rangeStart = 0, rangeStop = 0, rangeStep = 1; ///< of a Range
};

/// Members in order of insertion. Keys are found by their canonical form, in which 1, 1.0 and true are the same.
struct Dict {
  std::vector<std::pair<Value, Value>> entries;
  std::unordered_map<std::string, size_t> index;
  int depth = 1;

  /// The later value of a key wins, its place is that of the earlier one.
  void set(std::string canonicalKey, Value key, Value value);
  void setMember(std::string_view name, Value value);
  const Value *find(const std::string &canonicalKey) const;
  const Value *member(std::string_view name) const;
};

/// The canonical form of a key that is text.
std::string textKey(std::string_view text);

struct Namespace {
  Dict members;
};

/// The variable `loop` of a running loop.
struct LoopState {
  SequencePtr items;
  size_t index = 0;
  int depth = 0;
};

using Builtin = Result<Value> (*)(Context &context, const Value &self, Arguments &arguments);
struct MacroObject;

struct Callable {
  std::string name;
  Builtin builtin = nullptr; ///< or a macro
  Value self;                ///< first argument of a builtin: the receiver of a method
  const MacroObject *macro = nullptr;
};

struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;
};

} // namespace yoke::chat
