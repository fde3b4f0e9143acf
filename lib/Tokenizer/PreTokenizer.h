// The `pre_tokenizer` of a tokenizer.json: cuts the normalized text into the pieces that the model sees one by one.
#pragma once

#include "Support/Json.h"
#include "Tokenizer/Pieces.h"
#include "Tokenizer/Regex.h"

#include <memory>

namespace yoke {

class PreTokenizer {
public:
  virtual ~PreTokenizer() = default;
  /// Cuts, and may change, the pieces that are text. Pieces are never empty.
  virtual Status apply(PreTokenized &pieces, RegexBudget &budget) const = 0;
};

/// ByteLevel, Split, Metaspace, Digits, Punctuation, Whitespace, WhitespaceSplit, CharDelimiterSplit, UnicodeScripts,
/// FixedLength, BertPreTokenizer or Sequence, by the member `type`.
Result<std::unique_ptr<PreTokenizer>> makePreTokenizer(const JsonObject &config);

} // namespace yoke
