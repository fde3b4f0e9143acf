// The `added_tokens` of a tokenizer.json: tokens that are found in the text before the model sees it.
#pragma once

#include "Tokenizer/Model.h"
#include "Tokenizer/Normalizer.h"
#include "Tokenizer/PatternSet.h"
#include "Tokenizer/Pieces.h"

#include <unordered_map>

namespace yoke {

class AddedTokens {
public:
  /// Reads the array `list` (nullptr: none). A token of the model's vocabulary keeps its id there, whatever `id` says;
  /// the others are numbered on from the vocabulary's size. Errors: two tokens that are the same text once normalized,
  /// one that normalizes to nothing.
  static Result<AddedTokens> read(const Json *list, const std::string &file, const Model &model,
                                  const Normalizer *normalizer);

  /// Finds tokens in `text`, first those that are not normalized, then the others in what is left, normalized.
  /// `parseSpecial` false leaves special tokens as text.
  Status extract(std::string_view text, const Normalizer *normalizer, bool parseSpecial, RegexBudget &budget,
                 PreTokenized &out) const;

  /// The text of an added token as decoders see it: normalized.
  std::optional<std::string_view> text(int32_t id) const;
  /// The id of an added token by its content, or Vocabulary::None.
  int32_t find(std::string_view content) const;
  bool isSpecial(int32_t id) const { return specialIds.contains(id); }
  bool isSpecialText(std::string_view text) const;
  const TokenSet &special() const { return specialIds; }
  int32_t maxId() const { return largestId; }
  /// How many added tokens the model's vocabulary does not have.
  size_t countBeyond(const Model &model) const;

private:
  struct Token {
    std::string content, normalizedContent;
    bool singleWord, leftStrip, rightStrip, normalized, special;
  };
  struct Found {
    size_t begin, end;
    int32_t token;
  };
  Status add(Token token, int32_t id, const Normalizer *normalizer);
  Status buildPatterns(const std::string &file);
  void find(std::string_view text, const PatternSet &patterns, bool parseSpecial, std::vector<Found> &parts) const;

  std::unordered_map<std::string, int32_t> ids;
  std::unordered_map<int32_t, Token> tokens;
  TokenSet specialIds;
  PatternSet rawPatterns, normalizedPatterns;
  int32_t largestId = Vocabulary::None;
};

} // namespace yoke
