#include "ChatTemplate/Format.h"

#include "ChatTemplate/Access.h"
#include "ChatTemplate/FormatSpec.h"
#include "ChatTemplate/Print.h"
#include "ChatTemplate/Unicode.h"

#include <algorithm>

namespace yoke::chat {
namespace {

class BraceFormatter {
public:
  BraceFormatter(Context &context, const MarkedText &format, const Arguments &arguments)
      : context(context), format(format), text(format.str()), arguments(arguments) {}

  Result<Value> run() {
    while (true) {
      size_t brace = text.find_first_of("{}", position);
      YOKE_TRY(context.append(out, format, position, std::min(brace, text.size())));
      if (brace == text.npos)
        return Value(std::move(out));
      position = brace + 1;
      if (position < text.size() && text[position] == text[brace]) {
        YOKE_TRY(context.append(out, format, brace, brace + 1));
        ++position;
      } else if (text[brace] == '}') {
        return context.error("single '}}' encountered in format string");
      } else {
        YOKE_TRY(field());
      }
    }
  }

private:
  Status field() {
    size_t close = text.find('}', position);
    if (close == text.npos)
      return context.error("expected '}}' before end of string");
    std::string_view body = text.substr(position, close - position);
    position = close + 1;
    size_t colon = std::min(body.find(':'), body.size());
    std::string_view specText = body.substr(std::min(colon + 1, body.size()));
    if (specText.find('{') != specText.npos)
      return context.error("nested format specifications are not supported");
    std::string_view name = body.substr(0, colon);
    size_t bang = name.find('!');
    std::string_view conversion = bang == name.npos ? "" : name.substr(bang + 1);
    Value value = YOKE_TRY(lookUp(name.substr(0, bang)));
    if (conversion == "r")
      value = Value(YOKE_TRY(toRepr(context, value)));
    else if (conversion == "s")
      value = Value(YOKE_TRY(toText(context, value)));
    else if (!conversion.empty())
      return context.error("unknown conversion specifier '!{}'", conversion);
    return appendFormatted(value, specText);
  }

  Status appendFormatted(const Value &value, std::string_view specText) {
    if (specText.empty())
      return context.append(out, *YOKE_TRY(toText(context, value)));
    FormatSpec spec = YOKE_TRY(readSpec(specText));
    if (value.isNumber() && spec.type != 's')
      return appendNumber(context, out, value, spec);
    if (!value.isText() || (spec.type && spec.type != 's'))
      return context.error("unsupported format specification for '{}'", value.typeName());
    return appendText(context, out, value.marked(), spec);
  }

  Result<FormatSpec> readSpec(std::string_view specText) {
    FormatSpec spec;
    size_t at = 0;
    auto isAlign = [&](size_t place) {
      return place < specText.size() && std::string_view("<>^=").find(specText[place]) != std::string_view::npos;
    };
    if (size_t first = utf8Length(specText[0]); isAlign(first)) {
      spec.fill = nextCodePoint(specText, at);
      spec.align = specText[at++];
    } else if (isAlign(0)) {
      spec.align = specText[at++];
    }
    auto take = [&](char c) { return at < specText.size() && specText[at] == c && (++at, true); };
    if (take('+'))
      spec.sign = '+';
    else if (take(' '))
      spec.sign = ' ';
    else
      take('-');
    spec.alternate = take('#');
    if (take('0') && !spec.align) {
      spec.fill = '0';
      spec.align = '=';
    }
    spec.width = readNumber(specText, at).value_or(0);
    spec.grouped = take(',');
    if (take('.'))
      spec.precision = readNumber(specText, at);
    if (at < specText.size())
      spec.type = specText[at++];
    if (at != specText.size() || spec.width > static_cast<int64_t>(context.limits().outputBytes) ||
        spec.precision.value_or(0) > MaxPrecision)
      return context.error("invalid format specification");
    return spec;
  }

  /// `name`, `0` or nothing (the next argument), then members: .name and [key].
  Result<Value> lookUp(std::string_view path) {
    size_t end = std::min(path.find_first_of(".["), path.size());
    Value value = YOKE_TRY(argument(path.substr(0, end)));
    while (end < path.size()) {
      bool dotted = path[end] == '.';
      size_t begin = end + 1;
      size_t stop = std::min(dotted ? path.find_first_of(".[", begin) : path.find(']', begin), path.size());
      std::string_view member = path.substr(begin, stop - begin);
      size_t digits = 0;
      std::optional<int64_t> index = readNumber(member, digits);
      if (dotted)
        value = YOKE_TRY(getAttribute(context, value, member));
      else
        value =
            YOKE_TRY(getItem(context, value, index && digits == member.size() ? Value(*index) : Value::text(member)));
      end = dotted ? stop : std::min(stop + 1, path.size());
      if (end < path.size() && path[end] != '.' && path[end] != '[')
        return context.error("malformed field name in format string");
    }
    return value;
  }

  Result<Value> argument(std::string_view name) {
    size_t digits = 0;
    std::optional<int64_t> index =
        name.empty() ? std::optional(static_cast<int64_t>(nextIndex++)) : readNumber(name, digits);
    if (index && digits == name.size()) {
      if (*index >= static_cast<int64_t>(arguments.positional.size()))
        return context.error("replacement index {} out of range", *index);
      return arguments.positional[static_cast<size_t>(*index)];
    }
    for (const auto &[key, value] : arguments.named)
      if (key == name)
        return value;
    return context.error("format() has no argument '{}'", name);
  }

  Context &context;
  const MarkedText &format;
  std::string_view text;
  const Arguments &arguments;
  size_t position = 0, nextIndex = 0;
  MarkedText out;
};

} // namespace

Result<Value> formatBraces(Context &context, const MarkedText &format, const Arguments &arguments) {
  return BraceFormatter(context, format, arguments).run();
}

} // namespace yoke::chat
