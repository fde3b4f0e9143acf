// Methods of strings.
#include "ChatTemplate/Builtins.h"
#include "ChatTemplate/Format.h"
#include "ChatTemplate/Operators.h"
#include "ChatTemplate/TextOperations.h"
#include "ChatTemplate/Unicode.h"

#include <algorithm>

namespace yoke::chat {
namespace {

using Mapper = MarkedText (*)(const MarkedText &);

template <Mapper map> Result<Value> mapped(Context &context, const Value &self, Arguments &arguments) {
  YOKE_TRY(bind(context, "str method", arguments, {}));
  YOKE_TRY(context.chargeText(3 * self.str().size()));
  return Value(map(self.marked()));
}

template <bool left, bool right> Result<Value> stripMethod(Context &context, const Value &self, Arguments &arguments) {
  auto values = YOKE_TRY(bind(context, "strip", arguments, {"chars"}));
  return stripText(context, self.marked(), left, right, values[0]);
}

template <bool fromRight> Result<Value> splitMethod(Context &context, const Value &self, Arguments &arguments) {
  auto values = YOKE_TRY(bind(context, "split", arguments, {"sep", "maxsplit"}));
  int64_t limit = YOKE_TRY(integerOr(context, "split", values[1], -1));
  if (!values[0] || values[0]->isNone())
    return splitAtSpaces(context, self.marked(), limit, fromRight);
  const MarkedText *separator = YOKE_TRY(textArgument(context, "split", *values[0]));
  return splitText(context, self.marked(), separator->str(), limit, fromRight);
}

Result<Value> splitLinesMethod(Context &context, const Value &self, Arguments &arguments) {
  auto values = YOKE_TRY(bind(context, "splitlines", arguments, {"keepends"}));
  return context.makeSequence(YOKE_TRY(splitLines(context, self.marked(), truthyOr(values[0], false))));
}

template <bool fromRight> Result<Value> partition(Context &context, const Value &self, Arguments &arguments) {
  auto values = YOKE_TRY(bind(context, "partition", arguments, {"sep"}, 1));
  const MarkedText &text = self.marked();
  const std::string &separator = YOKE_TRY(textArgument(context, "partition", *values[0]))->str();
  if (separator.empty())
    return context.error("empty separator");
  size_t place = YOKE_TRY(findFrom(context, text.str(), separator, fromRight));
  std::vector<Value> parts;
  if (place == std::string::npos && fromRight)
    parts = {MarkedText(), MarkedText(), self};
  else if (place == std::string::npos)
    parts = {self, MarkedText(), MarkedText()};
  else
    parts = {text.slice(0, place), text.slice(place, place + separator.size()),
             text.slice(place + separator.size(), text.size())};
  return context.makeSequence(std::move(parts), SequenceKind::Tuple);
}

/// The part of the text between the optional bounds start and end, which count characters.
Result<std::optional<std::pair<size_t, size_t>>> window(Context &context, std::string_view text, const Value *start,
                                                        const Value *stop) {
  YOKE_TRY(context.charge(static_cast<int64_t>(text.size() / 64)));
  auto length = static_cast<int64_t>(characterCount(text));
  int64_t first = YOKE_TRY(integerOr(context, "str method", start, 0));
  int64_t last = YOKE_TRY(integerOr(context, "str method", stop, length));
  first = first < 0 ? std::max<int64_t>(first + length, 0) : first;
  last = std::min(last < 0 ? std::max<int64_t>(last + length, 0) : last, length);
  if (first > last)
    return std::nullopt;
  return std::pair(byteOfCharacter(text, static_cast<size_t>(first)), byteOfCharacter(text, static_cast<size_t>(last)));
}

template <bool atEnd> Result<Value> affixTest(Context &context, const Value &self, Arguments &arguments) {
  auto values = YOKE_TRY(bind(context, atEnd ? "endswith" : "startswith", arguments, {"prefix", "start", "end"}, 1));
  auto bounds = YOKE_TRY(window(context, self.str(), values[1], values[2]));
  std::string_view text;
  if (bounds)
    text = std::string_view(self.str()).substr(bounds->first, bounds->second - bounds->first);
  auto matches = [&](const Value &affix) -> Result<bool> {
    const std::string &wanted = YOKE_TRY(textArgument(context, "startswith", affix))->str();
    YOKE_TRY(context.charge(1 + static_cast<int64_t>(wanted.size() / 64)));
    return bounds && (atEnd ? text.ends_with(wanted) : text.starts_with(wanted));
  };
  const Sequence *choices = values[0]->sequence();
  if (!choices || choices->kind != SequenceKind::Tuple)
    return Value(YOKE_TRY(matches(*values[0])));
  for (const Value &choice : choices->items)
    if (YOKE_TRY(matches(choice)))
      return Value(true);
  return Value(false);
}

Result<Value> replaceMethod(Context &context, const Value &self, Arguments &arguments) {
  auto values = YOKE_TRY(bind(context, "replace", arguments, {"old", "new", "count"}, 2));
  const MarkedText *old = YOKE_TRY(textArgument(context, "replace", *values[0]));
  const MarkedText *with = YOKE_TRY(textArgument(context, "replace", *values[1]));
  return replaceText(context, self.marked(), old->str(), *with, YOKE_TRY(integerOr(context, "replace", values[2], -1)));
}

Result<Value> joinMethod(Context &context, const Value &self, Arguments &arguments) {
  auto values = YOKE_TRY(bind(context, "join", arguments, {"iterable"}, 1));
  return joinTexts(context, self.marked(), *values[0], /*convert=*/false);
}

template <bool fromRight, bool mustExist>
Result<Value> findMethod(Context &context, const Value &self, Arguments &arguments) {
  auto values = YOKE_TRY(bind(context, "find", arguments, {"sub", "start", "end"}, 1));
  const MarkedText *part = YOKE_TRY(textArgument(context, "find", *values[0]));
  std::string_view text = self.str();
  auto bounds = YOKE_TRY(window(context, text, values[1], values[2]));
  size_t place = std::string::npos;
  if (bounds)
    place =
        YOKE_TRY(findFrom(context, text.substr(bounds->first, bounds->second - bounds->first), part->str(), fromRight));
  if (place == std::string::npos)
    return mustExist ? Result<Value>(context.error("substring not found")) : Value(int64_t(-1));
  return Value(static_cast<int64_t>(characterCount(text.substr(0, bounds->first + place))));
}

Result<Value> countMethod(Context &context, const Value &self, Arguments &arguments) {
  auto values = YOKE_TRY(bind(context, "count", arguments, {"sub", "start", "end"}, 1));
  const std::string &part = YOKE_TRY(textArgument(context, "count", *values[0]))->str();
  auto bounds = YOKE_TRY(window(context, self.str(), values[1], values[2]));
  if (!bounds)
    return Value(int64_t(0));
  std::string_view text = std::string_view(self.str()).substr(bounds->first, bounds->second - bounds->first);
  if (part.empty())
    return Value(static_cast<int64_t>(characterCount(text)) + 1);
  int64_t count = 0;
  for (size_t place = 0; (place = findText(text, part, place)) != text.npos; place += part.size()) {
    YOKE_TRY(context.charge(1));
    ++count;
  }
  return Value(count);
}

template <bool (*holds)(char32_t)> Result<Value> everyCharacter(Context &context, const Value &self, Arguments &) {
  YOKE_TRY(context.chargeText(self.str().size()));
  for (size_t position = 0; position < self.str().size();)
    if (!holds(nextCodePoint(self.str(), position)))
      return Value(false);
  return Value(!self.str().empty());
}

bool isAlphanumeric(char32_t c) { return isAlpha(c) || isDecimal(c); }

template <bool (*wrongCase)(char32_t)> Result<Value> caseTest(Context &context, const Value &self, Arguments &) {
  YOKE_TRY(context.chargeText(self.str().size()));
  return Value(allCased(self.str(), wrongCase));
}

enum class Side { Left, Right, Both };

template <Side side> Result<Value> justify(Context &context, const Value &self, Arguments &arguments) {
  auto values = YOKE_TRY(bind(context, "justify", arguments, {"width", "fillchar"}, 1));
  int64_t width = YOKE_TRY(integerOr(context, "justify", values[0], 0));
  std::string fill = values[1] ? YOKE_TRY(textArgument(context, "justify", *values[1]))->str() : " ";
  if (characterCount(fill) != 1)
    return context.error("the fill character must be exactly one character long");
  return padText(context, self.marked(), width, fill, side != Side::Left, side != Side::Right);
}

Result<Value> zeroFill(Context &context, const Value &self, Arguments &arguments) {
  auto values = YOKE_TRY(bind(context, "zfill", arguments, {"width"}, 1));
  int64_t width = YOKE_TRY(integerOr(context, "zfill", values[0], 0));
  const MarkedText &text = self.marked();
  size_t sign = text.str().starts_with('+') || text.str().starts_with('-') ? 1 : 0;
  Value padded =
      YOKE_TRY(padText(context, text.slice(sign, text.size()), width - static_cast<int64_t>(sign), "0", true, false));
  MarkedText out = text.slice(0, sign);
  YOKE_TRY(context.append(out, padded.marked()));
  return Value(std::move(out));
}

template <bool atEnd> Result<Value> removeAffix(Context &context, const Value &self, Arguments &arguments) {
  auto values = YOKE_TRY(bind(context, "removeprefix", arguments, {"affix"}, 1));
  const std::string &affix = YOKE_TRY(textArgument(context, "removeprefix", *values[0]))->str();
  const MarkedText &text = self.marked();
  YOKE_TRY(context.chargeText(text.size()));
  if (!(atEnd ? text.str().ends_with(affix) : text.str().starts_with(affix)))
    return self;
  return Value(atEnd ? text.slice(0, text.size() - affix.size()) : text.slice(affix.size(), text.size()));
}

Result<Value> formatMethod(Context &context, const Value &self, Arguments &arguments) {
  return formatBraces(context, self.marked(), arguments);
}

constexpr NamedBuiltin methods[] = {
    {"strip", stripMethod<true, true>},
    {"lstrip", stripMethod<true, false>},
    {"rstrip", stripMethod<false, true>},
    {"split", splitMethod<false>},
    {"rsplit", splitMethod<true>},
    {"splitlines", splitLinesMethod},
    {"partition", partition<false>},
    {"rpartition", partition<true>},
    {"startswith", affixTest<false>},
    {"endswith", affixTest<true>},
    {"replace", replaceMethod},
    {"join", joinMethod},
    {"upper", mapped<toUpper>},
    {"lower", mapped<toLower>},
    {"title", mapped<toTitle>},
    {"capitalize", mapped<capitalize>},
    {"swapcase", mapped<swapCase>},
    {"find", findMethod<false, false>},
    {"rfind", findMethod<true, false>},
    {"index", findMethod<false, true>},
    {"rindex", findMethod<true, true>},
    {"count", countMethod},
    {"isspace", everyCharacter<isSpace>},
    {"isalpha", everyCharacter<isAlpha>},
    {"isdigit", everyCharacter<isDecimal>},
    {"isdecimal", everyCharacter<isDecimal>},
    {"isnumeric", everyCharacter<isDecimal>},
    {"isalnum", everyCharacter<isAlphanumeric>},
    {"isupper", caseTest<isLower>},
    {"islower", caseTest<isUpper>},
    {"ljust", justify<Side::Left>},
    {"rjust", justify<Side::Right>},
    {"center", justify<Side::Both>},
    {"zfill", zeroFill},
    {"removeprefix", removeAffix<false>},
    {"removesuffix", removeAffix<true>},
    {"format", formatMethod},
};

} // namespace

Builtin findTextMethod(std::string_view name) { return findIn(methods, name); }

} // namespace yoke::chat
