#include "runtime/Speculation/DraftGate.h"

#include <algorithm>

namespace yoke {
namespace {

/// Drafts before the first verdict, and before one after a pause.
constexpr int64_t judged = 8, judgedAgain = 3;
constexpr int64_t newest = 16, remembered = 256;
constexpr int64_t firstPause = 48, longestPause = 1024;

double moved(double mean, double value, int64_t count) { return mean + (value - mean) / static_cast<double>(count); }

} // namespace

DraftGate::DraftGate(Memory &memory) : memory(memory) {
  if (memory.drafts < judged || memory.gain >= 0)
    return;
  mean = memory.gain;
  drafts = judged - judgedAgain;
  wait = pause = firstPause;
}

bool DraftGate::open() {
  if (wait == 0)
    return true;
  --wait;
  return false;
}

void DraftGate::record(double gain) {
  memory.gain = moved(memory.gain, gain, std::min(++memory.drafts, remembered));
  mean = moved(mean, gain, std::min(++drafts, newest));
  if (drafts < judged)
    return;
  if (mean >= 0) {
    pause = 0;
    return;
  }
  wait = pause = std::clamp(2 * pause, firstPause, longestPause);
  drafts = judged - judgedAgain;
}

} // namespace yoke
