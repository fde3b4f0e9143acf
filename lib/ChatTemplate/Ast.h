// The syntax tree. Chains of operators are flat, so that only nesting in the source makes depth.
#pragma once

#include "ChatTemplate/Operators.h"

#include <memory>
#include <variant>

namespace yoke::chat {

struct Expression;
using ExpressionPtr = std::unique_ptr<Expression>;

struct CallArguments {
  std::vector<ExpressionPtr> positional;
  std::vector<std::pair<std::string, ExpressionPtr>> named;
  ExpressionPtr spread, spreadNamed; ///< *args and **kwargs; may be null
};

struct Literal {
  Value value;
};
struct NameReference {
  std::string name;
};
struct SequenceDisplay {
  std::vector<ExpressionPtr> items;
  SequenceKind kind;
};
struct DictDisplay {
  std::vector<std::pair<ExpressionPtr, ExpressionPtr>> entries;
};
/// Operators of one precedence, applied from left to right.
struct ArithmeticChain {
  ExpressionPtr first;
  std::vector<std::pair<Arithmetic, ExpressionPtr>> rest;
};
/// a < b <= c, which is a < b and b <= c.
struct ComparisonChain {
  ExpressionPtr first;
  std::vector<std::pair<Comparison, ExpressionPtr>> rest;
};
struct Concatenation {
  std::vector<ExpressionPtr> parts;
};
/// a and b and c, or the same with or.
struct LogicChain {
  bool isAnd;
  std::vector<ExpressionPtr> operands;
};
struct Not {
  ExpressionPtr operand;
};
struct Sign {
  bool minus;
  ExpressionPtr operand;
};
struct Conditional {
  ExpressionPtr condition, then, otherwise; ///< `otherwise` may be null
};

struct AttributeStep {
  std::string name;
};
struct ItemStep {
  ExpressionPtr key;
};
struct SliceStep {
  ExpressionPtr start, stop, step; ///< each may be null
};
struct CallStep {
  CallArguments arguments;
};
/// A filter or a test.
struct ApplyStep {
  std::string name;
  Builtin function; ///< null: unknown, an error when it is reached
  CallArguments arguments;
  bool isTest = false, negated = false;
};
struct Step {
  int line;
  std::variant<AttributeStep, ItemStep, SliceStep, CallStep, ApplyStep> node;
};
struct Postfix {
  ExpressionPtr base;
  std::vector<Step> steps;
};

struct Expression {
  int line;
  std::variant<Literal, NameReference, SequenceDisplay, DictDisplay, ArithmeticChain, ComparisonChain, Concatenation,
               LogicChain, Not, Sign, Conditional, Postfix>
      node;
};

/// A place to assign to: a name, a member of a namespace, or several of these.
struct Target {
  std::string name;
  std::string member;        ///< not empty: name.member
  std::vector<Target> parts; ///< when `isTuple`
  bool isTuple = false;
};

struct Statement;
using Block = std::vector<Statement>;

struct Parameter {
  std::string name;
  ExpressionPtr defaultValue; ///< may be null
};
/// The parameters and body of a macro or of a call block.
struct MacroNode {
  std::string name;
  int line = 0;
  std::vector<Parameter> parameters;
  Block body;
  bool usesVarargs = false, usesKwargs = false;
};

struct DataStatement {
  TextPtr text;
};
struct PrintStatement {
  ExpressionPtr value;
};
struct IfStatement {
  std::vector<std::pair<ExpressionPtr, Block>> branches;
  Block otherwise;
};
struct ForStatement {
  Target target;
  ExpressionPtr items, filter; ///< `filter` may be null
  Block body, otherwise;
  bool usesLoop = false;
};
struct SetStatement {
  Target target;
  ExpressionPtr value;
};
/// {% set target | filters %}body{% endset %}
struct SetBlockStatement {
  Target target;
  std::vector<Step> filters;
  Block body;
};
struct FilterStatement {
  std::vector<Step> filters;
  Block body;
};
struct MacroStatement {
  std::shared_ptr<MacroNode> macro;
};
/// {% call(parameters) callee(arguments) %}body{% endcall %}
struct CallStatement {
  std::shared_ptr<MacroNode> caller;
  ExpressionPtr callee; ///< what stands before the arguments
  CallArguments arguments;
};
struct WithStatement {
  std::vector<std::pair<Target, ExpressionPtr>> variables;
  Block body;
};
/// {% generation %}: a block with variables of its own.
struct ScopeStatement {
  Block body;
};
struct BreakStatement {};
struct ContinueStatement {};

struct Statement {
  int line;
  std::variant<DataStatement, PrintStatement, IfStatement, ForStatement, SetStatement, SetBlockStatement,
               FilterStatement, MacroStatement, CallStatement, WithStatement, ScopeStatement, BreakStatement,
               ContinueStatement>
      node;
};

} // namespace yoke::chat
