#include "ChatTemplate/Print.h"

#include "ChatTemplate/Unicode.h"

#include <charconv>
#include <cmath>

namespace yoke::chat {
namespace {

void appendReprCharacter(std::string &out, char32_t c, std::string_view character, char quote) {
  if (c == static_cast<char32_t>(quote) || c == '\\') {
    out += '\\';
    out += static_cast<char>(c);
  } else if (c == '\n') {
    out += "\\n";
  } else if (c == '\r') {
    out += "\\r";
  } else if (c == '\t') {
    out += "\\t";
  } else if (isPrintable(c)) {
    out += character;
  } else if (c < 0x100) {
    out += fmt::format("\\x{:02x}", static_cast<uint32_t>(c));
  } else if (c < 0x10000) {
    out += fmt::format("\\u{:04x}", static_cast<uint32_t>(c));
  } else {
    out += fmt::format("\\U{:08x}", static_cast<uint32_t>(c));
  }
}

Status appendTextRepr(Context &context, MarkedText &out, const MarkedText &text) {
  std::string_view bytes = text.str();
  char quote = bytes.find('\'') != bytes.npos && bytes.find('"') == bytes.npos ? '"' : '\'';
  YOKE_TRY(context.append(out, std::string_view(&quote, 1)));
  size_t position = 0;
  std::string piece;
  for (const MarkedText::Run &run : text.runs()) {
    piece.clear();
    while (position < run.end) {
      size_t begin = position;
      char32_t c = nextCodePoint(bytes, position);
      appendReprCharacter(piece, c, bytes.substr(begin, position - begin), quote);
    }
    YOKE_TRY(context.append(out, piece, run.isInput));
  }
  return context.append(out, std::string_view(&quote, 1));
}

Status appendRepr(Context &context, MarkedText &out, const Value &value, int depth);

Status appendItems(Context &context, MarkedText &out, const std::vector<Value> &items, int depth) {
  for (size_t i = 0; i < items.size(); ++i) {
    if (i > 0)
      YOKE_TRY(context.append(out, ", "));
    YOKE_TRY(appendRepr(context, out, items[i], depth));
  }
  return {};
}

Status appendSequenceRepr(Context &context, MarkedText &out, const Sequence &sequence, int depth) {
  switch (sequence.kind) {
  case SequenceKind::List:
    YOKE_TRY(context.append(out, "["));
    YOKE_TRY(appendItems(context, out, sequence.items, depth));
    return context.append(out, "]");
  case SequenceKind::Tuple:
    YOKE_TRY(context.append(out, "("));
    YOKE_TRY(appendItems(context, out, sequence.items, depth));
    return context.append(out, sequence.items.size() == 1 ? ",)" : ")");
  case SequenceKind::Range:
    YOKE_TRY(context.append(out, fmt::format("range({}, {}", sequence.rangeStart, sequence.rangeStop)));
    if (sequence.rangeStep != 1)
      YOKE_TRY(context.append(out, fmt::format(", {}", sequence.rangeStep)));
    return context.append(out, ")");
  case SequenceKind::Iterator:
    return context.append(out, "<generator object>");
  case SequenceKind::Keys:
    YOKE_TRY(context.append(out, "dict_keys(["));
    break;
  case SequenceKind::Values:
    YOKE_TRY(context.append(out, "dict_values(["));
    break;
  case SequenceKind::Items:
    YOKE_TRY(context.append(out, "dict_items(["));
    break;
  }
  YOKE_TRY(appendItems(context, out, sequence.items, depth));
  return context.append(out, "])");
}

Status appendDictRepr(Context &context, MarkedText &out, const Dict &dict, int depth) {
  YOKE_TRY(context.append(out, "{"));
  bool first = true;
  for (const auto &[key, value] : dict.entries) {
    if (!std::exchange(first, false))
      YOKE_TRY(context.append(out, ", "));
    YOKE_TRY(appendRepr(context, out, key, depth));
    YOKE_TRY(context.append(out, ": "));
    YOKE_TRY(appendRepr(context, out, value, depth));
  }
  return context.append(out, "}");
}

Status appendRepr(Context &context, MarkedText &out, const Value &value, int depth) {
  if (depth >= MaxValueDepth)
    return context.error("values nested more than {} deep", MaxValueDepth);
  if (value.isText())
    return appendTextRepr(context, out, value.marked());
  if (const Sequence *sequence = value.sequence())
    return appendSequenceRepr(context, out, *sequence, depth + 1);
  if (const Dict *dict = value.dict())
    return appendDictRepr(context, out, *dict, depth + 1);
  if (const Namespace *space = value.space()) {
    YOKE_TRY(context.append(out, "<Namespace "));
    YOKE_TRY(appendDictRepr(context, out, space->members, depth + 1));
    return context.append(out, ">");
  }
  if (const LoopState *loop = value.loop())
    return context.append(out, fmt::format("<LoopContext {}/{}>", loop->index + 1, loop->items->items.size()));
  if (const Callable *callable = value.callable())
    return context.append(out, fmt::format("<{} '{}'>", callable->macro ? "Macro" : "function", callable->name));
  if (value.isUndefined())
    return context.append(out, "Undefined");
  if (value.isNone())
    return context.append(out, "None");
  if (value.isFloat())
    return context.append(out, floatText(value.floating()));
  if (value.isBool())
    return context.append(out, value.truthy() ? "True" : "False");
  return context.append(out, fmt::format("{}", *value.asInteger()));
}

} // namespace

std::string floatText(double value) {
  if (std::isnan(value))
    return "nan";
  if (std::isinf(value))
    return value < 0 ? "-inf" : "inf";
  char buffer[64];
  auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific);
  std::string_view shortest(buffer, static_cast<size_t>(end - buffer));
  size_t mark = shortest.find('e');
  int exponent = 0;
  std::string_view digits = shortest.substr(mark + 1);
  if (digits.front() == '+')
    digits.remove_prefix(1);
  std::from_chars(digits.data(), digits.data() + digits.size(), exponent);
  if (exponent < -4 || exponent >= 16)
    return std::string(shortest);
  end = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed).ptr;
  std::string text(buffer, end);
  return text.find('.') == text.npos ? text + ".0" : text;
}

Result<MarkedText> toRepr(Context &context, const Value &value) {
  MarkedText out;
  YOKE_TRY(appendRepr(context, out, value, 0));
  return out;
}

Result<TextPtr> toText(Context &context, const Value &value) {
  if (value.isText())
    return std::get<TextPtr>(value.variant());
  if (value.isUndefined())
    return std::make_shared<const MarkedText>();
  return std::make_shared<const MarkedText>(YOKE_TRY(toRepr(context, value)));
}

} // namespace yoke::chat
