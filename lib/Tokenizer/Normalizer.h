// The `normalizer` of a tokenizer.json: changes the text before it is cut into pieces.
#pragma once

#include "Support/Json.h"
#include "Tokenizer/Pieces.h"
#include "Tokenizer/Regex.h"

#include <memory>

namespace yoke {

class Normalizer {
public:
  virtual ~Normalizer() = default;
  virtual Status apply(Text &text, RegexBudget &budget) const = 0;
};

/// BertNormalizer, Strip, StripAccents, NFC, NFD, NFKC, NFKD, Sequence, Lowercase, Nmt, Precompiled, Replace, Prepend
/// or ByteLevel, by the member `type`.
Result<std::unique_ptr<Normalizer>> makeNormalizer(const JsonObject &config);

/// The `pattern` of Replace and Split: {"String": s} or {"Regex": s}.
Result<Regex> readPattern(const JsonObject &config);

} // namespace yoke
