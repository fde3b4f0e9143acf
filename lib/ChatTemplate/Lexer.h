// Template source to tokens, with the white space rules of trim_blocks and lstrip_blocks.
#pragma once

#include "Support/Error.h"

#include <string>
#include <string_view>
#include <vector>

namespace yoke::chat {

enum class TokenKind { Data, PrintBegin, PrintEnd, BlockBegin, BlockEnd, Name, String, Integer, Float, Operator, End };

struct Token {
  TokenKind kind;
  int line;
  std::string text; ///< decoded, for strings; digits without underscores, for numbers

  bool is(TokenKind wanted, std::string_view wantedText) const { return kind == wanted && text == wantedText; }
  bool isOperator(std::string_view sign) const { return is(TokenKind::Operator, sign); }
  bool isName(std::string_view name) const { return is(TokenKind::Name, name); }
};

/// The tokens of valid UTF-8; the last one is End. `name` names the template in messages.
Result<std::vector<Token>> tokenize(std::string_view source, std::string_view name);

} // namespace yoke::chat
