#include "runtime/Speculation/TreeSizing.h"

namespace yoke {

TreeSize sizeTree(const DraftTree &tree, const CostModel &cost, int64_t otherRows, int64_t maxGuesses) {
  TreeSize best;
  double tokens = static_cast<double>(otherRows) + 1;
  const double plainSeconds = cost.seconds(otherRows + 1);
  const double plainRate = tokens / plainSeconds;
  double bestRate = plainRate;
  int32_t guesses = 0;
  for (int32_t node : tree.byProbability()) {
    if (++guesses > maxGuesses)
      break;
    tokens += tree[node].probability;
    const double seconds = cost.seconds(otherRows + 1 + guesses);
    if (tokens / seconds > bestRate) {
      bestRate = tokens / seconds;
      best = {guesses, tokens / plainRate - seconds};
    }
  }
  return best;
}

} // namespace yoke
