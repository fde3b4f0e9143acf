#include "Tokenizer/Model.h"

#include "Support/Text.h"
#include "Tokenizer/Utf8.h"

#include <algorithm>
#include <array>

namespace yoke {
namespace {

constexpr uint32_t NoMerge = UINT32_MAX;

/// From a pair of token ids to the rank of their merge: an open-addressing table.
class MergeTable {
public:
  void reserve(size_t merges) {
    size_t size = 16;
    while (size < merges * 2)
      size *= 2;
    if (size > entries.size())
      rehash(size);
  }
  /// A later merge of the same pair replaces the earlier one.
  void set(int32_t left, int32_t right, uint32_t rank) {
    if ((count + 1) * 2 > entries.size())
      rehash(entries.empty() ? 16 : entries.size() * 2);
    Entry &entry = entries[slot(key(left, right))];
    count += entry.rank == NoMerge;
    entry = {key(left, right), rank};
  }
  uint32_t rank(int32_t left, int32_t right) const {
    return entries.empty() ? NoMerge : entries[slot(key(left, right))].rank;
  }

private:
  struct Entry {
    uint64_t key = 0;
    uint32_t rank = NoMerge;
  };
  static uint64_t key(int32_t left, int32_t right) {
    return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
  }
  size_t slot(uint64_t key) const {
    uint64_t hash = key * 0x9E3779B97F4A7C15;
    hash = (hash ^ hash >> 32) * 0xD6E8FEB86659FD93;
    size_t at = (hash ^ hash >> 32) & (entries.size() - 1);
    while (entries[at].rank != NoMerge && entries[at].key != key)
      at = (at + 1) & (entries.size() - 1);
    return at;
  }
  void rehash(size_t size) {
    std::vector<Entry> old = std::exchange(entries, std::vector<Entry>(size));
    for (const Entry &entry : old)
      if (entry.rank != NoMerge)
        entries[slot(entry.key)] = entry;
  }

  std::vector<Entry> entries;
  size_t count = 0;
};

class BytePairModel final : public Model {
public:
  Vocabulary vocabulary;
  MergeTable merges;
  std::vector<int32_t> merged; ///< by rank
  std::optional<std::string> unknown, wordPrefix, wordSuffix;
  bool fuseUnknown = false, byteFallback = false, ignoreMerges = false;
  std::string file;
  std::array<int32_t, 256> byteTokens;
  std::array<int32_t, 512> characterTokens; ///< of the first code points, when there is no prefix and no suffix

  void prepare() {
    for (unsigned b = 0; b < 256; ++b)
      byteTokens[b] = vocabulary.find(fmt::format("<0x{:02X}>", b));
    for (char32_t c = 0; c < characterTokens.size(); ++c) {
      std::string text;
      appendCodePoint(text, c);
      characterTokens[c] = vocabulary.find(text);
    }
  }

  Status tokenize(std::string_view piece, const TokenSet &blocked, ModelScratch &scratch,
                  std::vector<int32_t> &ids) const override {
    if (ignoreMerges)
      if (int32_t whole = vocabulary.find(piece); whole >= 0 && !blocked.contains(whole)) {
        ids.push_back(whole);
        return {};
      }
    scratch.symbols.clear();
    YOKE_TRY(addSymbols(piece, blocked, scratch));
    merge(blocked, scratch);
    for (const ModelScratch::Symbol &symbol : scratch.symbols)
      if (symbol.token >= 0)
        ids.push_back(symbol.token);
    return {};
  }

  std::optional<std::string_view> text(int32_t id) const override { return vocabulary.text(id); }
  int32_t find(std::string_view token) const override { return vocabulary.find(token); }
  size_t size() const override { return vocabulary.size(); }
  int32_t maxId() const override { return vocabulary.maxId(); }

private:
  /// One symbol for every character of the piece.
  Status addSymbols(std::string_view piece, const TokenSet &blocked, ModelScratch &scratch) const {
    bool plain = !wordPrefix && !wordSuffix;
    auto add = [&](int32_t token) {
      int32_t at = static_cast<int32_t>(scratch.symbols.size());
      scratch.symbols.push_back({token, at - 1, at + 1, NoMerge});
    };
    int32_t pendingUnknown = Vocabulary::None;
    for (size_t at = 0; at < piece.size();) {
      size_t begin = at;
      char32_t c = nextCodePoint(piece, at);
      std::string_view character = piece.substr(begin, at - begin);
      int32_t token;
      if (plain && c < characterTokens.size()) {
        token = characterTokens[c];
      } else {
        if (!plain) {
          scratch.buffer.clear();
          if (begin && wordPrefix)
            scratch.buffer += *wordPrefix;
          scratch.buffer += character;
          if (at == piece.size() && wordSuffix)
            scratch.buffer += *wordSuffix;
          character = scratch.buffer;
        }
        token = vocabulary.find(character);
      }
      if (token >= 0 && !blocked.contains(token)) {
        if (pendingUnknown >= 0)
          add(std::exchange(pendingUnknown, Vocabulary::None));
        add(token);
        continue;
      }
      if (byteFallback && std::all_of(character.begin(), character.end(),
                                      [&](char b) { return byteTokens[static_cast<unsigned char>(b)] >= 0; })) {
        for (char b : character)
          add(byteTokens[static_cast<unsigned char>(b)]);
        continue;
      }
      if (!unknown)
        continue;
      if (pendingUnknown >= 0 && !fuseUnknown)
        add(pendingUnknown);
      if (pendingUnknown < 0 || !fuseUnknown)
        pendingUnknown = vocabulary.find(*unknown);
      if (pendingUnknown < 0)
        return malformed("{}: model.unk_token: {} is not in the vocabulary", file, quote(*unknown));
    }
    if (pendingUnknown >= 0)
      add(pendingUnknown);
    if (!scratch.symbols.empty())
      scratch.symbols.back().next = -1;
    return {};
  }

  /// Merges by rank, then from left to right, with a heap: n log n.
  void merge(const TokenSet &blocked, ModelScratch &scratch) const {
    auto &symbols = scratch.symbols;
    auto &queue = scratch.queue;
    queue.clear();
    auto rankAt = [&](size_t left) {
      uint32_t rank = merges.rank(symbols[left].token, symbols[static_cast<size_t>(symbols[left].next)].token);
      return rank != NoMerge && blocked.contains(merged[rank]) ? NoMerge : rank;
    };
    // The reference compares ranks first and positions second, and so does this number.
    auto entry = [](uint32_t rank, size_t left) { return static_cast<uint64_t>(rank) << 32 | left; };
    for (size_t i = 0; i + 1 < symbols.size(); ++i) {
      symbols[i].rank = rankAt(i);
      if (symbols[i].rank != NoMerge)
        queue.push_back(entry(symbols[i].rank, i));
    }
    std::make_heap(queue.begin(), queue.end(), std::greater<>());
    while (!queue.empty()) {
      std::pop_heap(queue.begin(), queue.end(), std::greater<>());
      uint32_t rank = static_cast<uint32_t>(queue.back() >> 32);
      size_t left = static_cast<uint32_t>(queue.back());
      queue.pop_back();
      ModelScratch::Symbol &symbol = symbols[left];
      // An entry is out of date unless its pair, whatever it is by now, merges into the same token.
      if (symbol.token < 0 || symbol.next < 0 || symbol.rank == NoMerge || merged[symbol.rank] != merged[rank])
        continue;
      ModelScratch::Symbol &right = symbols[static_cast<size_t>(symbol.next)];
      symbol.token = merged[rank];
      symbol.next = right.next;
      right.token = -1;
      auto update = [&](size_t at) {
        symbols[at].rank = rankAt(at);
        if (symbols[at].rank == NoMerge)
          return;
        queue.push_back(entry(symbols[at].rank, at));
        std::push_heap(queue.begin(), queue.end(), std::greater<>());
      };
      if (symbol.previous >= 0)
        update(static_cast<size_t>(symbol.previous));
      symbol.rank = NoMerge;
      if (symbol.next >= 0) {
        symbols[static_cast<size_t>(symbol.next)].previous = static_cast<int32_t>(left);
        update(left);
      }
    }
  }
};

/// Reads `merges`: strings "left right", or arrays [left, right], all of one kind.
Status readMerges(const ModelSource &source, BytePairModel &model) {
  std::optional<std::string_view> value = source.find("merges");
  if (!value)
    return source.error("merges", "missing");
  model.merges.reserve(value->size() / 16);
  JsonCursor reader = source.cursor(*value);
  bool more;
  if (!reader.open('[') || !reader.next(']', more))
    return reader.error("model.merges");
  bool pairs = more && reader.peek() == '[';
  size_t prefixLength = model.wordPrefix ? model.wordPrefix->size() : 0;
  std::string joined;
  for (size_t index = 0; more; ++index) {
    auto fault = [&] { return reader.error(fmt::format("model.merges[{}]", index)); };
    auto wrong = [&](std::string_view rule) { return source.error(fmt::format("merges[{}]", index), rule); };
    std::string_view text;
    size_t leftLength;
    if (pairs) {
      bool inner;
      if (!reader.open('[') || !reader.next(']', inner) || !inner || !reader.string(text))
        return fault();
      joined = text;
      leftLength = text.size();
      if (!reader.next(']', inner) || (!inner && !reader.fail("expected two tokens")) || !reader.string(text))
        return fault();
      joined += text;
      if (!reader.next(']', inner) || (inner && !reader.fail("expected two tokens")))
        return fault();
    } else {
      if (!reader.string(text))
        return fault();
      leftLength = text.find(' ');
      if (!text.starts_with("#version")) {
        if (leftLength == text.npos || text.find(' ', leftLength + 1) != text.npos)
          return wrong("expected two tokens separated by one space");
        joined = text.substr(0, leftLength);
        joined += text.substr(leftLength + 1);
      }
    }
    if (pairs || !text.starts_with("#version")) {
      std::string_view left = std::string_view(joined).substr(0, leftLength);
      std::string_view right = std::string_view(joined).substr(leftLength);
      int32_t leftId = model.vocabulary.find(left), rightId = model.vocabulary.find(right);
      if (leftId < 0 || rightId < 0)
        return wrong(fmt::format("token {} is not in the vocabulary", quote(leftId < 0 ? left : right)));
      if (right.size() < prefixLength)
        return wrong(fmt::format("token {} is shorter than continuing_subword_prefix", quote(right)));
      joined.erase(leftLength, prefixLength);
      int32_t result = model.vocabulary.find(joined);
      if (result < 0)
        return wrong(fmt::format("merged token {} is not in the vocabulary", quote(joined)));
      model.merges.set(leftId, rightId, static_cast<uint32_t>(model.merged.size()));
      model.merged.push_back(result);
    }
    if (!reader.next(']', more))
      return fault();
  }
  return {};
}

} // namespace

Result<std::unique_ptr<Model>> makeBytePairModel(const ModelSource &source) {
  auto model = std::make_unique<BytePairModel>();
  model->file = source.file;
  model->unknown = YOKE_TRY(source.string("unk_token"));
  model->wordPrefix = YOKE_TRY(source.string("continuing_subword_prefix"));
  model->wordSuffix = YOKE_TRY(source.string("end_of_word_suffix"));
  model->fuseUnknown = YOKE_TRY(source.flag("fuse_unk"));
  model->byteFallback = YOKE_TRY(source.flag("byte_fallback"));
  model->ignoreMerges = YOKE_TRY(source.flag("ignore_merges"));
  if (auto dropout = source.find("dropout")) {
    JsonCursor reader = source.cursor(*dropout);
    double probability;
    if (!reader.number(probability))
      return reader.error("model.dropout");
    if (probability < 0 || probability > 1)
      return source.error("dropout", "expected a number in [0, 1]");
  }
  model->vocabulary = YOKE_TRY(readVocabulary(source));
  YOKE_TRY(readMerges(source, *model));
  model->prepare();
  return model;
}

} // namespace yoke
