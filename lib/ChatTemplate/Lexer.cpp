#include "ChatTemplate/Lexer.h"

#include "ChatTemplate/StringLiteral.h"
#include "ChatTemplate/Unicode.h"
#include "Support/Text.h"

#include <algorithm>

namespace yoke::chat {
namespace {

bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isNameByte(char c) {
  return isDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80);
}

/// Line ends become \n, and one at the end of the template is dropped.
std::string normalizeNewlines(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (size_t i = 0; i < source.size(); ++i) {
    bool skip = source[i] == '\r' && i + 1 < source.size() && source[i + 1] == '\n';
    if (!skip)
      out += source[i] == '\r' ? '\n' : source[i];
  }
  if (out.ends_with('\n'))
    out.pop_back();
  return out;
}

size_t skipSpaces(std::string_view text, size_t position) {
  while (position < text.size()) {
    size_t next = position;
    if (!isSpace(nextCodePoint(text, next)))
      break;
    position = next;
  }
  return position;
}

size_t endWithoutSpaces(std::string_view text) {
  size_t end = text.size();
  while (end > 0) {
    size_t previous = previousCharacter(text, end), position = previous;
    if (!isSpace(nextCodePoint(text, position)))
      break;
    end = previous;
  }
  return end;
}

class Lexer {
public:
  Lexer(std::string_view source, std::string_view name) : source(source), name(name) {}

  Result<std::vector<Token>> run() {
    while (position < source.size())
      YOKE_TRY(lexRoot());
    push(TokenKind::End, {});
    return std::move(tokens);
  }

private:
  template <class... Args> tl::unexpected<Error> error(fmt::format_string<Args...> format, Args &&...args) const {
    return malformed("{}: line {}: {}", name, line, fmt::format(format, std::forward<Args>(args)...));
  }

  void push(TokenKind kind, std::string text) { tokens.push_back({kind, line, std::move(text)}); }

  bool startsWith(std::string_view text) const { return source.substr(position).starts_with(text); }

  /// Moves on, counting lines.
  void advance(size_t to) {
    line += static_cast<int>(std::count(source.begin() + static_cast<std::ptrdiff_t>(position),
                                        source.begin() + static_cast<std::ptrdiff_t>(to), '\n'));
    position = to;
  }

  /// The position of the next {{, {% or {#.
  size_t findTag() const {
    for (size_t at = position; (at = source.find('{', at)) != source.npos; ++at)
      if (at + 1 < source.size() && (source[at + 1] == '{' || source[at + 1] == '%' || source[at + 1] == '#'))
        return at;
    return source.npos;
  }

  /// Adds the data before a tag at `end`. `sign` is what follows the tag's opening: - strips all space before it, +
  /// keeps it, else space from the start of the line is stripped unless the tag prints.
  void pushData(size_t end, char sign, bool prints) {
    std::string_view data = source.substr(position, end - position);
    if (sign == '-') {
      data = data.substr(0, endWithoutSpaces(data));
    } else if (sign != '+' && !prints) {
      size_t lineStart = data.rfind('\n') + 1;
      if ((lineStart > 0 || lineStarts) && skipSpaces(data, lineStart) == data.size())
        data = data.substr(0, lineStart);
    }
    if (!data.empty())
      push(TokenKind::Data, std::string(data));
    advance(end);
  }

  char signAt(size_t at) const {
    char c = at < source.size() ? source[at] : '\0';
    return c == '-' || c == '+' ? c : '\0';
  }

  Status lexRoot() {
    size_t tag = findTag();
    if (tag == source.npos) {
      push(TokenKind::Data, std::string(source.substr(position)));
      advance(source.size());
      return {};
    }
    const char kind = source[tag + 1], sign = signAt(tag + 2);
    pushData(tag, sign, kind == '{');
    const size_t inside = tag + 2 + (sign ? 1 : 0);
    if (kind == '#')
      return lexComment(inside);
    if (kind == '%')
      if (size_t body = rawBody(inside); body != source.npos)
        return lexRaw(body);
    push(kind == '{' ? TokenKind::PrintBegin : TokenKind::BlockBegin, {});
    advance(inside);
    return lexTag(kind == '{');
  }

  /// Ends a tag whose closing mark of two characters is at `at`, perhaps after a sign: drops the white space that
  /// belongs to it.
  void closeTag(size_t at, char sign, bool trims) {
    size_t end = at + (sign ? 1 : 0) + 2;
    if (sign == '-')
      end = skipSpaces(source, end);
    else if (!sign && trims && end < source.size() && source[end] == '\n')
      ++end;
    lineStarts = end > 0 && source[end - 1] == '\n';
    advance(end);
  }

  Status lexComment(size_t inside) {
    size_t close = source.find("#}", inside);
    if (close == source.npos)
      return error("missing end of comment tag");
    char sign = close > inside ? signAt(close - 1) : '\0';
    closeTag(sign ? close - 1 : close, sign, true);
    return {};
  }

  /// Where the text after `raw %}` starts, if the tag whose inside is given is that.
  size_t rawBody(size_t inside) const {
    size_t at = skipSpaces(source, inside);
    if (!source.substr(at).starts_with("raw"))
      return source.npos;
    at = skipSpaces(source, at + 3);
    if (source.substr(at).starts_with("-%}"))
      return skipSpaces(source, at + 3);
    return source.substr(at).starts_with("%}") ? at + 2 : source.npos;
  }

  Status lexRaw(size_t body) {
    advance(body);
    lineStarts = body > 0 && source[body - 1] == '\n';
    for (size_t tag = body; (tag = source.find("{%", tag)) != source.npos; tag += 2) {
      char sign = signAt(tag + 2);
      size_t at = skipSpaces(source, tag + 2 + (sign ? 1 : 0));
      if (!source.substr(at).starts_with("endraw"))
        continue;
      at = skipSpaces(source, at + 6);
      char closing = signAt(at);
      if (!source.substr(at + (closing ? 1 : 0)).starts_with("%}"))
        continue;
      pushData(tag, sign, false);
      closeTag(at, closing, true);
      return {};
    }
    return error("missing end of raw directive");
  }

  Status lexTag(bool prints) {
    const std::string_view close = prints ? "}}" : "%}";
    std::string open;
    while (true) {
      advance(skipSpaces(source, position));
      if (position >= source.size())
        return {};
      if (open.empty()) {
        char sign = signAt(position);
        if (prints && sign == '+')
          sign = '\0';
        if (source.substr(position + (sign ? 1 : 0)).starts_with(close)) {
          push(prints ? TokenKind::PrintEnd : TokenKind::BlockEnd, {});
          closeTag(position, sign, !prints);
          return {};
        }
      }
      YOKE_TRY(lexExpressionToken(open));
    }
  }

  Status lexExpressionToken(std::string &open) {
    const char c = source[position];
    if (c == '"' || c == '\'')
      return lexString(c);
    if (isDigit(c))
      return lexNumber();
    if (isNameByte(c))
      return lexName();
    return lexOperator(open);
  }

  Status lexName() {
    size_t end = position;
    while (end < source.size() && isNameByte(source[end]))
      ++end;
    std::string text(source.substr(position, end - position));
    if (!isIdentifier(text))
      return error("unexpected character in {}", quote(text));
    push(TokenKind::Name, std::move(text));
    position = end;
    return {};
  }

  Status lexString(char quoteMark) {
    size_t end = position + 1;
    while (end < source.size() && source[end] != quoteMark)
      end += source[end] == '\\' ? 2 : 1;
    if (end >= source.size())
      return error("string without end");
    auto text = decodeStringLiteral(source.substr(position + 1, end - position - 1));
    if (!text)
      return error("{}", text.error());
    push(TokenKind::String, *std::move(text));
    advance(end + 1);
    return {};
  }

  /// The end of digits with single underscores between them.
  template <class Predicate> size_t digitsEnd(size_t at, Predicate isWanted) const {
    while (at < source.size() && isWanted(source[at]))
      at += at + 2 < source.size() && source[at + 1] == '_' && isWanted(source[at + 2]) ? 2 : 1;
    return at;
  }

  void pushNumber(TokenKind kind, size_t end) {
    std::string text(source.substr(position, end - position));
    std::erase(text, '_');
    push(kind, std::move(text));
    position = end;
  }

  Status lexNumber() {
    auto isHex = [](char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; };
    auto prefixed = [&](char letter) {
      return position + 2 < source.size() && source[position] == '0' && (source[position + 1] | 0x20) == letter;
    };
    const size_t first = position + 2 + (position + 2 < source.size() && source[position + 2] == '_' ? 1 : 0);
    size_t end = position;
    if (prefixed('x'))
      end = digitsEnd(first, isHex);
    else if (prefixed('o'))
      end = digitsEnd(first, [](char c) { return c >= '0' && c <= '7'; });
    else if (prefixed('b'))
      end = digitsEnd(first, [](char c) { return c == '0' || c == '1'; });
    if (end > first) {
      pushNumber(TokenKind::Integer, end);
      return {};
    }
    const size_t whole = digitsEnd(position, isDigit);
    end = whole;
    const bool afterDot = position > 0 && source[position - 1] == '.';
    auto digitAt = [&](size_t at) { return at < source.size() && isDigit(source[at]); };
    if (!afterDot && end < source.size() && source[end] == '.' && digitAt(end + 1))
      end = digitsEnd(end + 1, isDigit);
    if (!afterDot && end < source.size() && (source[end] | 0x20) == 'e') {
      size_t digits = end + 1 + (signAt(end + 1) ? 1 : 0);
      if (digitAt(digits))
        end = digitsEnd(digits, isDigit);
    }
    if (end > whole) {
      pushNumber(TokenKind::Float, end);
      return {};
    }
    if (source[position] == '0')
      end = digitsEnd(position, [](char c) { return c == '0'; });
    pushNumber(TokenKind::Integer, end);
    return {};
  }

  Status lexOperator(std::string &open) {
    static constexpr std::string_view signs[] = {"//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[",
                                                 "]",  "(",  ")",  "{",  "}",  ">",  "<", "=", ".", ":", "|", ",", ";"};
    for (std::string_view sign : signs) {
      if (!startsWith(sign))
        continue;
      const size_t bracket = std::string_view("([{").find(sign), closing = std::string_view(")]}").find(sign);
      if (sign.size() == 1 && bracket != std::string_view::npos)
        open += ")]}"[bracket];
      if (sign.size() == 1 && closing != std::string_view::npos) {
        if (open.empty())
          return error("unexpected '{}'", sign);
        if (open.back() != sign[0])
          return error("unexpected '{}', expected '{}'", sign, open.back());
        open.pop_back();
      }
      push(TokenKind::Operator, std::string(sign));
      position += sign.size();
      return {};
    }
    return error("unexpected character {}", quote(source.substr(position, utf8Length(source[position]))));
  }

  std::string_view source, name;
  size_t position = 0;
  int line = 1;
  bool lineStarts = true; ///< whether `position` is at the start of a line
  std::vector<Token> tokens;
};

} // namespace

Result<std::vector<Token>> tokenize(std::string_view source, std::string_view name) {
  const std::string normalized = normalizeNewlines(source);
  return Lexer(normalized, name).run();
}

} // namespace yoke::chat
