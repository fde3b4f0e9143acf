// The `model` of a tokenizer.json: turns one piece of text into token ids.
#pragma once

#include "Tokenizer/JsonCursor.h"
#include "Tokenizer/Vocabulary.h"

#include <memory>
#include <optional>
#include <vector>

namespace yoke {

/// Tokens that a text must not be turned into; empty: all are allowed.
class TokenSet {
public:
  void insert(int32_t id) {
    if (static_cast<size_t>(id) >= members.size())
      members.resize(static_cast<size_t>(id) + 1);
    members[static_cast<size_t>(id)] = true;
  }
  bool contains(int32_t id) const {
    return static_cast<size_t>(id) < members.size() && members[static_cast<size_t>(id)];
  }

private:
  std::vector<bool> members;
};

/// Working memory of one call of `encode`, used for one piece after the other.
struct ModelScratch {
  struct Symbol {
    int32_t token; ///< -1: merged into the one before
    int32_t previous, next;
    uint32_t rank; ///< of the merge with the next symbol
  };
  std::vector<Symbol> symbols;
  std::vector<uint64_t> queue;
  struct PathEnd {
    double score;
    size_t begin;
    int32_t token;
  };
  std::vector<PathEnd> paths;
  std::vector<std::pair<size_t, size_t>> spans;
  std::string buffer;
};

class Model {
public:
  virtual ~Model() = default;

  /// Appends the ids of a piece (not empty, valid UTF-8). Tokens in `blocked` come out as the unknown token or as
  /// byte tokens only. Error: the piece needs the unknown token, and there is none.
  virtual Status tokenize(std::string_view piece, const TokenSet &blocked, ModelScratch &scratch,
                          std::vector<int32_t> &ids) const = 0;

  virtual std::optional<std::string_view> text(int32_t id) const = 0;
  /// The id of a token, or Vocabulary::None.
  virtual int32_t find(std::string_view token) const = 0;
  /// Number of entries of the vocabulary.
  virtual size_t size() const = 0;
  virtual int32_t maxId() const = 0;
};

/// The members of the `model` object, as text.
struct ModelSource {
  std::string file;
  std::string_view document;
  std::vector<std::pair<std::string, std::string_view>> members;

  /// The text of a member; nullopt when it is missing or null.
  std::optional<std::string_view> find(std::string_view key) const;
  /// A cursor on a member that exists; messages count bytes from the start of the document.
  JsonCursor cursor(std::string_view value) const {
    return JsonCursor(value, file, static_cast<size_t>(value.data() - document.data()));
  }
  Result<std::optional<std::string>> string(std::string_view key) const;
  Result<bool> flag(std::string_view key) const;
  tl::unexpected<Error> error(std::string_view key, std::string_view rule) const;
};

/// BPE, Unigram, WordPiece or WordLevel, by the member `type`, or else by the members that there are.
Result<std::unique_ptr<Model>> makeModel(const ModelSource &source);

Result<std::unique_ptr<Model>> makeBytePairModel(const ModelSource &source);
Result<std::unique_ptr<Model>> makeUnigramModel(const ModelSource &source);
Result<std::unique_ptr<Model>> makeWordPieceModel(const ModelSource &source);
Result<std::unique_ptr<Model>> makeWordLevelModel(const ModelSource &source);

/// Reads the member `vocab`, an object from token to id. Errors: a token or an id that occurs twice.
Result<Vocabulary> readVocabulary(const ModelSource &source);

} // namespace yoke
