#include "Tokenizer/ByteTrie.h"
#include "Tokenizer/Model.h"

#include "Support/Text.h"
#include "Tokenizer/Utf8.h"

#include <algorithm>
#include <array>
#include <limits>

namespace yoke {
namespace {

/// Bounds the time for a piece of text: each of its bytes may start a path of this many steps.
constexpr size_t MaxTokenBytes = 1024;

/// The best sum of scores over all ways to cut a piece into tokens.
class UnigramModel final : public Model {
public:
  std::string file;
  std::string arena;
  std::vector<std::string_view> tokens; ///< in `arena`
  std::vector<double> scores;
  std::optional<int32_t> unknown;
  bool byteFallback = false;
  ByteTrie trie;
  double unknownScore = 0;
  std::array<int32_t, 256> byteTokens;

  void prepare() {
    trie = ByteTrie(tokens);
    double least = std::numeric_limits<double>::infinity();
    for (double score : scores)
      least = std::min(least, score);
    unknownScore = least - 10.0;
    for (unsigned b = 0; b < 256; ++b)
      byteTokens[b] = find(fmt::format("<0x{:02X}>", b));
  }

  Status tokenize(std::string_view piece, const TokenSet &blocked, ModelScratch &scratch,
                  std::vector<int32_t> &ids) const override {
    YOKE_TRY(findBestPath(piece, blocked, scratch.paths));
    scratch.spans.clear();
    for (size_t end = piece.size(); end > 0; end = scratch.paths[end].begin)
      scratch.spans.emplace_back(scratch.paths[end].begin, end);
    std::reverse(scratch.spans.begin(), scratch.spans.end());
    for (size_t i = 0; i < scratch.spans.size();) {
      auto [begin, end] = scratch.spans[i++];
      int32_t token = scratch.paths[end].token;
      if (unknown && token == *unknown) {
        while (i < scratch.spans.size() && scratch.paths[scratch.spans[i].second].token == *unknown)
          end = scratch.spans[i++].second;
        YOKE_TRY(addUnknown(piece.substr(begin, end - begin), blocked, ids));
        continue;
      }
      ids.push_back(token);
    }
    return {};
  }

  std::optional<std::string_view> text(int32_t id) const override {
    if (id < 0 || static_cast<size_t>(id) >= tokens.size())
      return std::nullopt;
    return tokens[static_cast<size_t>(id)];
  }
  int32_t find(std::string_view token) const override {
    ByteTrie::Node node = ByteTrie::Root;
    for (char c : token)
      if ((node = trie.step(node, static_cast<unsigned char>(c))) == ByteTrie::Missing)
        return Vocabulary::None;
    return trie.value(node);
  }
  size_t size() const override { return tokens.size(); }
  int32_t maxId() const override { return static_cast<int32_t>(tokens.size()) - 1; }

private:
  Status findBestPath(std::string_view piece, const TokenSet &blocked,
                      std::vector<ModelScratch::PathEnd> &paths) const {
    constexpr size_t unreached = SIZE_MAX;
    paths.assign(piece.size() + 1, {0, unreached, 0});
    for (size_t begin = 0; begin < piece.size();) {
      double scoreHere = paths[begin].score;
      auto offer = [&](size_t end, double score, int32_t token) {
        double candidate = score + scoreHere;
        if (paths[end].begin == unreached || candidate > paths[end].score)
          paths[end] = {candidate, begin, token};
      };
      size_t characterEnd = begin + utf8Length(piece[begin]);
      bool single = false;
      ByteTrie::Node node = ByteTrie::Root;
      for (size_t at = begin; at < piece.size();) {
        node = trie.step(node, static_cast<unsigned char>(piece[at++]));
        if (node == ByteTrie::Missing)
          break;
        int32_t token = trie.value(node);
        if (token < 0 || blocked.contains(token))
          continue;
        offer(at, scores[static_cast<size_t>(token)], token);
        single |= at == characterEnd;
      }
      if (!single) {
        if (!unknown)
          return malformed("{}: model.unk_id: missing, but the text has a character that is not in the vocabulary",
                           file);
        offer(characterEnd, unknownScore, *unknown);
      }
      begin = characterEnd;
    }
    return {};
  }

  /// A run of unknown characters: one token, or its bytes.
  Status addUnknown(std::string_view run, const TokenSet &blocked, std::vector<int32_t> &ids) const {
    int32_t whole = find(run);
    if (whole >= 0 && !blocked.contains(whole)) {
      ids.push_back(whole);
      return {};
    }
    if (byteFallback &&
        std::all_of(run.begin(), run.end(), [&](char b) { return byteTokens[static_cast<unsigned char>(b)] >= 0; })) {
      for (char b : run)
        ids.push_back(byteTokens[static_cast<unsigned char>(b)]);
      return {};
    }
    ids.push_back(*unknown);
    return {};
  }
};

/// Reads `vocab`: arrays [token, score].
Status readPieces(const ModelSource &source, UnigramModel &model) {
  std::optional<std::string_view> value = source.find("vocab");
  if (!value)
    return source.error("vocab", "missing");
  JsonCursor reader = source.cursor(*value);
  std::vector<size_t> ends;
  bool more;
  if (!reader.open('[') || !reader.next(']', more))
    return reader.error("model.vocab");
  while (more) {
    auto fault = [&] { return reader.error(fmt::format("model.vocab[{}]", ends.size())); };
    bool inner;
    std::string_view token;
    double score;
    if (!reader.open('[') || !reader.next(']', inner) || (!inner && !reader.fail("expected [token, score]")) ||
        !reader.string(token))
      return fault();
    if (token.size() > MaxTokenBytes)
      return source.error(fmt::format("vocab[{}]", ends.size()),
                          fmt::format("token of {} bytes, the limit is {}", token.size(), MaxTokenBytes));
    model.arena += token;
    if (!reader.next(']', inner) || (!inner && !reader.fail("expected [token, score]")) || !reader.number(score) ||
        !reader.next(']', inner) || (inner && !reader.fail("expected [token, score]")))
      return fault();
    ends.push_back(model.arena.size());
    model.scores.push_back(score);
    if (!reader.next(']', more))
      return fault();
  }
  size_t begin = 0;
  for (size_t end : ends) {
    model.tokens.push_back(std::string_view(model.arena).substr(begin, end - begin));
    begin = end;
  }
  return {};
}

} // namespace

Result<std::unique_ptr<Model>> makeUnigramModel(const ModelSource &source) {
  auto model = std::make_unique<UnigramModel>();
  model->file = source.file;
  model->byteFallback = YOKE_TRY(source.flag("byte_fallback"));
  YOKE_TRY(readPieces(source, *model));
  if (auto value = source.find("unk_id")) {
    JsonCursor reader = source.cursor(*value);
    int32_t id;
    if (!reader.id(id))
      return reader.error("model.unk_id");
    if (static_cast<size_t>(id) >= model->tokens.size())
      return source.error("unk_id", fmt::format("{} is outside of the vocabulary of {}", id, model->tokens.size()));
    model->unknown = id;
  }
  model->prepare();
  return model;
}

} // namespace yoke
