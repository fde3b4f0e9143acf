#include "ChatTemplate/Builtins.h"
#include "ChatTemplate/Parser.h"
#include "Support/Text.h"

#include <charconv>

namespace yoke::chat {

Status Parser::checkDepth() const {
  if (depth > maxDepth)
    return error("nested more than {} deep", maxDepth);
  return {};
}

Result<ExpressionPtr> Parser::parseTuple(bool inParentheses) {
  const int line = current().line;
  auto isEnd = [&] {
    return current().kind == TokenKind::PrintEnd || current().kind == TokenKind::BlockEnd || current().isOperator(")");
  };
  std::vector<ExpressionPtr> items;
  bool isTuple = false;
  while (!isEnd()) {
    items.push_back(YOKE_TRY(parseExpression()));
    if (!takeOperator(","))
      break;
    isTuple = true;
  }
  if (!isTuple && items.size() == 1)
    return std::move(items.front());
  if (!isTuple && !inParentheses)
    return error("expected an expression, got {}", describeCurrent());
  return make(line, SequenceDisplay{std::move(items), SequenceKind::Tuple});
}

Result<ExpressionPtr> Parser::parseExpression() {
  Nesting nesting(depth);
  YOKE_TRY(checkDepth());
  return parseConditional();
}

Result<ExpressionPtr> Parser::parseConditional() {
  const int line = current().line;
  ExpressionPtr value = YOKE_TRY(parseLogic(false));
  for (int chained = 1; takeName("if"); ++chained) {
    if (depth + chained > maxDepth)
      return error("nested more than {} deep", maxDepth);
    ExpressionPtr condition = YOKE_TRY(parseLogic(false));
    ExpressionPtr otherwise = takeName("else") ? YOKE_TRY(parseExpression()) : nullptr;
    value = make(line, Conditional{std::move(condition), std::move(value), std::move(otherwise)});
  }
  return value;
}

Result<ExpressionPtr> Parser::parseLogic(bool isAnd) {
  const int line = current().line;
  std::vector<ExpressionPtr> operands;
  do
    operands.push_back(YOKE_TRY(isAnd ? parseNot() : parseLogic(true)));
  while (takeName(isAnd ? "and" : "or"));
  if (operands.size() == 1)
    return std::move(operands.front());
  return make(line, LogicChain{isAnd, std::move(operands)});
}

Result<ExpressionPtr> Parser::parseNot() {
  const int line = current().line;
  if (!takeName("not"))
    return parseComparison();
  Nesting nesting(depth);
  YOKE_TRY(checkDepth());
  return make(line, Not{YOKE_TRY(parseNot())});
}

Result<std::optional<Comparison>> Parser::takeComparison() {
  static constexpr std::pair<std::string_view, Comparison> signs[] = {
      {"==", Comparison::Equal},     {"!=", Comparison::NotEqual}, {"<", Comparison::Less},
      {"<=", Comparison::LessEqual}, {">", Comparison::Greater},   {">=", Comparison::GreaterEqual}};
  for (auto [sign, comparison] : signs)
    if (takeOperator(sign))
      return comparison;
  if (takeName("in"))
    return Comparison::In;
  if (current().isName("not") && following().isName("in")) {
    skip();
    skip();
    return Comparison::NotIn;
  }
  return std::nullopt;
}

Result<ExpressionPtr> Parser::parseComparison() {
  const int line = current().line;
  ExpressionPtr first = YOKE_TRY(parseSum());
  std::vector<std::pair<Comparison, ExpressionPtr>> rest;
  while (std::optional<Comparison> comparison = YOKE_TRY(takeComparison()))
    rest.emplace_back(*comparison, YOKE_TRY(parseSum()));
  if (rest.empty())
    return first;
  return make(line, ComparisonChain{std::move(first), std::move(rest)});
}

std::optional<Arithmetic> Parser::takeArithmetic(List<std::pair<std::string_view, Arithmetic>> signs) {
  for (auto [sign, op] : signs)
    if (takeOperator(sign))
      return op;
  return std::nullopt;
}

Result<ExpressionPtr> Parser::parseChain(Result<ExpressionPtr> (Parser::*operand)(),
                                         List<std::pair<std::string_view, Arithmetic>> signs) {
  const int line = current().line;
  ExpressionPtr first = YOKE_TRY((this->*operand)());
  std::vector<std::pair<Arithmetic, ExpressionPtr>> rest;
  while (std::optional<Arithmetic> op = takeArithmetic(signs))
    rest.emplace_back(*op, YOKE_TRY((this->*operand)()));
  if (rest.empty())
    return first;
  return make(line, ArithmeticChain{std::move(first), std::move(rest)});
}

Result<ExpressionPtr> Parser::parseSum() {
  return parseChain(&Parser::parseConcatenation, {{"+", Arithmetic::Add}, {"-", Arithmetic::Subtract}});
}

Result<ExpressionPtr> Parser::parseConcatenation() {
  const int line = current().line;
  std::vector<ExpressionPtr> parts;
  do
    parts.push_back(YOKE_TRY(parseProduct()));
  while (takeOperator("~"));
  if (parts.size() == 1)
    return std::move(parts.front());
  return make(line, Concatenation{std::move(parts)});
}

Result<ExpressionPtr> Parser::parseProduct() {
  return parseChain(&Parser::parsePower, {{"*", Arithmetic::Multiply},
                                          {"/", Arithmetic::Divide},
                                          {"//", Arithmetic::FloorDivide},
                                          {"%", Arithmetic::Modulo}});
}

Result<ExpressionPtr> Parser::parsePower() {
  const int line = current().line;
  ExpressionPtr first = YOKE_TRY(parseUnary(true));
  std::vector<std::pair<Arithmetic, ExpressionPtr>> rest;
  while (takeOperator("**"))
    rest.emplace_back(Arithmetic::Power, YOKE_TRY(parseUnary(true)));
  if (rest.empty())
    return first;
  return make(line, ArithmeticChain{std::move(first), std::move(rest)});
}

Result<ExpressionPtr> Parser::parseUnary(bool withFilters) {
  const int line = current().line;
  const bool minus = takeOperator("-");
  if (!minus && !takeOperator("+"))
    return parsePostfix(YOKE_TRY(parsePrimary()), withFilters);
  Nesting nesting(depth);
  YOKE_TRY(checkDepth());
  return parsePostfix(make(line, Sign{minus, YOKE_TRY(parseUnary(false))}), withFilters);
}

Result<ExpressionPtr> Parser::parsePrimary() {
  const Token token = current();
  if (token.kind == TokenKind::Integer || token.kind == TokenKind::Float)
    return parseNumber();
  if (token.isOperator("["))
    return parseListDisplay();
  if (token.isOperator("{"))
    return parseDictDisplay();
  if (takeOperator("(")) {
    ExpressionPtr value = YOKE_TRY(parseTuple(true));
    YOKE_TRY(expectOperator(")"));
    return value;
  }
  if (token.kind == TokenKind::String) {
    std::string text;
    for (; current().kind == TokenKind::String; skip())
      text += current().text;
    return make(token.line, Literal{Value::text(text)});
  }
  if (token.kind != TokenKind::Name)
    return error("unexpected {}", describeCurrent());
  skip();
  if (token.text == "true" || token.text == "True")
    return make(token.line, Literal{Value(true)});
  if (token.text == "false" || token.text == "False")
    return make(token.line, Literal{Value(false)});
  if (token.text == "none" || token.text == "None")
    return make(token.line, Literal{Value()});
  if (token.text == "loop")
    for (bool *used : loops)
      *used = true;
  if (!macros.empty() && token.text == "varargs")
    macros.back()->usesVarargs = true;
  if (!macros.empty() && token.text == "kwargs")
    macros.back()->usesKwargs = true;
  return make(token.line, NameReference{token.text});
}

Result<ExpressionPtr> Parser::parseNumber() {
  const Token token = current();
  std::string_view digits = token.text;
  skip();
  if (token.kind == TokenKind::Float) {
    double value = 0;
    auto [end, status] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (status != std::errc() || end != digits.data() + digits.size())
      return error("{}: not a number of double precision", token.text);
    return make(token.line, Literal{Value(value)});
  }
  int base = 10;
  if (digits.size() > 2 && digits[0] == '0' && !(digits[1] >= '0' && digits[1] <= '9')) {
    char letter = static_cast<char>(digits[1] | 0x20);
    base = letter == 'x' ? 16 : letter == 'o' ? 8 : 2;
    digits.remove_prefix(2);
  }
  int64_t value = 0;
  auto [end, status] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (status != std::errc() || end != digits.data() + digits.size())
    return error("{}: integer of more than 64 bits", printable(token.text));
  return make(token.line, Literal{Value(value)});
}

Result<ExpressionPtr> Parser::parseListDisplay() {
  const int line = current().line;
  YOKE_TRY(expectOperator("["));
  std::vector<ExpressionPtr> items;
  while (!current().isOperator("]")) {
    items.push_back(YOKE_TRY(parseExpression()));
    if (!takeOperator(","))
      break;
  }
  YOKE_TRY(expectOperator("]"));
  return make(line, SequenceDisplay{std::move(items), SequenceKind::List});
}

Result<ExpressionPtr> Parser::parseDictDisplay() {
  const int line = current().line;
  YOKE_TRY(expectOperator("{"));
  DictDisplay dict;
  while (!current().isOperator("}")) {
    ExpressionPtr key = YOKE_TRY(parseExpression());
    YOKE_TRY(expectOperator(":"));
    dict.entries.emplace_back(std::move(key), YOKE_TRY(parseExpression()));
    if (!takeOperator(","))
      break;
  }
  YOKE_TRY(expectOperator("}"));
  return make(line, std::move(dict));
}

Result<ExpressionPtr> Parser::parsePostfix(ExpressionPtr base, bool withFilters) {
  std::vector<Step> steps;
  bool filtersSeen = false;
  while (true) {
    const int line = current().line;
    if (!filtersSeen && (current().isOperator(".") || current().isOperator("["))) {
      steps.push_back(YOKE_TRY(parseSubscript()));
    } else if (current().isOperator("(")) {
      steps.push_back({line, CallStep{YOKE_TRY(parseArguments())}});
    } else if (withFilters && takeOperator("|")) {
      steps.push_back(YOKE_TRY(parseFilter()));
      filtersSeen = true;
    } else if (withFilters && takeName("is")) {
      steps.push_back(YOKE_TRY(parseTest()));
      filtersSeen = true;
    } else {
      break;
    }
  }
  if (steps.empty())
    return base;
  const int line = base->line;
  return make(line, Postfix{std::move(base), std::move(steps)});
}

Result<Step> Parser::parseSubscript() {
  const int line = current().line;
  if (takeOperator(".")) {
    const Token token = current();
    if (token.kind == TokenKind::Name) {
      skip();
      return Step{line, AttributeStep{token.text}};
    }
    if (token.kind != TokenKind::Integer)
      return error("expected name or number, got {}", describeCurrent());
    return Step{line, ItemStep{YOKE_TRY(parseNumber())}};
  }
  YOKE_TRY(expectOperator("["));
  SliceStep slice;
  bool isSlice = false;
  if (!current().isOperator(":"))
    slice.start = YOKE_TRY(parseExpression());
  auto parseBound = [&]() -> Result<ExpressionPtr> {
    isSlice = true;
    if (current().isOperator("]") || current().isOperator(":"))
      return nullptr;
    return parseExpression();
  };
  if (takeOperator(":"))
    slice.stop = YOKE_TRY(parseBound());
  if (isSlice && takeOperator(":"))
    slice.step = YOKE_TRY(parseBound());
  if (!isSlice && takeOperator(",")) {
    SequenceDisplay key{{}, SequenceKind::Tuple};
    key.items.push_back(std::move(slice.start));
    do
      key.items.push_back(YOKE_TRY(parseExpression()));
    while (takeOperator(","));
    slice.start = make(line, std::move(key));
  }
  YOKE_TRY(expectOperator("]"));
  if (isSlice)
    return Step{line, std::move(slice)};
  return Step{line, ItemStep{std::move(slice.start)}};
}

Result<Step> Parser::parseFilter() {
  const int line = current().line;
  ApplyStep filter;
  filter.name = YOKE_TRY(expectName());
  while (takeOperator("."))
    filter.name += "." + YOKE_TRY(expectName());
  filter.function = findFilter(filter.name);
  if (current().isOperator("("))
    filter.arguments = YOKE_TRY(parseArguments());
  return Step{line, std::move(filter)};
}

Result<Step> Parser::parseTest() {
  const int line = current().line;
  ApplyStep test;
  test.isTest = true;
  test.negated = takeName("not");
  test.name = YOKE_TRY(expectName());
  while (takeOperator("."))
    test.name += "." + YOKE_TRY(expectName());
  test.function = findTest(test.name);
  const Token &token = current();
  if (token.isOperator("(")) {
    test.arguments = YOKE_TRY(parseArguments());
    return Step{line, std::move(test)};
  }
  bool startsOperand = token.kind == TokenKind::Name || token.kind == TokenKind::String ||
                       token.kind == TokenKind::Integer || token.kind == TokenKind::Float || token.isOperator("[") ||
                       token.isOperator("{");
  if (startsOperand && !isAnyName({"else", "or", "and"})) {
    if (token.isName("is"))
      return error("tests cannot be chained");
    ExpressionPtr operand = YOKE_TRY(parsePrimary());
    test.arguments.positional.push_back(YOKE_TRY(parsePostfix(std::move(operand), false)));
  }
  return Step{line, std::move(test)};
}

Result<CallArguments> Parser::parseArguments() {
  YOKE_TRY(expectOperator("("));
  CallArguments arguments;
  while (!current().isOperator(")")) {
    bool plainMayFollow = arguments.named.empty() && !arguments.spread && !arguments.spreadNamed;
    if (takeOperator("*")) {
      if (arguments.spread || arguments.spreadNamed)
        return error("invalid syntax for function call expression");
      arguments.spread = YOKE_TRY(parseExpression());
    } else if (takeOperator("**")) {
      if (arguments.spreadNamed)
        return error("invalid syntax for function call expression");
      arguments.spreadNamed = YOKE_TRY(parseExpression());
    } else if (current().kind == TokenKind::Name && following().isOperator("=")) {
      if (arguments.spreadNamed)
        return error("invalid syntax for function call expression");
      std::string key = YOKE_TRY(expectName());
      YOKE_TRY(expectOperator("="));
      for (const auto &[name, value] : arguments.named)
        if (name == key)
          return error("keyword argument repeated: {}", printable(key));
      arguments.named.emplace_back(std::move(key), YOKE_TRY(parseExpression()));
    } else {
      if (!plainMayFollow)
        return error("invalid syntax for function call expression");
      arguments.positional.push_back(YOKE_TRY(parseExpression()));
    }
    if (!takeOperator(","))
      break;
  }
  YOKE_TRY(expectOperator(")"));
  return arguments;
}

} // namespace yoke::chat
