#include "runtime/Constraint/Constraint.h"

#include <cmath>
#include <vector>

namespace yoke {

Result<bool> maskLogits(Constraint &constraint, Constraint::State state, std::span<float> logits,
                        std::span<const int32_t> endTokens) {
  std::vector<std::pair<int32_t, float>> ends;
  if (constraint.mayEnd(state))
    for (int32_t token : endTokens)
      if (token >= 0 && static_cast<size_t>(token) < logits.size())
        ends.emplace_back(token, logits[token]);
  const std::span<const uint64_t> words = YOKE_TRY(constraint.allowed(state));
  bool any = !ends.empty();
  for (size_t token = 0; token < logits.size(); ++token) {
    if (token / 64 < words.size() && (words[token / 64] >> (token % 64) & 1))
      any = true;
    else
      logits[token] = -INFINITY;
  }
  for (auto [token, logit] : ends)
    logits[token] = logit;
  return any;
}

} // namespace yoke
