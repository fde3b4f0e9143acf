#pragma once

#include "ChatTemplate/Ast.h"

#include <deque>

namespace yoke::chat {

/// Names that statements have set.
struct Scope : std::enable_shared_from_this<Scope> {
  explicit Scope(Scope *parent) : parent(parent) {}
  std::unordered_map<std::string_view, Value> names; ///< keys are owned by the syntax tree
  Scope *parent;
  bool pinned = false; ///< kept until the end of the rendering, for macros that refer to it
};

struct MacroObject {
  std::shared_ptr<const MacroNode> node;
  Scope *closure;
};

/// Executes one rendering.
class Interpreter {
public:
  Interpreter(Context &context, const Dict &variables) : context(context), variables(variables) {}
  ~Interpreter();

  Result<MarkedText> run(const Block &block);

private:
  enum class Flow { Normal, Break, Continue };

  Result<Flow> execute(const Block &block);
  Result<Flow> execute(const DataStatement &statement);
  Result<Flow> execute(const PrintStatement &statement);
  Result<Flow> execute(const IfStatement &statement);
  Result<Flow> execute(const ForStatement &statement);
  Result<Flow> execute(const SetStatement &statement);
  Result<Flow> execute(const SetBlockStatement &statement);
  Result<Flow> execute(const FilterStatement &statement);
  Result<Flow> execute(const MacroStatement &statement);
  Result<Flow> execute(const CallStatement &statement);
  Result<Flow> execute(const WithStatement &statement);
  Result<Flow> execute(const ScopeStatement &statement);
  Result<Flow> execute(const BreakStatement &) { return Flow::Break; }
  Result<Flow> execute(const ContinueStatement &) { return Flow::Continue; }
  Result<Flow> executeInScope(const Block &block, std::shared_ptr<Scope> inner);
  /// The output of a block, in a scope of its own.
  Result<Value> capture(const Block &block);
  Result<SequencePtr> filteredItems(const ForStatement &statement, SequencePtr items);
  Result<bool> passesFilter(const ForStatement &statement, const Value &item, std::shared_ptr<Scope> inner);
  Status assign(const Target &target, const Value &value);

  Result<Value> evaluate(const Expression &expression);
  Result<Value> evaluate(const Literal &literal) { return literal.value; }
  Result<Value> evaluate(const NameReference &name);
  Result<Value> evaluate(const SequenceDisplay &display);
  Result<Value> evaluate(const DictDisplay &display);
  Result<Value> evaluate(const ArithmeticChain &chain);
  Result<Value> evaluate(const ComparisonChain &chain);
  Result<Value> evaluate(const Concatenation &concatenation);
  Result<Value> evaluate(const LogicChain &chain);
  Result<Value> evaluate(const Not &negation);
  Result<Value> evaluate(const Sign &sign);
  Result<Value> evaluate(const Conditional &conditional);
  Result<Value> evaluate(const Postfix &postfix);
  Result<Value> evaluateOrNone(const ExpressionPtr &expression);

  Result<Value> apply(const Value &value, const Step &step);
  Result<Value> apply(const Value &value, const AttributeStep &step, int line);
  Result<Value> apply(const Value &value, const ItemStep &step, int line);
  Result<Value> apply(const Value &value, const SliceStep &step, int line);
  Result<Value> apply(const Value &value, const CallStep &step, int line);
  Result<Value> apply(const Value &value, const ApplyStep &step, int line);
  Result<Value> applyAll(Value value, const std::vector<Step> &steps);

  Result<Arguments> evaluateArguments(const CallArguments &arguments);
  Result<Value> call(const Value &callee, Arguments arguments);
  Result<Value> callMacro(const MacroObject &macro, Arguments arguments);
  Status bindParameters(const MacroNode &macro, Arguments arguments, Scope &inner);
  Result<Value> makeMacro(std::shared_ptr<const MacroNode> node);
  void pin(Scope *scope);

  /// Errors when too many nodes are being evaluated inside one another.
  Status checkNesting() const;

  Context &context;
  const Dict &variables;
  Scope *scope = nullptr;
  MarkedText *output = nullptr;
  int nesting = 0, calls = 0;
  std::deque<MacroObject> macros;
  std::vector<std::shared_ptr<Scope>> pinnedScopes;
};

} // namespace yoke::chat
