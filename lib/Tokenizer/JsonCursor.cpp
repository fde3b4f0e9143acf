#include "Tokenizer/JsonCursor.h"

#include "Tokenizer/Utf8.h"

#include <cmath>
#include <vector>

namespace yoke {

constexpr size_t MaxDepth = 64;

bool JsonCursor::fail(const char *rule) {
  fault = rule;
  return false;
}

tl::unexpected<Error> JsonCursor::error(std::string_view path) const {
  return malformed("{}: {}{}{} at byte {}", source, path, path.empty() ? "" : ": ", fault, position());
}

void JsonCursor::skipSpace() {
  while (at < text.size() && (text[at] == ' ' || text[at] == '\n' || text[at] == '\r' || text[at] == '\t'))
    ++at;
}

char JsonCursor::peek() {
  skipSpace();
  return at < text.size() ? text[at] : '\0';
}

bool JsonCursor::atEnd() {
  skipSpace();
  return at == text.size();
}

bool JsonCursor::open(char bracket) {
  if (peek() != bracket)
    return fail(bracket == '{' ? "expected an object" : "expected an array");
  ++at;
  first = true;
  return true;
}

bool JsonCursor::next(char closing, bool &more) {
  char c = peek();
  bool wasFirst = std::exchange(first, false);
  if (c == closing) {
    ++at;
    more = false;
    return true;
  }
  more = true;
  if (wasFirst)
    return true;
  if (c != ',')
    return fail("expected ',' or a closing bracket");
  ++at;
  return peek() == closing ? fail("expected a value after ','") : true;
}

bool JsonCursor::key(std::string_view &name) {
  if (!string(name))
    return false;
  if (peek() != ':')
    return fail("expected ':'");
  ++at;
  return true;
}

bool JsonCursor::skipString() {
  if (peek() != '"')
    return fail("expected a string");
  for (++at; at < text.size(); ++at) {
    unsigned char c = static_cast<unsigned char>(text[at]);
    if (c == '"') {
      ++at;
      return true;
    }
    if (c < 0x20)
      return fail("control character in a string");
    if (c == '\\' && ++at == text.size())
      break;
  }
  return fail("string without end");
}

bool JsonCursor::string(std::string_view &value) {
  skipSpace();
  size_t begin = at;
  if (!skipString())
    return false;
  std::string_view raw = text.substr(begin + 1, at - begin - 2);
  if (raw.find('\\') == raw.npos) {
    value = raw;
    return true;
  }
  return decodeEscapes(raw, value);
}

bool JsonCursor::decodeEscapes(std::string_view raw, std::string_view &value) {
  auto hex4 = [&](size_t i, char32_t &unit) {
    if (i + 4 > raw.size())
      return false;
    unit = 0;
    for (size_t k = i; k < i + 4; ++k) {
      char c = raw[k];
      int digit = c >= '0' && c <= '9'   ? c - '0'
                  : c >= 'a' && c <= 'f' ? c - 'a' + 10
                  : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                         : -1;
      if (digit < 0)
        return false;
      unit = unit << 4 | static_cast<char32_t>(digit);
    }
    return true;
  };
  decoded.clear();
  for (size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] != '\\') {
      decoded += raw[i];
      continue;
    }
    static constexpr std::string_view names = "\"\\/bfnrt", values = "\"\\/\b\f\n\r\t";
    char c = raw[++i];
    if (size_t known = names.find(c); known != names.npos) {
      decoded += values[known];
      continue;
    }
    char32_t unit, low;
    if (c != 'u' || !hex4(i + 1, unit))
      return fail("wrong escape in a string");
    i += 4;
    if (unit >= 0xD800 && unit < 0xDC00) {
      if (i + 6 >= raw.size() || raw[i + 1] != '\\' || raw[i + 2] != 'u' || !hex4(i + 3, low) || low < 0xDC00 ||
          low > 0xDFFF)
        return fail("lone surrogate in a string");
      unit = 0x10000 + ((unit - 0xD800) << 10 | (low - 0xDC00));
      i += 6;
    } else if (unit >= 0xDC00 && unit < 0xE000) {
      return fail("lone surrogate in a string");
    }
    appendCodePoint(decoded, unit);
  }
  value = decoded;
  return true;
}

bool JsonCursor::id(int32_t &value) {
  skipSpace();
  int64_t number = 0;
  size_t begin = at;
  for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
    number = number * 10 + (text[at] - '0');
    if (number > INT32_MAX)
      return fail("an id must be from 0 to 2147483647");
  }
  size_t digits = at - begin;
  char after = at < text.size() ? text[at] : ' ';
  if (!digits || (digits > 1 && text[begin] == '0') || after == '.' || after == 'e' || after == 'E')
    return fail("an id must be an integer from 0 to 2147483647");
  value = static_cast<int32_t>(number);
  return true;
}

bool JsonCursor::skipNumber() {
  auto digits = [&] {
    size_t begin = at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9')
      ++at;
    return at - begin;
  };
  if (at < text.size() && text[at] == '-')
    ++at;
  size_t begin = at;
  size_t whole = digits();
  if (!whole || (whole > 1 && text[begin] == '0'))
    return fail("expected a value");
  if (at < text.size() && text[at] == '.') {
    ++at;
    if (!digits())
      return fail("expected digits after '.'");
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-'))
      ++at;
    if (!digits())
      return fail("expected digits in an exponent");
  }
  return true;
}

bool JsonCursor::number(double &value) {
  skipSpace();
  size_t begin = at;
  if (at < text.size() && text[at] != '-' && (text[at] < '0' || text[at] > '9'))
    return fail("expected a number");
  if (!skipNumber())
    return false;
  std::string_view digits = text.substr(begin, at - begin);
  bool negative = digits.front() == '-', fraction = false, full = false;
  uint64_t significand = 0;
  int exponent = 0;
  size_t i = negative;
  for (; i < digits.size() && digits[i] != 'e' && digits[i] != 'E'; ++i) {
    if (digits[i] == '.') {
      fraction = true;
      continue;
    }
    uint64_t digit = static_cast<uint64_t>(digits[i] - '0');
    full = full || significand > (UINT64_MAX - digit) / 10;
    if (!full)
      significand = significand * 10 + digit;
    exponent += full ? !fraction : -int(fraction);
  }
  if (i < digits.size()) {
    bool down = digits[++i] == '-';
    int written = 0;
    for (i += digits[i] == '-' || digits[i] == '+'; i < digits.size(); ++i)
      written = std::min(written * 10 + (digits[i] - '0'), 100000);
    exponent += down ? -written : written;
  }
  double scaled = static_cast<double>(significand);
  for (; std::abs(exponent) > 308 && scaled != 0; exponent += 308) {
    if (exponent > 0)
      return fail("number too large");
    scaled /= 1e308;
  }
  if (scaled != 0)
    scaled = exponent >= 0 ? scaled * std::pow(10.0, exponent) : scaled / std::pow(10.0, -exponent);
  if (!std::isfinite(scaled))
    return fail("number too large");
  value = negative ? -scaled : scaled;
  return true;
}

bool JsonCursor::skip(std::string_view &span) {
  skipSpace();
  size_t begin = at;
  std::vector<char> closers;
  bool wanted = true; // a value, as opposed to what may follow one
  do {
    char c = peek();
    if (wanted) {
      if (c == '{' || c == '[') {
        if (closers.size() == MaxDepth)
          return fail("nested too deeply");
        closers.push_back(c == '{' ? '}' : ']');
        ++at;
        if (peek() == closers.back()) {
          ++at;
          closers.pop_back();
          wanted = false;
        }
      } else {
        wanted = false;
        if (c == '"') {
          if (!skipString())
            return false;
        } else if (std::string_view rest = text.substr(at); rest.starts_with("true") || rest.starts_with("null")) {
          at += 4;
        } else if (rest.starts_with("false")) {
          at += 5;
        } else if (!skipNumber()) {
          return false;
        }
      }
      if (wanted && closers.back() == '}') {
        std::string_view name;
        if (!key(name))
          return false;
      }
      continue;
    }
    ++at;
    if (c == closers.back()) {
      closers.pop_back();
    } else if (c == ',') {
      wanted = true;
      std::string_view name;
      if (closers.back() == '}' && !key(name))
        return false;
    } else {
      --at;
      return fail("expected ',' or a closing bracket");
    }
  } while (!closers.empty() || wanted);
  span = text.substr(begin, at - begin);
  return true;
}

} // namespace yoke
