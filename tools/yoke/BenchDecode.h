#pragma once

#include "runtime/Session.h"

#include <atomic>
#include <string>
#include <vector>

namespace yoke::cli {

struct DecodeBenchFlags {
  std::vector<std::string> specs; ///< of --decode, or "compiled"
  std::string prompts;            ///< file of JSON lines
  int64_t tokens = 128;           ///< generated per prompt
  int repetitions = 5;
  std::string format = "md";
};

/// Decodes each prompt (lines of {"prompt": TEXT, "class": NAME, "temperature": 0}) without guesses and then in each of
/// the asked ways, in turns, and compares their times. Error: Failed when a way gives other tokens than decoding
/// without guesses, Malformed (prompts), else as generate. Returns the report.
Result<std::string> benchDecode(Session &session, const DecodeBenchFlags &flags, const std::atomic<bool> &interrupted);

} // namespace yoke::cli
