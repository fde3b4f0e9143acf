// From what the user names (a package, a checkpoint folder, an .mlir file) to an open model and session.
#pragma once

#include "runtime/Session.h"

#include <CLI/CLI.hpp>
#include <string>

namespace yoke::cli {

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

  void declare(CLI::App &command);
};

/// Opens the package, or compiles the checkpoint first (cached by content). Error: that of compiling or opening.
Result<std::shared_ptr<const Model>> openModel(const ModelFlags &flags);

/// `kvTokens` as in SessionOptions.
Result<std::unique_ptr<Session>> openSession(std::shared_ptr<const Model> model, const ModelFlags &flags,
                                             int64_t kvTokens = 0);

} // namespace yoke::cli
