#pragma once

#include "runtime/Speculation/CostModel.h"
#include "runtime/Speculation/Drafter.h"
#include "runtime/Speculation/Heads/HeadRunner.h"

namespace yoke {

/// Features of the tokens that a layer of the heads has not seen yet.
class PendingRows {
public:
  explicit PendingRows(int64_t columns) : columns(columns) {}

  /// As Drafter::read.
  void read(int64_t start, std::span<const float> rows);
  /// All have been seen.
  void taken() {
    begin = end();
    rows.clear();
  }
  int64_t first() const { return begin; }
  int64_t count() const { return static_cast<int64_t>(rows.size()) / columns; }
  int64_t end() const { return begin + count(); }
  std::span<const float> slice(int64_t row, int64_t count) const {
    return std::span(rows).subspan(row * columns, count * columns);
  }

private:
  int64_t columns;
  int64_t begin = 0; ///< token of the first row
  std::vector<float> rows;
};

/// Guesses that rest on the guesses before them: the most probable nodes of each depth are evaluated together, as long
/// as that is expected to pay.
class LevelDrafter : public Drafter {
public:
  /// All outlive the drafter. `cost` is that of the model's steps.
  LevelDrafter(HeadRunner &heads, const CostModel &cost, const RequestAcceptance &acceptance, HeadKinds kinds)
      : heads(heads), cost(cost), acceptance(acceptance), kinds(kinds) {}

  void draft(std::span<const int32_t> history, const DraftLimits &limits, DraftTree &tree) final;
  bool readsFeatures() const final { return true; }
  bool isCostly() const final { return true; }
  bool owns(int32_t kind) const final { return kinds.contains(kind); }

protected:
  /// Takes what was read since the last draft. False when it does not reach up to the last token but one.
  virtual bool begin(std::span<const int32_t> history) = 0;
  /// Draft logits of what follows nodes of one depth, [nodes][vocabulary], or nothing when that fails.
  virtual std::span<const float> evaluate(const DraftTree &tree, std::span<const int32_t> nodes) = 0;
  /// Depths that can be guessed.
  virtual int32_t depths() const = 0;

  HeadRunner &heads;

private:
  bool pays(const DraftTree &tree, std::span<const int32_t> nodes) const;
  std::vector<int32_t> expand(DraftTree &tree, std::span<const int32_t> nodes, std::span<const float> logits,
                              const DraftLimits &limits);

  const CostModel &cost;
  const RequestAcceptance &acceptance;
  const HeadKinds kinds;
  double levelSeconds = 0; ///< of one evaluation, running mean
  std::vector<HeadGuess> guesses;
};

} // namespace yoke
