#include "ChatTemplate/Operators.h"
#include "ChatTemplate/Print.h"
#include "ChatTemplate/Unicode.h"

#include <algorithm>
#include <cmath>

namespace yoke::chat {
namespace {

class JsonWriter {
public:
  JsonWriter(Context &context, const JsonStyle &style) : context(context), style(style) {}

  Status write(const Value &value) {
    YOKE_TRY(context.charge(1));
    if (value.isText())
      return writeText(value.marked());
    if (const Sequence *sequence = value.sequence())
      if (sequence->kind == SequenceKind::List || sequence->kind == SequenceKind::Tuple)
        return writeList(*sequence);
    if (const Dict *dict = value.dict())
      return writeDict(*dict);
    if (std::optional<std::string> scalar = scalarText(value))
      return context.append(out, *scalar);
    return context.error("Object of type {} is not JSON serializable", value.typeName());
  }

  MarkedText out;

private:
  static std::optional<std::string> scalarText(const Value &value) {
    if (value.isNone())
      return "null";
    if (value.isBool())
      return value.truthy() ? "true" : "false";
    if (auto integer = value.asInteger())
      return fmt::format("{}", *integer);
    if (!value.isFloat())
      return std::nullopt;
    double number = value.floating();
    if (std::isnan(number))
      return "NaN";
    if (std::isinf(number))
      return number < 0 ? "-Infinity" : "Infinity";
    return floatText(number);
  }

  void appendCharacter(std::string &piece, char32_t c, std::string_view bytes) const {
    static constexpr std::string_view escaped = "\"\\\n\r\t\f\b", letters = "\"\\nrtfb";
    size_t place = c < 0x80 ? escaped.find(static_cast<char>(c)) : escaped.npos;
    if (place != escaped.npos) {
      piece += '\\';
      piece += letters[place];
    } else if (c < 0x20 || (style.ensureAscii && c > 0x7E && c < 0x10000)) {
      piece += fmt::format("\\u{:04x}", static_cast<uint32_t>(c));
    } else if (style.ensureAscii && c >= 0x10000) {
      uint32_t offset = static_cast<uint32_t>(c) - 0x10000;
      piece += fmt::format("\\u{:04x}\\u{:04x}", 0xD800 + (offset >> 10), 0xDC00 + (offset & 0x3FF));
    } else {
      piece += bytes;
    }
  }

  Status writeText(const MarkedText &text) {
    YOKE_TRY(context.append(out, "\""));
    std::string_view bytes = text.str();
    std::string piece;
    size_t position = 0;
    for (const MarkedText::Run &run : text.runs()) {
      piece.clear();
      while (position < run.end) {
        size_t begin = position;
        char32_t c = nextCodePoint(bytes, position);
        appendCharacter(piece, c, bytes.substr(begin, position - begin));
      }
      YOKE_TRY(context.append(out, piece, run.isInput));
    }
    return context.append(out, "\"");
  }

  Status newLine() {
    if (!style.indent)
      return {};
    YOKE_TRY(context.append(out, "\n"));
    for (int i = 0; i < level; ++i)
      YOKE_TRY(context.append(out, *style.indent));
    return {};
  }

  /// What stands before an item: nothing or a separator, and with an indent a new line.
  Status beginItem(bool first) {
    if (!first)
      YOKE_TRY(context.append(out, style.itemSeparator));
    return newLine();
  }

  Status writeList(const Sequence &sequence) {
    if (sequence.items.empty())
      return context.append(out, "[]");
    YOKE_TRY(context.append(out, "["));
    ++level;
    for (size_t i = 0; i < sequence.items.size(); ++i) {
      YOKE_TRY(beginItem(i == 0));
      YOKE_TRY(write(sequence.items[i]));
    }
    --level;
    YOKE_TRY(newLine());
    return context.append(out, "]");
  }

  Status writeKey(const Value &key) {
    if (key.isText())
      return writeText(key.marked());
    std::optional<std::string> text = scalarText(key);
    if (!text)
      return context.error("keys must be str, int, float, bool or None, not {}", key.typeName());
    return context.append(out, "\"" + *text + "\"");
  }

  Result<std::vector<const std::pair<Value, Value> *>> orderedEntries(const Dict &dict) {
    std::vector<const std::pair<Value, Value> *> entries;
    for (const auto &entry : dict.entries)
      entries.push_back(&entry);
    if (!style.sortKeys)
      return entries;
    for (const auto *entry : entries)
      if (!entry->first.isText())
        return context.error("sort_keys needs keys that are strings");
    std::sort(entries.begin(), entries.end(),
              [](const auto *a, const auto *b) { return a->first.str() < b->first.str(); });
    return entries;
  }

  Status writeDict(const Dict &dict) {
    if (dict.entries.empty())
      return context.append(out, "{}");
    YOKE_TRY(context.append(out, "{"));
    ++level;
    bool first = true;
    for (const auto *entry : YOKE_TRY(orderedEntries(dict))) {
      YOKE_TRY(beginItem(std::exchange(first, false)));
      YOKE_TRY(writeKey(entry->first));
      YOKE_TRY(context.append(out, style.keySeparator));
      YOKE_TRY(write(entry->second));
    }
    --level;
    YOKE_TRY(newLine());
    return context.append(out, "}");
  }

  Context &context;
  const JsonStyle &style;
  int level = 0;
};

} // namespace

Result<MarkedText> toJson(Context &context, const Value &value, const JsonStyle &style) {
  JsonWriter writer(context, style);
  YOKE_TRY(writer.write(value));
  return std::move(writer.out);
}

} // namespace yoke::chat
