#pragma once

#include <string>

namespace yoke {

/// Marketing name of the CPU ("AMD EPYC 9B14"), or "unknown".
std::string hostCpuName();

} // namespace yoke
