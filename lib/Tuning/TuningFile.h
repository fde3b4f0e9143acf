// What a machine's kernels were found to run best with: the file that `yoke tune` writes and the compiler reads.
#pragma once

#include "Tuning/KernelChoice.h"

#include <map>
#include <vector>

namespace yoke {

/// Times relative to the default's, of a step of one token and of a prompt.
struct RelativeTimes {
  double token = 1, prompt = 1;
};

/// One kernel on one kind of machine.
struct TunedKernel {
  std::string target;  ///< processor and features, TuningFile::targetName
  std::string version; ///< of the compiler whose code was measured
  std::string kernel;  ///< name, shapes and types; "*" stands for all
  int64_t threads = 0; ///< that it was measured with
  KernelChoice choice;
  RelativeTimes times;                           ///< of the choice
  std::map<std::string, RelativeTimes> measured; ///< of single choices, by their text
};

class TuningFile {
public:
  /// {"format": "yoke-tuning-1", "kernels": [{"target", "version", "kernel", "threads", "choice", "times": [token,
  /// prompt], "measured": {CHOICE: [token, prompt]}}]}. Errors (Malformed) name `source`, key and rule.
  static Result<TuningFile> parse(std::string_view text, std::string_view source);
  /// Errors: of parse, Failed when there is no such file.
  static Result<TuningFile> read(const std::string &path);
  /// Replaces the file as a whole. Error: Resources.
  Status write(const std::string &path) const;
  std::string text() const;

  static std::string targetName(std::string_view processor, std::string_view level);

  TunedKernel *find(std::string_view target, std::string_view version, std::string_view kernel);
  /// The kernel's entry, made if there is none.
  TunedKernel &at(std::string_view target, std::string_view version, std::string_view kernel);

  std::vector<TunedKernel> kernels;
};

} // namespace yoke
