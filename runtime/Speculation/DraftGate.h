// Whether guesses that cost time to make are worth it.
#pragma once

#include <cstdint>

namespace yoke {

/// For one request, about drafters that evaluate something (heads, a draft model): what their guesses saved on the
/// average, less the time spent on making them. While that is a loss they pause, each time longer.
class DraftGate {
public:
  /// What requests of one kind have seen, so that the next need not learn it anew.
  struct Memory {
    double gain = 0; ///< seconds a draft, running mean
    int64_t drafts = 0;
  };

  explicit DraftGate(Memory &memory);

  /// Once a step: whether to draft in it.
  bool open();
  /// Seconds that the last draft gained, negative for a loss.
  void record(double gain);

private:
  Memory &memory;
  double mean = 0;
  int64_t drafts = 0;
  int64_t pause = 0, wait = 0; ///< steps
};

} // namespace yoke
