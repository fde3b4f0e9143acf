// Whether this machine can execute a package's code.
#pragma once

#include "Package/Manifest.h"
#include "Support/Error.h"

#include <string>
#include <vector>

namespace yoke {

/// The instruction-set features that this CPU and system offer, sorted, in LLVM's spelling: those that generated code
/// can use without being told to by an intrinsic, and the vector and matrix extensions.
std::vector<std::string> hostFeatures();

/// Errors (Malformed) unless the target's triple is of this machine's architecture and system and all its features are
/// known and offered here; names the first few that are not.
Status checkHostTarget(const TargetDescription &target, std::string_view source);

} // namespace yoke
