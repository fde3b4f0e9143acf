//===- Router.cpp - code that chooses the experts of a token --------------===//
//
// The experts of a token are totally ordered: larger logits first, then lower numbers. Each is found as the first of
// those after the one before it, so that the logits stay as they are.
//
//===----------------------------------------------------------------------===//
#include "LowerCpu/Router.h"

#include <limits>

using namespace mlir;
using namespace yoke;

/// `vector` with `otherwise` in the lanes that `columns` does not use.
static Value keepUsed(KernelBuilder &b, Columns columns, Value vector, double otherwise) {
  return columns.mask ? arith::SelectOp::create(b, columns.mask, vector, b.splat(otherwise)).getResult() : vector;
}

Value Router::scalarExp(Value x) { return vector::ExtractOp::create(b, b.exp(b.broadcast(x)), int64_t(0)); }

std::pair<Value, Value> Router::softmaxOf(Value token) {
  double lowest = -std::numeric_limits<double>::infinity();
  Value none = b.splat(lowest), zero = b.splat(0.0);
  SmallVector<Value> largest = b.reduceColumns(count(), none, [&](Columns columns, ValueRange carried) {
    return SmallVector<Value>{b.max(carried[0], keepUsed(b, columns, b.load(logits, token, columns), lowest))};
  });
  Value top = b.reduceMax(largest[0]), tops = b.broadcast(top);
  SmallVector<Value> sums = b.reduceColumns(count(), zero, [&](Columns columns, ValueRange carried) {
    Value term = b.exp(b.sub(b.load(logits, token, columns), tops));
    return SmallVector<Value>{b.add(carried[0], keepUsed(b, columns, term, 0.0))};
  });
  return {top, b.reduceAdd(sums[0])};
}

std::pair<Value, Value> Router::nextExpert(Value token, Value value, Value index) {
  Value lowest = b.scalar(-std::numeric_limits<double>::infinity()), nobody = b.index(-1);
  auto compare = [&](arith::CmpFPredicate predicate, Value l, Value r) -> Value {
    return arith::CmpFOp::create(b, predicate, l, r);
  };
  auto select = [&](Value condition, Value l, Value r) -> Value { return arith::SelectOp::create(b, condition, l, r); };
  SmallVector<Value> found =
      b.reduce(b.index(0), b.index(count()), b.index(1), {lowest, nobody}, [&](Value expert, ValueRange best) {
        Value read = b.element(logits, {token, expert});
        Value logit = select(compare(arith::CmpFPredicate::UNO, read, read), lowest, read);
        Value isLater = arith::CmpIOp::create(b, arith::CmpIPredicate::sgt, expert, index);
        Value follows =
            arith::OrIOp::create(b, compare(arith::CmpFPredicate::OLT, logit, value),
                                 arith::AndIOp::create(b, compare(arith::CmpFPredicate::OEQ, logit, value), isLater));
        Value isFirst = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, best[1], b.index(0));
        Value leads = arith::OrIOp::create(b, isFirst, compare(arith::CmpFPredicate::OGT, logit, best[0]));
        Value taken = arith::AndIOp::create(b, follows, leads);
        return SmallVector<Value>{select(taken, logit, best[0]), select(taken, expert, best[1])};
      });
  return {found[0], found[1]};
}

void Router::emit(Value token, Value weights, Value experts) {
  int64_t topK = static_cast<int64_t>(op.getTopK());
  moe::Scoring scoring = op.getScoring();
  Value top, total;
  if (scoring == moe::Scoring::softmax)
    std::tie(top, total) = softmaxOf(token);
  else if (scoring == moe::Scoring::softmax_chosen)
    top = nextExpert(token, b.scalar(std::numeric_limits<double>::infinity()), b.index(-1)).first;

  auto score = [&](Value logit) -> Value {
    if (scoring == moe::Scoring::sigmoid)
      return b.div(b.scalar(1.0), b.add(b.scalar(1.0), scalarExp(arith::NegFOp::create(b, logit))));
    Value raised = scalarExp(b.sub(logit, top));
    return scoring == moe::Scoring::softmax ? b.div(raised, total) : raised;
  };
  Value first = b.mul(token, b.index(topK));
  Value before = b.scalar(std::numeric_limits<double>::infinity());
  SmallVector<Value> state = b.reduce(
      b.index(0), b.index(topK), b.index(1), {before, b.index(-1), b.scalar(0.0)}, [&](Value j, ValueRange carried) {
        auto [logit, expert] = nextExpert(token, carried[0], carried[1]);
        Value weight = score(b.element(logits, {token, expert}));
        Value place = b.add(first, j);
        b.setElement(weight, weights, place);
        b.setElement(arith::IndexCastOp::create(b, b.getI32Type(), expert), experts, place);
        return SmallVector<Value>{logit, expert, b.add(carried[2], weight)};
      });

  // The softmax over the chosen ones is their normalisation.
  Value divisor = state[2];
  if (op.getNormalize())
    divisor = b.add(divisor, b.scalar(1e-20));
  else if (scoring != moe::Scoring::softmax_chosen)
    divisor = nullptr;
  bool isScaled = op.getScale().convertToDouble() != 1.0;
  if (!divisor && !isScaled)
    return;
  b.loop(b.index(0), b.index(topK), b.index(1), [&](Value j) {
    Value place = b.add(first, j), weight = b.element(weights, place);
    if (divisor)
      weight = b.div(weight, divisor);
    if (isScaled)
      weight = b.mul(weight, b.scalar(op.getScale().convertToDouble()));
    b.setElement(weight, weights, place);
  });
}
