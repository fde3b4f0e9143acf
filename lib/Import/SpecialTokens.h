//===- SpecialTokens.h - ids of the beginning, end and padding ------------===//
#ifndef YOKE_LIB_IMPORT_SPECIALTOKENS_H
#define YOKE_LIB_IMPORT_SPECIALTOKENS_H

#include "Import/Family.h"

namespace yoke::import {

struct SpecialTokens {
  std::optional<int64_t> bos, pad;
  std::vector<int64_t> eos; ///< sorted, each once; a generated one of these ends the text
};

/// Each from generation_config.json, then config.json, then the family's default if it is in the vocabulary. All ids
/// must be below `vocabulary`, except that a padding id of -1 means none.
Result<SpecialTokens> readSpecialTokens(const JsonObject &config, const Checkpoint &checkpoint,
                                        const TokenDefaults &defaults, int64_t vocabulary);

} // namespace yoke::import

#endif // YOKE_LIB_IMPORT_SPECIALTOKENS_H
