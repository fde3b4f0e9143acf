#include "runtime/HostCpu.h"

#include <cstdint>
#include <cstring>
#include <string_view>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace yoke {

std::string hostCpuName() {
#if defined(__x86_64__)
  char name[49] = {};
  for (uint32_t i = 0; i < 3; ++i) {
    uint32_t regs[4];
    if (!__get_cpuid(0x80000002 + i, &regs[0], &regs[1], &regs[2], &regs[3]))
      return "unknown";
    std::memcpy(name + 16 * i, regs, 16);
  }
  std::string_view text = name;
  size_t first = text.find_first_not_of(' ');
  if (first != std::string_view::npos)
    return std::string(text.substr(first, text.find_last_not_of(' ') + 1 - first));
#endif
  return "unknown";
}

} // namespace yoke
