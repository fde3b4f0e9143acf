#include "ChatTemplate/Parser.h"
#include "Support/Text.h"

#include <algorithm>

namespace yoke::chat {

bool Parser::takeName(std::string_view text) {
  bool found = current().isName(text);
  if (found)
    skip();
  return found;
}

bool Parser::takeOperator(std::string_view sign) {
  bool found = current().isOperator(sign);
  if (found)
    skip();
  return found;
}

bool Parser::isAnyName(List<std::string_view> names) const {
  return current().kind == TokenKind::Name && std::find(names.begin(), names.end(), current().text) != names.end();
}

std::string Parser::describeCurrent() const {
  switch (current().kind) {
  case TokenKind::End:
    return "end of template";
  case TokenKind::PrintEnd:
    return "'}}'";
  case TokenKind::BlockEnd:
    return "'%}'";
  case TokenKind::Data:
  case TokenKind::PrintBegin:
  case TokenKind::BlockBegin:
    return "text";
  case TokenKind::String:
    return "string " + quote(current().text, 40);
  default:
    return "'" + printable(current().text, 40) + "'";
  }
}

Status Parser::expectOperator(std::string_view sign) {
  if (!takeOperator(sign))
    return error("expected '{}', got {}", sign, describeCurrent());
  return {};
}

Status Parser::expectKind(TokenKind kind, std::string_view what) {
  if (current().kind != kind)
    return error("expected '{}', got {}", what, describeCurrent());
  skip();
  return {};
}

Result<std::string> Parser::expectName() {
  if (current().kind != TokenKind::Name)
    return error("expected a name, got {}", describeCurrent());
  std::string text = current().text;
  skip();
  return text;
}

Result<Block> Parser::parseTemplate() {
  Block block = YOKE_TRY(parseUntil({}));
  if (current().kind != TokenKind::End)
    return error("unexpected {}", describeCurrent());
  return block;
}

/// Statements up to a tag of one of these names, whose name is then the current token; without names, up to the end.
Result<Block> Parser::parseUntil(List<std::string_view> ends) {
  Nesting nesting(depth);
  YOKE_TRY(checkDepth());
  Block block;
  while (current().kind != TokenKind::End) {
    const int line = current().line;
    if (current().kind == TokenKind::Data) {
      block.push_back({line, DataStatement{std::make_shared<const MarkedText>(current().text, false)}});
      skip();
    } else if (current().kind == TokenKind::PrintBegin) {
      skip();
      block.push_back({line, PrintStatement{YOKE_TRY(parseTuple(false))}});
      YOKE_TRY(expectKind(TokenKind::PrintEnd, "}}"));
    } else {
      YOKE_TRY(expectKind(TokenKind::BlockBegin, "{%"));
      if (isAnyName(ends))
        return block;
      block.push_back(YOKE_TRY(parseStatement()));
      YOKE_TRY(expectKind(TokenKind::BlockEnd, "%}"));
    }
  }
  if (ends.size() > 0)
    return error("unexpected end of template, expected '{}'", *(ends.end() - 1));
  return block;
}

Result<Block> Parser::parseBody(List<std::string_view> ends) {
  takeOperator(":");
  YOKE_TRY(expectKind(TokenKind::BlockEnd, "%}"));
  return parseUntil(ends);
}

Result<Block> Parser::parseBodyAndEnd(std::string_view end) {
  Block block = YOKE_TRY(parseBody({end}));
  skip();
  return block;
}

Result<Statement> Parser::parseStatement() {
  const int line = current().line;
  if (current().kind != TokenKind::Name)
    return error("tag name expected, got {}", describeCurrent());
  struct Tag {
    std::string_view name;
    Result<Statement> (Parser::*parse)();
  };
  static constexpr Tag tags[] = {{"if", &Parser::parseIf},
                                 {"for", &Parser::parseFor},
                                 {"set", &Parser::parseSet},
                                 {"print", &Parser::parsePrint},
                                 {"macro", &Parser::parseMacro},
                                 {"call", &Parser::parseCallBlock},
                                 {"filter", &Parser::parseFilterBlock},
                                 {"with", &Parser::parseWith},
                                 {"generation", &Parser::parseGeneration}};
  if (takeName("break"))
    return parseLoopControl(true);
  if (takeName("continue"))
    return parseLoopControl(false);
  for (const Tag &tag : tags)
    if (takeName(tag.name)) {
      Statement statement = YOKE_TRY((this->*tag.parse)());
      statement.line = line;
      return statement;
    }
  return error("unknown or unexpected tag {}", describeCurrent());
}

Result<Statement> Parser::parsePrint() {
  const int line = current().line;
  Concatenation parts;
  do
    parts.parts.push_back(YOKE_TRY(parseExpression()));
  while (takeOperator(","));
  return Statement{0, PrintStatement{make(line, std::move(parts))}};
}

Result<Statement> Parser::parseLoopControl(bool isBreak) {
  if (loopBodies == 0)
    return error("'{}' outside of a loop", isBreak ? "break" : "continue");
  if (isBreak)
    return Statement{current().line, BreakStatement{}};
  return Statement{current().line, ContinueStatement{}};
}

Result<Statement> Parser::parseIf() {
  IfStatement statement;
  while (true) {
    ExpressionPtr condition = YOKE_TRY(parseTuple(false));
    Block body = YOKE_TRY(parseBody({"elif", "else", "endif"}));
    statement.branches.emplace_back(std::move(condition), std::move(body));
    if (takeName("elif"))
      continue;
    if (takeName("else"))
      statement.otherwise = YOKE_TRY(parseBodyAndEnd("endif"));
    else
      skip();
    return Statement{0, std::move(statement)};
  }
}

Result<Statement> Parser::parseFor() {
  ForStatement statement;
  statement.target = YOKE_TRY(parseTarget(false));
  if (!takeName("in"))
    return error("expected 'in', got {}", describeCurrent());
  // As a tuple, but an `if` that follows is the filter.
  const int line = current().line;
  std::vector<ExpressionPtr> items;
  bool isTuple = false;
  do {
    if (isTuple && (current().kind == TokenKind::BlockEnd || isAnyName({"if", "recursive"})))
      break;
    items.push_back(YOKE_TRY(parseLogic(false)));
    isTuple = isTuple || current().isOperator(",");
  } while (takeOperator(","));
  statement.items = isTuple ? make(line, SequenceDisplay{std::move(items), SequenceKind::Tuple}) : std::move(items[0]);
  if (takeName("if"))
    statement.filter = YOKE_TRY(parseExpression());
  if (current().isName("recursive"))
    return error("recursive loops are not supported");
  bool usesLoop = false;
  loops.push_back(&usesLoop);
  ++loopBodies;
  auto body = parseBody({"else", "endfor"});
  --loopBodies;
  loops.pop_back();
  statement.body = YOKE_TRY(std::move(body));
  statement.usesLoop = usesLoop;
  if (takeName("else"))
    statement.otherwise = YOKE_TRY(parseBodyAndEnd("endfor"));
  else
    skip();
  return Statement{0, std::move(statement)};
}

Result<Statement> Parser::parseSet() {
  Target target = YOKE_TRY(parseTarget(true));
  if (takeOperator("="))
    return Statement{0, SetStatement{std::move(target), YOKE_TRY(parseTuple(false))}};
  SetBlockStatement block{std::move(target), {}, {}};
  while (takeOperator("|"))
    block.filters.push_back(YOKE_TRY(parseFilter()));
  block.body = YOKE_TRY(parseBodyAndEnd("endset"));
  return Statement{0, std::move(block)};
}

Result<std::vector<Parameter>> Parser::parseSignature() {
  std::vector<Parameter> parameters;
  YOKE_TRY(expectOperator("("));
  while (!current().isOperator(")")) {
    Parameter parameter{YOKE_TRY(expectName()), nullptr};
    if (takeOperator("="))
      parameter.defaultValue = YOKE_TRY(parseExpression());
    else if (!parameters.empty() && parameters.back().defaultValue)
      return error("non-default argument follows default argument");
    parameters.push_back(std::move(parameter));
    if (!current().isOperator(")"))
      YOKE_TRY(expectOperator(","));
  }
  YOKE_TRY(expectOperator(")"));
  return parameters;
}

/// The body, in which outer loops cannot be left.
Result<Block> Parser::parseMacroBody(MacroNode &macro, std::string_view end) {
  macros.push_back(&macro);
  const int outerLoops = std::exchange(loopBodies, 0);
  auto body = parseBodyAndEnd(end);
  loopBodies = outerLoops;
  macros.pop_back();
  return body;
}

Result<Statement> Parser::parseMacro() {
  auto macro = std::make_shared<MacroNode>();
  macro->line = current().line;
  macro->name = YOKE_TRY(expectName());
  macro->parameters = YOKE_TRY(parseSignature());
  macro->body = YOKE_TRY(parseMacroBody(*macro, "endmacro"));
  return Statement{0, MacroStatement{std::move(macro)}};
}

Result<Statement> Parser::parseCallBlock() {
  auto caller = std::make_shared<MacroNode>();
  caller->line = current().line;
  caller->name = "caller";
  if (current().isOperator("("))
    caller->parameters = YOKE_TRY(parseSignature());
  ExpressionPtr expression = YOKE_TRY(parseExpression());
  auto *postfix = std::get_if<Postfix>(&expression->node);
  auto *call = postfix ? std::get_if<CallStep>(&postfix->steps.back().node) : nullptr;
  if (!call)
    return error("expected call");
  CallStatement statement{std::move(caller), nullptr, std::move(call->arguments)};
  postfix->steps.pop_back();
  statement.callee = std::move(expression);
  statement.caller->body = YOKE_TRY(parseMacroBody(*statement.caller, "endcall"));
  return Statement{0, std::move(statement)};
}

Result<Statement> Parser::parseFilterBlock() {
  FilterStatement statement;
  do
    statement.filters.push_back(YOKE_TRY(parseFilter()));
  while (takeOperator("|"));
  statement.body = YOKE_TRY(parseBodyAndEnd("endfilter"));
  return Statement{0, std::move(statement)};
}

Result<Statement> Parser::parseWith() {
  WithStatement statement;
  while (current().kind != TokenKind::BlockEnd) {
    if (!statement.variables.empty())
      YOKE_TRY(expectOperator(","));
    Target target = YOKE_TRY(parseTargetItem(false));
    YOKE_TRY(expectOperator("="));
    statement.variables.emplace_back(std::move(target), YOKE_TRY(parseExpression()));
  }
  statement.body = YOKE_TRY(parseBodyAndEnd("endwith"));
  return Statement{0, std::move(statement)};
}

Result<Statement> Parser::parseGeneration() {
  const int outerLoops = std::exchange(loopBodies, 0);
  auto body = parseBodyAndEnd("endgeneration");
  loopBodies = outerLoops;
  return Statement{0, ScopeStatement{YOKE_TRY(std::move(body))}};
}

Result<Target> Parser::parseTargetItem(bool withMembers) {
  Nesting nesting(depth);
  YOKE_TRY(checkDepth());
  if (takeOperator("(")) {
    Target target = YOKE_TRY(parseTarget(withMembers));
    YOKE_TRY(expectOperator(")"));
    return target;
  }
  if (isAnyName({"true", "True", "false", "False", "none", "None"}))
    return error("cannot assign to {}", describeCurrent());
  Target target;
  target.name = YOKE_TRY(expectName());
  if (withMembers && takeOperator("."))
    target.member = YOKE_TRY(expectName());
  return target;
}

Result<Target> Parser::parseTarget(bool withMembers) {
  Target first = YOKE_TRY(parseTargetItem(withMembers));
  if (!current().isOperator(","))
    return first;
  Target target;
  target.isTuple = true;
  target.parts.push_back(std::move(first));
  while (takeOperator(",")) {
    if (current().kind != TokenKind::Name && !current().isOperator("("))
      break;
    if (isAnyName({"in"}))
      break;
    target.parts.push_back(YOKE_TRY(parseTargetItem(withMembers)));
  }
  return target;
}

} // namespace yoke::chat
