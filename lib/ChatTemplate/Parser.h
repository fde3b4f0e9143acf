#pragma once

#include "ChatTemplate/Ast.h"
#include "ChatTemplate/Lexer.h"

#include <optional>

namespace yoke::chat {

/// Parses the tokens of a template. One object parses one template.
class Parser {
public:
  Parser(std::vector<Token> tokens, std::string_view name, int maxDepth)
      : tokens(std::move(tokens)), name(name), maxDepth(maxDepth) {}

  Result<Block> parseTemplate();

private:
  template <class T> using List = std::initializer_list<T>;

  // Statements.
  Result<Block> parseUntil(List<std::string_view> ends);
  Result<Block> parseBody(List<std::string_view> ends);
  Result<Block> parseBodyAndEnd(std::string_view end);
  Result<Statement> parseStatement();
  Result<Statement> parsePrint();
  Result<Statement> parseIf();
  Result<Statement> parseFor();
  Result<Statement> parseSet();
  Result<Statement> parseMacro();
  Result<Statement> parseCallBlock();
  Result<Statement> parseFilterBlock();
  Result<Statement> parseWith();
  Result<Statement> parseGeneration();
  Result<Statement> parseLoopControl(bool isBreak);
  Result<std::vector<Parameter>> parseSignature();
  Result<Block> parseMacroBody(MacroNode &macro, std::string_view end);
  Result<Target> parseTarget(bool withMembers);
  Result<Target> parseTargetItem(bool withMembers);

  // Expressions, from the weakest operator to the strongest.
  Result<ExpressionPtr> parseTuple(bool inParentheses);
  Result<ExpressionPtr> parseExpression();
  Result<ExpressionPtr> parseConditional();
  Result<ExpressionPtr> parseLogic(bool isAnd);
  Result<ExpressionPtr> parseNot();
  Result<ExpressionPtr> parseComparison();
  Result<ExpressionPtr> parseSum();
  Result<ExpressionPtr> parseConcatenation();
  Result<ExpressionPtr> parseProduct();
  Result<ExpressionPtr> parsePower();
  Result<ExpressionPtr> parseUnary(bool withFilters);
  Result<ExpressionPtr> parsePrimary();
  Result<ExpressionPtr> parseNumber();
  Result<ExpressionPtr> parseListDisplay();
  Result<ExpressionPtr> parseDictDisplay();
  Result<ExpressionPtr> parsePostfix(ExpressionPtr base, bool withFilters);
  Result<Step> parseSubscript();
  Result<Step> parseFilter();
  Result<Step> parseTest();
  Result<CallArguments> parseArguments();
  std::optional<Arithmetic> takeArithmetic(List<std::pair<std::string_view, Arithmetic>> signs);
  Result<std::optional<Comparison>> takeComparison();
  Result<ExpressionPtr> parseChain(Result<ExpressionPtr> (Parser::*operand)(),
                                   List<std::pair<std::string_view, Arithmetic>> signs);
  template <class Node> ExpressionPtr make(int line, Node node) {
    return std::make_unique<Expression>(Expression{line, std::move(node)});
  }

  // Tokens.
  const Token &current() const { return tokens[position]; }
  const Token &following() const { return tokens[std::min(position + 1, tokens.size() - 1)]; }
  void skip() { position = std::min(position + 1, tokens.size() - 1); }
  bool takeName(std::string_view text);
  bool takeOperator(std::string_view sign);
  Status expectOperator(std::string_view sign);
  Status expectKind(TokenKind kind, std::string_view what);
  Result<std::string> expectName();
  bool isAnyName(List<std::string_view> names) const;
  std::string describeCurrent() const;
  template <class... Args> tl::unexpected<Error> error(fmt::format_string<Args...> format, Args &&...args) const {
    return malformed("{}: line {}: {}", name, current().line, fmt::format(format, std::forward<Args>(args)...));
  }

  /// Counts one level of nesting while it lives.
  struct Nesting {
    explicit Nesting(int &depth) : depth(++depth) {}
    ~Nesting() { --depth; }
    Nesting(const Nesting &) = delete;
    int &depth;
  };
  Status checkDepth() const;

  std::vector<Token> tokens;
  std::string_view name;
  int maxDepth;
  int depth = 0;
  size_t position = 0;
  std::vector<bool *> loops;       ///< `usesLoop` of the loops around
  std::vector<MacroNode *> macros; ///< the macros around
  int loopBodies = 0;              ///< loops around that `break` can leave
};

} // namespace yoke::chat
