#pragma once

#include "Tokenizer/Tokenizer.h"

namespace yoke {

/// What each token adds to a text that has begun, sorted by its bytes.
class TokenBytes {
public:
  struct Entry {
    std::string bytes;
    int32_t token;
  };

  /// Special tokens, ids without a token, and tokens without text are left out. Time is linear in the vocabulary.
  explicit TokenBytes(const Tokenizer &tokenizer);

  std::span<const Entry> entries() const { return sorted; }
  /// Empty for tokens that were left out.
  std::string_view bytes(int32_t token) const;
  /// One more than the largest id.
  int32_t size() const { return static_cast<int32_t>(places.size()); }

private:
  std::vector<Entry> sorted;
  std::vector<int32_t> places; ///< of each id in `sorted`, or -1
};

} // namespace yoke
