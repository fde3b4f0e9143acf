// From what the user names (a package, a checkpoint folder, an .mlir file) to an open model and session.
#pragma once

#include "runtime/Session.h"

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

namespace yoke::cli {

/// Help of --weights, --activations and --kv-cache, for all commands alike.
inline constexpr const char *weightsHelp = "f32, bf16, f16, q8, q4, q4-plain or q4-asymmetric [as stored]";
inline constexpr const char *activationsHelp = "Round activations before products: i8, i16 (quantised weights), bf16 "
                                               "(bf16 weights) [i8 where weights are quantised]";
inline constexpr const char *ffnSkipHelp =
    "Let tokens skip feed-forward blocks by this policy of `yoke calibrate ffn-skip`, or off [off]";

inline constexpr const char *kvCacheHelp = "Keep keys and values as f32, bf16 or f16 [f32]";

/// Options of all subcommands that execute a model.
struct ModelFlags {
  std::string model;
  int threads = 0;
  bool pinThreads = false;
  std::string device = "cpu";
  bool noMap = false;
  bool noCache = false;
  bool quiet = false;
  std::string target;
  std::string weights;
  std::string activations;
  std::string kvCache;
  std::string ffnSkip; ///< a policy file, "record", or empty or "off"
  std::string tuning;

  void declare(CLI::App &command);
  /// The target of `--device sim`; nothing for other devices.
  std::optional<std::string> simulatedSystem() const;
};

/// Opens the package, or compiles the checkpoint first (cached by content). Error: that of compiling or opening.
Result<std::shared_ptr<const Model>> openModel(const ModelFlags &flags);

/// `kvTokens` as in SessionOptions.
Result<std::unique_ptr<Session>> openSession(std::shared_ptr<const Model> model, const ModelFlags &flags,
                                             int64_t kvTokens = 0);

} // namespace yoke::cli
