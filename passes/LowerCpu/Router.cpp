//===- Router.cpp - code that chooses the experts of a token --------------===//
//
// The experts of a token are totally ordered: larger ranks, which mostly are their logits, first, then lower numbers.
// Each is found as the first of those after the one before it, so that the ranks stay as they are.
//
//===----------------------------------------------------------------------===//
#include "LowerCpu/Router.h"

#include <limits>

using namespace mlir;
using namespace yoke;

constexpr double lowest = -std::numeric_limits<double>::infinity();

/// `vector` with `otherwise` in the lanes that `columns` does not use.
static Value keepUsed(KernelBuilder &b, Columns columns, Value vector, double otherwise) {
  return columns.mask ? arith::SelectOp::create(b, columns.mask, vector, b.splat(otherwise)).getResult() : vector;
}

Value Router::scalarExp(Value x) { return vector::ExtractOp::create(b, b.exp(b.broadcast(x)), int64_t(0)); }

std::pair<Value, Value> Router::softmaxOf(Value token) {
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

Value Router::follows(Value value, Value index, Value other, Value otherIndex) {
  Value isLater = arith::CmpIOp::create(b, arith::CmpIPredicate::sgt, index, otherIndex);
  return arith::OrIOp::create(b, compare(arith::CmpFPredicate::OLT, value, other),
                              arith::AndIOp::create(b, compare(arith::CmpFPredicate::OEQ, value, other), isLater));
}

std::pair<Value, Value> Router::next(Value array, int64_t begin, int64_t count, Value token, Value value, Value index) {
  Value none = b.scalar(lowest), nobody = b.index(-1);
  SmallVector<Value> found =
      b.reduce(b.index(0), b.index(count), b.index(1), {none, nobody}, [&](Value place, ValueRange best) {
        Value read = b.element(array, {token, b.add(place, b.index(begin))});
        Value number = select(compare(arith::CmpFPredicate::UNO, read, read), none, read);
        Value isFirst = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, best[1], b.index(0));
        Value leads = arith::OrIOp::create(b, isFirst, compare(arith::CmpFPredicate::OGT, number, best[0]));
        Value taken = arith::AndIOp::create(b, follows(number, place, value, index), leads);
        return SmallVector<Value>{select(taken, number, best[0]), select(taken, place, best[1])};
      });
  return {found[0], found[1]};
}

/// The largest number of a group's experts, or the sum of the two largest.
void Router::rankGroup(Value token, Value group) {
  int64_t size = count() / static_cast<int64_t>(op.getGroups());
  Value begin = b.mul(group, b.index(size)), none = b.scalar(lowest);
  SmallVector<Value> top =
      b.reduce(begin, b.add(begin, b.index(size)), b.index(1), {none, none}, [&](Value expert, ValueRange best) {
        Value number = b.element(ranks, {token, expert});
        Value second = b.max(best[1], arith::MinimumFOp::create(b, best[0], number));
        return SmallVector<Value>{b.max(best[0], number), second};
      });
  b.setElement(op.getPairs() ? b.add(top[0], top[1]) : top[0], ranks, {token, b.add(group, b.index(count()))});
}

void Router::keepTopGroups(Value token) {
  auto groups = static_cast<int64_t>(op.getGroups());
  b.loop(b.index(0), b.index(groups), b.index(1), [&](Value group) { rankGroup(token, group); });
  SmallVector<Value> last =
      b.reduce(b.index(0), b.index(static_cast<int64_t>(op.getTopGroups())), b.index(1),
               {b.scalar(std::numeric_limits<double>::infinity()), b.index(-1)}, [&](Value, ValueRange carried) {
                 auto [number, group] = next(ranks, count(), groups, token, carried[0], carried[1]);
                 return SmallVector<Value>{number, group};
               });
  b.loop(b.index(0), b.index(count()), b.index(1), [&](Value expert) {
    Value group = b.quotient(expert, count() / groups);
    Value number = b.element(ranks, {token, b.add(group, b.index(count()))});
    Value kept = select(follows(number, group, last[0], last[1]), b.scalar(lowest), b.element(ranks, {token, expert}));
    b.setElement(kept, ranks, {token, expert});
  });
}

void Router::rank(Value token) {
  b.forColumns(count(), [&](Columns columns) {
    Value number = b.load(logits, token, columns), one = b.splat(1.0);
    if (bias)
      number = b.add(b.div(one, b.add(one, b.exp(arith::NegFOp::create(b, number)))), b.load(bias, {}, columns));
    number = select(compare(arith::CmpFPredicate::UNO, number, number), b.splat(lowest), number);
    b.store(number, ranks, token, columns);
  });
  if (op.getGroups() > 1)
    keepTopGroups(token);
}

void Router::emit(Value token, Value weights, Value experts) {
  if (ranks)
    rank(token);
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
