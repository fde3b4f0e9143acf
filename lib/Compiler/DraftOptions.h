//===- DraftOptions.h - what --draft says ---------------------------------===//
#ifndef YOKE_LIB_COMPILER_DRAFTOPTIONS_H
#define YOKE_LIB_COMPILER_DRAFTOPTIONS_H

#include "Decode/DecodePasses.h"
#include "Support/Error.h"

#include <string_view>

namespace yoke {

struct DraftOptions {
  std::string text; ///< the specification with the drafter's first name
  MakeLoopPassOptions loop;
  std::vector<int64_t> buckets; ///< rows for which the loop gets a step of its own, ascending
};

/// What to make a loop with, from NAME[:KEY=VALUE,...], as `--decode` of the runtime. Options that only matter while
/// running (state, corpus, size, tree) are left to it. Error: Usage.
Result<DraftOptions> readDraftOptions(std::string_view text);

} // namespace yoke

#endif // YOKE_LIB_COMPILER_DRAFTOPTIONS_H
