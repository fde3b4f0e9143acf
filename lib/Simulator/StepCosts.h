// What steps of a served batch cost, interpolated between steps that are really simulated.
//
// Decoding: simulated for equal requests at batches of powers of two and at lengths a factor of sqrt(2) apart, when a
// step first needs the point. A step is placed among them by its number of requests and by its heaviest channel (the
// published estimate of attention on PIM), or its keys in total where the attention runs elsewhere.
// Prefill: the same over the new tokens and the keys that one of them sees on average.
#pragma once

#include "Simulator/Iteration.h"
#include "Simulator/Systems.h"

#include <map>

namespace yoke::sim {

struct StepCost {
  double seconds = 0, joules = 0;
  double npuSeconds = 0, pimSeconds = 0, memorySeconds = 0; ///< utilisation times time
  std::vector<OpShare> ops;

  void add(const StepCost &other, double weight);
};

class StepCosts {
public:
  /// Points of the grid may lie beyond what memory holds; the caller keeps the steps within.
  StepCosts(const System &asked, const ModelShape &model) : system(asked), model(model) {
    system.options.checkCapacity = false;
  }

  /// One more token for each request; they need channels where the attention runs on PIM.
  Result<StepCost> decode(const std::vector<Request> &batch);
  /// `rows` prompt tokens that see `pairs` keys in sum.
  Result<StepCost> prefill(int64_t rows, double pairs);
  /// The same step, really simulated.
  Result<StepCost> exact(const std::vector<Request> &batch, int64_t outputs);

  int64_t simulatedSteps() const { return simulated; }

private:
  using Key = std::pair<int64_t, int64_t>;
  bool onPim() const;
  double load(const std::vector<Request> &batch) const;
  double loadOfEqual(int64_t batch, int64_t length) const;
  double lengthOfEqual(int64_t batch, double load) const;
  Result<const StepCost *> decodePoint(int64_t batch, int64_t step);
  Result<StepCost> decodeAt(int64_t batch, double length);
  Result<const StepCost *> prefillPoint(int64_t rows, int64_t step);
  Result<StepCost> prefillAt(int64_t rows, double keys);
  Result<const StepCost *> remember(std::map<Key, StepCost> &points, Key key, const std::vector<Request> &batch,
                                    int64_t outputs);

  System system;
  const ModelShape &model;
  std::map<Key, StepCost> decodePoints, prefillPoints;
  int64_t simulated = 0;
};

} // namespace yoke::sim
