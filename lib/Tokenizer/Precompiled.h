// SentencePiece's compiled normalization rules: a double-array trie from character sequences to replacements.
#pragma once

#include "Tokenizer/Normalizer.h"

namespace yoke {

/// Errors: a charsmap that is no base64, is cut short, or whose trie leads outside of itself.
Result<std::unique_ptr<Normalizer>> makePrecompiled(const JsonObject &config);

} // namespace yoke
