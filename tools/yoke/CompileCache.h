// Packages compiled on the fly, kept in the user's cache folder under a key of content, compiler and options.
#pragma once

#include "runtime/Model.h"

#include <filesystem>
#include <string>

namespace yoke::cli {

struct CompileRequest {
  std::string model; ///< checkpoint folder or .mlir file
  std::string target;
  std::string weights;
  std::string activations;
  std::string kvCache;
  std::string ffnSkip; ///< see ModelFlags
  std::string tuning;  ///< path of a file of choices, or empty
  bool showProgress;
};

/// $XDG_CACHE_HOME/yoke, else ~/.cache/yoke; empty where neither variable is set.
std::filesystem::path preferredCacheFolder();
/// That folder, made if need be; where it cannot be used, a folder of this user under the temporary folder, which a
/// warning says. Error: Resources.
Result<std::filesystem::path> cacheFolder();

/// Opens the cached package of the request, compiling it first when it is missing or damaged. Concurrent processes
/// compile once. Errors: of the checkpoint, the compiler, the package.
Result<std::shared_ptr<const Model>> openCached(const CompileRequest &request, const ModelOptions &options);

/// Compiles into the file `output`.
Status compileTo(const CompileRequest &request, const std::string &output);

/// Compiles into a temporary file that is gone when the process ends.
Result<std::shared_ptr<const Model>> openCompiledOnce(const CompileRequest &request, const ModelOptions &options);

} // namespace yoke::cli
