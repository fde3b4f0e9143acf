#include "Tokenizer/Tokenizer.h"

#include "Tokenizer/Parts.h"

#include <algorithm>

namespace yoke {

constexpr size_t MaxTextBytes = size_t(1) << 30;

Tokenizer::Tokenizer(std::unique_ptr<Parts> parts) : parts(std::move(parts)) {}
Tokenizer::Tokenizer(Tokenizer &&) noexcept = default;
Tokenizer &Tokenizer::operator=(Tokenizer &&) noexcept = default;
Tokenizer::~Tokenizer() = default;

Result<std::vector<int32_t>> Tokenizer::encode(std::string_view text, bool addSpecialTokens, bool parseSpecial) const {
  if (text.size() >= MaxTextBytes)
    return malformed("text of {} bytes, the limit is {}", text.size(), MaxTextBytes);
  std::string repaired;
  if (!isValidText(text)) {
    appendRepaired(repaired, text);
    text = repaired;
  }
  RegexBudget budget(text.size());
  PreTokenized pieces;
  YOKE_TRY(parts->added.extract(text, parts->normalizer.get(), parseSpecial, budget, pieces));
  if (parts->preTokenizer)
    YOKE_TRY(parts->preTokenizer->apply(pieces, budget));

  static const TokenSet nothingBlocked;
  const TokenSet &blocked = parseSpecial ? nothingBlocked : parts->added.special();
  ModelScratch scratch;
  TokenGroups groups(1);
  for (const Piece &piece : pieces.pieces) {
    if (!piece.isText())
      groups[0].push_back(piece.token);
    else
      YOKE_TRY(parts->model->tokenize(pieces.view(piece), blocked, scratch, groups[0]));
  }
  if (parts->postProcessor)
    YOKE_TRY(parts->postProcessor->apply(groups, addSpecialTokens));
  if (groups.size() == 1)
    return std::move(groups[0]);
  std::vector<int32_t> ids;
  for (const auto &group : groups)
    ids.insert(ids.end(), group.begin(), group.end());
  return ids;
}

std::string Tokenizer::decode(std::span<const int32_t> ids, bool skipSpecialTokens) const {
  StreamingDecoder decoder(*this, skipSpecialTokens);
  std::string text;
  for (int32_t id : ids)
    text += decoder.feed(id);
  return text += decoder.flush();
}

size_t Tokenizer::vocabSize() const { return parts->model->size() + parts->added.countBeyond(*parts->model); }

int32_t Tokenizer::maxId() const {
  int32_t largest = std::max(parts->model->maxId(), parts->added.maxId());
  return parts->postProcessor ? std::max(largest, parts->postProcessor->maxId()) : largest;
}

std::optional<std::string_view> Tokenizer::idToToken(int32_t id) const {
  if (auto text = parts->added.text(id))
    return text;
  return parts->model->text(id);
}

std::optional<int32_t> Tokenizer::tokenToId(std::string_view token) const {
  int32_t id = parts->added.find(token);
  if (id < 0)
    id = parts->model->find(token);
  return id < 0 ? std::nullopt : std::optional(id);
}

bool Tokenizer::isSpecial(int32_t id) const { return id >= 0 && parts->added.isSpecial(id); }

/// Stages that lead to a string.
struct StreamingDecoder::Chain final : DecodeStage {
  explicit Chain(const Decoder &decoder) : first(&decoder.start(*this, stages)) {}
  void feed(std::string_view chunk, bool, bool) override { text += chunk; }
  void finish() override {}

  std::string text;
  DecodeChain stages;
  DecodeStage *first;
};

StreamingDecoder::StreamingDecoder(const Tokenizer &tokenizer, bool skipSpecialTokens)
    : tokenizer(&tokenizer), skipSpecialTokens(skipSpecialTokens) {
  restart();
}
StreamingDecoder::StreamingDecoder(StreamingDecoder &&) noexcept = default;
StreamingDecoder &StreamingDecoder::operator=(StreamingDecoder &&) noexcept = default;
StreamingDecoder::~StreamingDecoder() = default;

void StreamingDecoder::restart() { chain = std::make_unique<Chain>(*tokenizer->parts->decoder); }

std::string StreamingDecoder::feed(int32_t id) {
  std::optional<std::string_view> token = tokenizer->idToToken(id);
  if (!token || (skipSpecialTokens && tokenizer->parts->added.isSpecialText(*token)))
    return {};
  chain->first->feed(*token, true, true);
  return std::exchange(chain->text, {});
}

std::string StreamingDecoder::flush() {
  chain->first->finish();
  std::string rest = std::move(chain->text);
  restart();
  return rest;
}

} // namespace yoke
