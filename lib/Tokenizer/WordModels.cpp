#include "Tokenizer/ByteTrie.h"
#include "Tokenizer/Model.h"

#include "Support/Text.h"
#include "Tokenizer/Utf8.h"

namespace yoke {
namespace {

/// What WordPiece and WordLevel share: the vocabulary, and a token for what is not in it.
class WordModel : public Model {
public:
  std::string file, unknown;
  Vocabulary vocabulary;

  std::optional<std::string_view> text(int32_t id) const override { return vocabulary.text(id); }
  int32_t find(std::string_view token) const override { return vocabulary.find(token); }
  size_t size() const override { return vocabulary.size(); }
  int32_t maxId() const override { return vocabulary.maxId(); }

protected:
  Status addUnknown(std::vector<int32_t> &ids) const {
    int32_t id = vocabulary.find(unknown);
    if (id < 0)
      return malformed("{}: model.unk_token: {} is not in the vocabulary", file, quote(unknown));
    ids.push_back(id);
    return {};
  }
};

class WordLevelModel final : public WordModel {
public:
  Status tokenize(std::string_view piece, const TokenSet &blocked, ModelScratch &,
                  std::vector<int32_t> &ids) const override {
    int32_t id = vocabulary.find(piece);
    if (id < 0 || blocked.contains(id))
      return addUnknown(ids);
    ids.push_back(id);
    return {};
  }
};

/// Longest match first, from left to right; tokens inside of a word carry a prefix.
class WordPieceModel final : public WordModel {
public:
  static constexpr size_t MaxTokenBytes = 1024;
  std::string prefix;
  size_t maxCharacters = 100;
  ByteTrie trie;
  std::vector<int32_t> idOfKey;
  ByteTrie::Node insideRoot = ByteTrie::Missing;

  Status prepare(const ModelSource &source) {
    std::vector<std::string_view> keys;
    if (vocabulary.longestToken() > MaxTokenBytes)
      return source.error("vocab",
                          fmt::format("token of {} bytes, the limit is {}", vocabulary.longestToken(), MaxTokenBytes));
    vocabulary.forEach([&](std::string_view token, int32_t id) {
      keys.push_back(token);
      idOfKey.push_back(id);
    });
    trie = ByteTrie(keys);
    insideRoot = ByteTrie::Root;
    for (char c : prefix)
      if (insideRoot != ByteTrie::Missing)
        insideRoot = trie.step(insideRoot, static_cast<unsigned char>(c));
    return {};
  }

  Status tokenize(std::string_view piece, const TokenSet &blocked, ModelScratch &,
                  std::vector<int32_t> &ids) const override {
    if (piece.size() > maxCharacters && countCharacters(piece) > maxCharacters)
      return addUnknown(ids);
    size_t before = ids.size();
    for (size_t begin = 0; begin < piece.size();) {
      int32_t best = Vocabulary::None;
      size_t bestEnd = begin;
      ByteTrie::Node node = begin ? insideRoot : ByteTrie::Root;
      for (size_t at = begin; at < piece.size() && node != ByteTrie::Missing;) {
        node = trie.step(node, static_cast<unsigned char>(piece[at++]));
        if (node == ByteTrie::Missing || trie.value(node) < 0)
          continue;
        int32_t id = idOfKey[static_cast<size_t>(trie.value(node))];
        if (!blocked.contains(id)) {
          best = id;
          bestEnd = at;
        }
      }
      if (best < 0) {
        ids.resize(before);
        return addUnknown(ids);
      }
      ids.push_back(best);
      begin = bestEnd;
    }
    return {};
  }
};

Status readWordModel(const ModelSource &source, WordModel &model) {
  model.file = source.file;
  std::optional<std::string> unknown = YOKE_TRY(source.string("unk_token"));
  if (!unknown)
    return source.error("unk_token", "missing");
  model.unknown = *unknown;
  model.vocabulary = YOKE_TRY(readVocabulary(source));
  return {};
}

} // namespace

Result<std::unique_ptr<Model>> makeWordPieceModel(const ModelSource &source) {
  auto model = std::make_unique<WordPieceModel>();
  YOKE_TRY(readWordModel(source, *model));
  std::optional<std::string> prefix = YOKE_TRY(source.string("continuing_subword_prefix"));
  if (!prefix)
    return source.error("continuing_subword_prefix", "missing");
  model->prefix = *prefix;
  auto limit = source.find("max_input_chars_per_word");
  if (!limit)
    return source.error("max_input_chars_per_word", "missing");
  JsonCursor reader = source.cursor(*limit);
  int32_t characters;
  if (!reader.id(characters))
    return source.error("max_input_chars_per_word", "expected an integer from 0 to 2147483647");
  model->maxCharacters = static_cast<size_t>(characters);
  YOKE_TRY(model->prepare(source));
  return model;
}

Result<std::unique_ptr<Model>> makeWordLevelModel(const ModelSource &source) {
  auto model = std::make_unique<WordLevelModel>();
  YOKE_TRY(readWordModel(source, *model));
  return model;
}

} // namespace yoke
