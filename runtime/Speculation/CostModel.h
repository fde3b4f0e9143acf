// What a step costs on this machine, by its number of rows.
#pragma once

#include "Support/Error.h"

#include <cstdint>
#include <vector>

namespace yoke {

class Session;

/// Seconds of a step that evaluates some rows of a draft tree: measured at some row counts, straight lines between
/// them and the last line's slope beyond.
class CostModel {
public:
  struct Point {
    int64_t rows;
    double seconds;
  };

  /// A model from given points of ascending row counts, the first of 1 row.
  explicit CostModel(std::vector<Point> points);

  /// Measures the session's model within about `budgetSeconds`, on a scratch sequence behind `context` tokens (fewer
  /// when the cache or the model's positions have no room). Stops at the row count from which on another row costs as
  /// much as a step of its own. Error: Resources (KV cache).
  static Result<CostModel> measure(Session &session, int64_t maxRows, double budgetSeconds, int64_t context = 0);

  double seconds(int64_t rows) const;
  /// Learns from a step that was taken: the point of this row count, if there is one, follows the lower quarter of its
  /// times, since a loaded machine only ever adds.
  void observe(int64_t rows, double seconds);
  /// Of a step of one row.
  double plainSeconds() const { return estimates.front(); }
  /// Rows beyond which a draft cannot gain anything, however good its guesses.
  int64_t usefulRows() const { return useful; }
  /// The smallest share of a plain step that a row of a tree costs on the average, over all sizes of trees.
  double cheapestRow() const { return cheapest; }
  const std::vector<Point> &points() const { return measured; }

private:
  void update();

  std::vector<Point> measured;
  std::vector<double> estimates; ///< seconds of the points, ascending
  int64_t useful = 1;
  double cheapest = 0;
};

} // namespace yoke
