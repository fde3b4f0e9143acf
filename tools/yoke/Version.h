#pragma once

#include <string>

namespace yoke::cli {

/// "yoke 0.1.0 (clang ...)", for --version and machine-readable output.
std::string versionText();

} // namespace yoke::cli
