#include "Console.h"

#include "Version.h"
#include "yoke/yoke.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <sys/resource.h>
#include <unistd.h>

namespace yoke::cli {
namespace {

std::atomic<bool> interrupted{false};

void onInterrupt(int signal) {
  interrupted.store(true);
  std::signal(signal, SIG_DFL);
}

bool writeAll(int descriptor, std::string_view text) {
  while (!text.empty()) {
    ssize_t written = write(descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return false;
    text.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

void printLabelled(std::string_view label, std::string_view colour, std::string_view message) {
  const bool colours = isTerminal(2) && !std::getenv("NO_COLOR");
  std::string line = colours ? fmt::format("yoke: \x1b[{}m{}:\x1b[0m {}\n", colour, label, message)
                             : fmt::format("yoke: {}: {}\n", label, message);
  writeAll(2, line);
}

} // namespace

std::string versionText() { return fmt::format("yoke {} ({})", yoke_version(), __VERSION__); }

void printError(std::string_view message) { printLabelled("error", "1;31", message); }
void printWarning(std::string_view message) { printLabelled("warning", "1;35", message); }
void printNote(std::string_view message) { writeAll(2, fmt::format("{}\n", message)); }

bool isTerminal(int descriptor) { return isatty(descriptor) == 1; }

Status writeOutput(std::string_view text) {
  if (!writeAll(1, text))
    return failed("cannot write to standard output: {}", std::strerror(errno));
  return {};
}

const std::atomic<bool> &catchInterrupts() {
  struct sigaction action = {};
  action.sa_handler = onInterrupt;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  return interrupted;
}

void ProgressBar::update(std::string_view phase, double fraction) {
  if (!active)
    return;
  constexpr int width = 30;
  fraction = std::clamp(fraction, 0.0, 1.0);
  int filled = static_cast<int>(fraction * width);
  writeAll(2, fmt::format("\r\x1b[K[{}{}] {:3.0f}% {}", std::string(filled, '#'), std::string(width - filled, ' '),
                          fraction * 100, phase));
  drawn = true;
}

void ProgressBar::clear() {
  if (drawn)
    writeAll(2, "\r\x1b[K");
  drawn = false;
}

int64_t peakMemoryBytes() {
  rusage usage;
  return getrusage(RUSAGE_SELF, &usage) == 0 ? int64_t(usage.ru_maxrss) * 1024 : 0;
}

} // namespace yoke::cli
