#include "Support/MappingFault.h"

#include "Support/Error.h"
#include "Support/File.h"
#include "Support/Text.h"

#include <atomic>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <unistd.h>

namespace yoke {
namespace {

struct Slot {
  std::atomic<bool> taken{false};
  std::atomic<uintptr_t> begin{0};
  std::atomic<uintptr_t> end{0};
  char path[512];
};

Slot slots[256];

void writeText(const char *text) {
  for (size_t left = strlen(text); left > 0;) {
    ssize_t wrote = ::write(STDERR_FILENO, text, left);
    if (wrote <= 0)
      return;
    text += wrote;
    left -= static_cast<size_t>(wrote);
  }
}

// Runs in a signal handler: only async-signal-safe calls.
void onBusError(int signal, siginfo_t *info, void *) {
  if (info->si_code != BUS_ADRERR) {
    std::signal(signal, SIG_DFL);
    raise(signal);
    return;
  }
  auto address = reinterpret_cast<uintptr_t>(info->si_addr);
  const char *path = "a mapped file";
  for (const Slot &slot : slots)
    if (address >= slot.begin.load() && address < slot.end.load())
      path = slot.path;
  writeText("yoke: error: ");
  writeText(path);
  writeText(": truncated or unreadable while in use\n");
  _exit(exitCode(ErrorKind::Resources));
}

} // namespace

int detail::registerMapping(const void *address, size_t size, const std::string &path) {
  for (Slot &slot : slots) {
    if (slot.taken.exchange(true))
      continue;
    std::string shown = printable(path, sizeof(slot.path) - 16);
    memcpy(slot.path, shown.c_str(), shown.size() + 1);
    slot.begin = reinterpret_cast<uintptr_t>(address);
    slot.end = reinterpret_cast<uintptr_t>(address) + size;
    return static_cast<int>(&slot - slots);
  }
  return -1;
}

void detail::unregisterMapping(int slot) {
  if (slot < 0)
    return;
  slots[slot].end = 0;
  slots[slot].begin = 0;
  slots[slot].taken = false;
}

void installMappingFaultHandler() {
  struct sigaction action = {};
  action.sa_sigaction = onBusError;
  action.sa_flags = SA_SIGINFO;
  sigemptyset(&action.sa_mask);
  sigaction(SIGBUS, &action, nullptr);
}

} // namespace yoke
