// Text for people on stderr, results on stdout, and the interrupt key.
#pragma once

#include "Support/Error.h"

#include <atomic>
#include <string_view>

namespace yoke::cli {

void printError(std::string_view message);
void printWarning(std::string_view message);
/// One line of progress or statistics.
void printNote(std::string_view message);

bool isTerminal(int descriptor);

/// Writes all of `text` to stdout at once, unbuffered. Error: Failed (closed pipe, full disk).
Status writeOutput(std::string_view text);

/// From now on the first SIGINT or SIGTERM sets the flag that is returned; a second one kills the process.
const std::atomic<bool> &catchInterrupts();
constexpr int interruptedExitCode = 130;

/// A bar on stderr, drawn only when stderr is a terminal and `enabled`.
class ProgressBar {
public:
  explicit ProgressBar(bool enabled = true) : active(enabled && isTerminal(2)) {}
  ~ProgressBar() { clear(); }
  void update(std::string_view phase, double fraction);
  void clear();

private:
  bool active;
  bool drawn = false;
};

/// Largest resident set of the process so far, in bytes.
int64_t peakMemoryBytes();

} // namespace yoke::cli
