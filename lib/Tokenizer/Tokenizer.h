// Text to token ids and back, as a Hugging Face tokenizer.json says; id for id the same as the PyPI package
// `tokenizers`.
#pragma once

#include "Support/Error.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace yoke {

/// Immutable once loaded: all member functions may be called from several threads at once.
///
/// Not followed: `truncation` and `padding`, which concern batches; `dropout` of BPE, which is for training.
class Tokenizer {
public:
  /// Parses the contents of a tokenizer.json; `name` names the file in messages. Errors (Malformed): broken JSON,
  /// duplicate keys, tokens or ids, merges of unknown tokens, patterns that do not compile, wrong types and values,
  /// parts of unknown type. Time and memory are linear in the file.
  static Result<Tokenizer> load(std::string_view json, std::string_view name);

  Tokenizer(Tokenizer &&) noexcept;
  Tokenizer &operator=(Tokenizer &&) noexcept;
  ~Tokenizer();

  /// The ids of a text. Bytes that are not valid UTF-8 are read as U+FFFD, one for every maximal invalid part, as
  /// Python's `bytes.decode("utf-8", errors="replace")` does.
  ///
  /// `addSpecialTokens`: also what the post-processor puts around the text, such as a BOS token.
  /// `parseSpecial`: special tokens in the text become their ids. False is for text that is not trusted: no special
  /// token is recognised in it, and the model does not produce one either, except the unknown token.
  ///
  /// Errors: text of 1 GiB or more; a regular expression that takes too long ("regex budget"); a character that the
  /// vocabulary can not express when there is no unknown token. Time is n log n in the text.
  Result<std::vector<int32_t>> encode(std::string_view text, bool addSpecialTokens = true,
                                      bool parseSpecial = true) const;

  /// The text of ids; ids without a token are passed over. Valid UTF-8: what is not is replaced by U+FFFD.
  std::string decode(std::span<const int32_t> ids, bool skipSpecialTokens = true) const;

  /// Number of tokens, added ones included. Ids may have gaps: see `maxId`.
  size_t vocabSize() const;
  /// The largest id that `encode` can yield, or -1.
  int32_t maxId() const;

  /// The token as decoders see it (an added token in its normalized form).
  std::optional<std::string_view> idToToken(int32_t id) const;
  std::optional<int32_t> tokenToId(std::string_view token) const;
  /// Whether the id is an added token that is marked as special.
  bool isSpecial(int32_t id) const;

private:
  friend class StreamingDecoder;
  struct Parts;
  explicit Tokenizer(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts;
};

/// Decodes ids as they come. What the calls return, put together, is what `decode` returns for all ids. A character
/// whose bytes are spread over several tokens is returned when it is complete.
class StreamingDecoder {
public:
  /// The tokenizer must outlive the decoder.
  explicit StreamingDecoder(const Tokenizer &tokenizer, bool skipSpecialTokens = true);
  StreamingDecoder(StreamingDecoder &&) noexcept;
  StreamingDecoder &operator=(StreamingDecoder &&) noexcept;
  ~StreamingDecoder();

  /// The text that has become certain with this id; often empty.
  std::string feed(int32_t id);
  /// What was held back. Ids fed afterwards start a new text.
  std::string flush();

private:
  struct Chain;
  void restart();
  const Tokenizer *tokenizer;
  bool skipSpecialTokens;
  std::unique_ptr<Chain> chain;
};

} // namespace yoke
