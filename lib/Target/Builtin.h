// The target descriptions of examples/targets, by name.
#pragma once

#include "Target/Target.h"

#include <span>

namespace yoke {

struct BuiltinTarget {
  std::string_view name, text; ///< JSON
};
std::span<const BuiltinTarget> builtinTargets();

/// A built-in target by its name, or the file of that path. Errors: Usage (no such name), those of loadTarget.
Result<Target> findTarget(const std::string &nameOrPath);
/// The text of a description, found in the same way.
Result<std::string> findTargetText(const std::string &nameOrPath);

} // namespace yoke
