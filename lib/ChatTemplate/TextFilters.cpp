// Filters that yield strings, and `default`.
#include "ChatTemplate/Access.h"
#include "ChatTemplate/Filters.h"
#include "ChatTemplate/Format.h"
#include "ChatTemplate/Operators.h"
#include "ChatTemplate/Print.h"
#include "ChatTemplate/TextOperations.h"
#include "ChatTemplate/Unicode.h"

#include <algorithm>

namespace yoke::chat {
namespace {

using Mapper = MarkedText (*)(const MarkedText &);

template <Mapper map> Result<Value> mapped(Context &context, const Value &self, Arguments &arguments) {
  YOKE_TRY(bind(context, "filter", arguments, {}));
  TextPtr text = YOKE_TRY(toText(context, self));
  YOKE_TRY(context.chargeText(3 * text->size()));
  return Value(map(*text));
}

Result<Value> string(Context &context, const Value &self, Arguments &arguments) {
  YOKE_TRY(bind(context, "string", arguments, {}));
  return Value(YOKE_TRY(toText(context, self)));
}

Result<Value> trim(Context &context, const Value &self, Arguments &arguments) {
  auto values = YOKE_TRY(bind(context, "trim", arguments, {"chars"}));
  return stripText(context, *YOKE_TRY(toText(context, self)), true, true, values[0]);
}

Result<Value> replace(Context &context, const Value &self, Arguments &arguments) {
  auto values = YOKE_TRY(bind(context, "replace", arguments, {"old", "new", "count"}, 2));
  TextPtr text = YOKE_TRY(toText(context, self)), old = YOKE_TRY(toText(context, *values[0]));
  TextPtr with = YOKE_TRY(toText(context, *values[1]));
  return replaceText(context, *text, old->str(), *with, YOKE_TRY(integerOr(context, "replace", values[2], -1)));
}

Result<Value> join(Context &context, const Value &self, Arguments &arguments) {
  auto values = YOKE_TRY(bind(context, "join", arguments, {"d", "attribute"}));
  TextPtr separator = values[0] ? YOKE_TRY(toText(context, *values[0])) : std::make_shared<const MarkedText>();
  if (!values[1] || values[1]->isNone())
    return joinTexts(context, *separator, self, /*convert=*/true);
  std::vector<Value> members;
  SequencePtr sequence = YOKE_TRY(iterate(context, self));
  for (const Value &item : sequence->items)
    members.push_back(YOKE_TRY(getPath(context, item, *values[1])));
  return joinTexts(context, *separator, YOKE_TRY(context.makeSequence(std::move(members))), /*convert=*/true);
}

Result<Value> defaultTo(Context &context, const Value &self, Arguments &arguments) {
  auto values = YOKE_TRY(bind(context, "default", arguments, {"default_value", "boolean"}));
  if (!self.isUndefined() && (!truthyOr(values[1], false) || self.truthy()))
    return self;
  return values[0] ? *values[0] : Value(MarkedText());
}

Result<Value> indent(Context &context, const Value &self, Arguments &arguments) {
  auto values = YOKE_TRY(bind(context, "indent", arguments, {"width", "first", "blank"}));
  const MarkedText *text = YOKE_TRY(textArgument(context, "indent", self));
  MarkedText indention("    ", false);
  if (values[0] && values[0]->isText())
    indention = values[0]->marked();
  else
    indention =
        YOKE_TRY(padText(context, {}, YOKE_TRY(integerOr(context, "indent", values[0], 4)), " ", true, false)).marked();
  // A newline at the end is one more line, empty.
  MarkedText closed = *text;
  YOKE_TRY(context.append(closed, "\n"));
  std::vector<Value> lines = YOKE_TRY(splitLines(context, closed, false));
  MarkedText out;
  for (size_t i = 0; i < lines.size(); ++i) {
    if (i > 0)
      YOKE_TRY(context.append(out, "\n"));
    bool wanted = i == 0 ? truthyOr(values[1], false) : truthyOr(values[2], false) || !lines[i].marked().empty();
    if (wanted)
      YOKE_TRY(context.append(out, indention));
    YOKE_TRY(context.append(out, lines[i].marked()));
  }
  return Value(std::move(out));
}

Result<Value> center(Context &context, const Value &self, Arguments &arguments) {
  auto values = YOKE_TRY(bind(context, "center", arguments, {"width"}));
  TextPtr text = YOKE_TRY(toText(context, self));
  return padText(context, *text, YOKE_TRY(integerOr(context, "center", values[0], 80)), " ", true, true);
}

Result<Value> truncate(Context &context, const Value &self, Arguments &arguments) {
  auto values = YOKE_TRY(bind(context, "truncate", arguments, {"length", "killwords", "end", "leeway"}));
  const MarkedText &text = *YOKE_TRY(textArgument(context, "truncate", self));
  const MarkedText ellipsis("...", false);
  const MarkedText &end = values[2] ? *YOKE_TRY(textArgument(context, "truncate", *values[2])) : ellipsis;
  const int64_t length = YOKE_TRY(integerOr(context, "truncate", values[0], 255));
  const int64_t leeway = YOKE_TRY(integerOr(context, "truncate", values[3], 5));
  const auto endLength = static_cast<int64_t>(characterCount(end.str()));
  if (length < endLength || leeway < 0)
    return context.error("truncate: expected length >= {} and leeway >= 0", endLength);
  YOKE_TRY(context.chargeText(text.size()));
  const auto whole = static_cast<int64_t>(characterCount(text.str()));
  if (whole <= length || whole - length <= leeway)
    return self;
  size_t cut = byteOfCharacter(text.str(), static_cast<size_t>(length - endLength));
  if (!truthyOr(values[1], false))
    cut = std::min(std::string_view(text.str()).substr(0, cut).rfind(' '), cut);
  MarkedText out = text.slice(0, cut);
  YOKE_TRY(context.append(out, end));
  return Value(std::move(out));
}

Result<Value> escape(Context &context, const Value &self, Arguments &arguments) {
  YOKE_TRY(bind(context, "escape", arguments, {}));
  Value text = YOKE_TRY(toText(context, self));
  static constexpr std::pair<std::string_view, std::string_view> entities[] = {
      {"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"'", "&#39;"}, {"\"", "&#34;"}};
  for (auto [character, entity] : entities)
    text = YOKE_TRY(replaceText(context, text.marked(), character, MarkedText(std::string(entity), false), -1));
  return text;
}

Result<Value> wordCount(Context &context, const Value &self, Arguments &arguments) {
  YOKE_TRY(bind(context, "wordcount", arguments, {}));
  TextPtr text = YOKE_TRY(toText(context, self));
  YOKE_TRY(context.chargeText(text->size()));
  int64_t count = 0;
  bool inside = false;
  for (size_t position = 0; position < text->size();) {
    char32_t c = nextCodePoint(text->str(), position);
    bool word = c == '_' || isAlpha(c) || isDecimal(c);
    count += word && !inside;
    inside = word;
  }
  return Value(count);
}

Result<Value> format(Context &context, const Value &self, Arguments &arguments) {
  if (!arguments.positional.empty() && !arguments.named.empty())
    return context.error("format: can't handle positional and keyword arguments at the same time");
  TextPtr text = YOKE_TRY(toText(context, self));
  if (arguments.named.empty())
    return formatPercent(context, *text,
                         YOKE_TRY(context.makeSequence(std::move(arguments.positional), SequenceKind::Tuple)));
  Dict dict;
  for (auto &[name, value] : arguments.named)
    dict.setMember(name, std::move(value));
  return formatPercent(context, *text, YOKE_TRY(context.makeDict(std::move(dict))));
}

Result<std::optional<MarkedText>> jsonIndent(Context &context, const Value *indent) {
  if (!indent || indent->isNone())
    return std::nullopt;
  if (indent->isText())
    return indent->marked();
  int64_t width = YOKE_TRY(integerOr(context, "tojson", indent, 0));
  return YOKE_TRY(padText(context, {}, width, " ", true, false)).marked();
}

Result<Value> toJsonFilter(Context &context, const Value &self, Arguments &arguments) {
  auto values = YOKE_TRY(bind(context, "tojson", arguments, {"ensure_ascii", "indent", "separators", "sort_keys"}));
  JsonStyle style;
  style.ensureAscii = truthyOr(values[0], false);
  style.indent = YOKE_TRY(jsonIndent(context, values[1]));
  style.sortKeys = truthyOr(values[3], false);
  if (style.indent)
    style.itemSeparator = ",";
  if (values[2] && !values[2]->isNone()) {
    SequencePtr separators = YOKE_TRY(iterate(context, *values[2]));
    if (separators->items.size() != 2)
      return context.error("tojson: separators must be a pair");
    style.itemSeparator = YOKE_TRY(textArgument(context, "tojson", separators->items[0]))->str();
    style.keySeparator = YOKE_TRY(textArgument(context, "tojson", separators->items[1]))->str();
  }
  return Value(YOKE_TRY(toJson(context, self, style)));
}

constexpr NamedBuiltin filters[] = {
    {"tojson", toJsonFilter},
    {"trim", trim},
    {"string", string},
    {"safe", string},
    {"upper", mapped<toUpper>},
    {"lower", mapped<toLower>},
    {"title", mapped<titleWords>},
    {"capitalize", mapped<capitalize>},
    {"replace", replace},
    {"join", join},
    {"default", defaultTo},
    {"d", defaultTo},
    {"indent", indent},
    {"center", center},
    {"truncate", truncate},
    {"escape", escape},
    {"e", escape},
    {"wordcount", wordCount},
    {"format", format},
};

} // namespace

Builtin findTextFilter(std::string_view name) { return findIn(filters, name); }

} // namespace yoke::chat
