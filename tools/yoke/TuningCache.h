// Where choices of `yoke tune` are kept, and which of them a compilation uses.
#pragma once

#include "Support/Error.h"

#include <string>

namespace yoke::cli {

inline constexpr const char *tuningHelp =
    "Choices of `yoke tune` to use: a file, or none [those in the cache folder, if there are any]";

/// tuning.json in the cache folder, which is made. Error: Resources.
Result<std::string> tuningCacheFile();

/// What `--tuning` means: the file given; for "none" no file, empty; for an empty flag the cache's file where there is
/// one that can be read, which a warning says when there is one that cannot.
std::string tuningFileFor(const std::string &flag);

} // namespace yoke::cli
