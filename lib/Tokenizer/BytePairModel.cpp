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

/// Looks up the tokens of merges. Lookups miss the processor's caches, so that some are kept waiting for their memory.
class MergeResolver {
public:
  MergeResolver(const ModelSource &source, BytePairModel &model)
      : source(source), model(model), prefixLength(model.wordPrefix ? model.wordPrefix->size() : 0) {}

  Status add(size_t index, std::string_view left, std::string_view right) {
    Pending &entry = pending[count++ % pending.size()];
    if (count > pending.size())
      YOKE_TRY(resolve(entry));
    entry.index = index;
    entry.left = left;
    entry.right = right;
    entry.merged = left;
    entry.merged += right.substr(std::min(prefixLength, right.size()));
    entry.hashes = {Vocabulary::hash(entry.left), Vocabulary::hash(entry.right), Vocabulary::hash(entry.merged)};
    for (uint64_t hash : entry.hashes)
      model.vocabulary.prefetch(hash);
    return {};
  }

  Status finish() {
    size_t waiting = std::min(count, pending.size());
    for (size_t i = count - waiting; i < count; ++i)
      YOKE_TRY(resolve(pending[i % pending.size()]));
    return {};
  }

private:
  struct Pending {
    size_t index;
    std::string left, right, merged;
    std::array<uint64_t, 3> hashes;
  };

  Status resolve(const Pending &entry) {
    auto wrong = [&](std::string_view rule) { return source.error(fmt::format("merges[{}]", entry.index), rule); };
    int32_t left = model.vocabulary.find(entry.left, entry.hashes[0]);
    int32_t right = model.vocabulary.find(entry.right, entry.hashes[1]);
    if (left < 0 || right < 0)
      return wrong(fmt::format("token {} is not in the vocabulary", quote(left < 0 ? entry.left : entry.right)));
    if (entry.right.size() < prefixLength)
      return wrong(fmt::format("token {} is shorter than continuing_subword_prefix", quote(entry.right)));
    int32_t merged = model.vocabulary.find(entry.merged, entry.hashes[2]);
    if (merged < 0)
      return wrong(fmt::format("merged token {} is not in the vocabulary", quote(entry.merged)));
    model.merges.set(left, right, static_cast<uint32_t>(model.merged.size()));
    model.merged.push_back(merged);
    return {};
  }

  const ModelSource &source;
  BytePairModel &model;
  size_t prefixLength;
  std::array<Pending, 16> pending;
  size_t count = 0;
};

/// Reads `merges`: strings "left right", or arrays [left, right], all of one kind.
Status readMerges(const ModelSource &source, BytePairModel &model) {
  std::optional<std::string_view> value = source.find("merges");
  if (!value)
    return source.error("merges", "missing");
  model.merges.reserve(value->size() / 16);
  JsonCursor reader = source.cursor(*value);
  MergeResolver resolver(source, model);
  bool more;
  if (!reader.open('[') || !reader.next(']', more))
    return reader.error("model.merges");
  bool pairs = more && reader.peek() == '[';
  std::string left;
  for (size_t index = 0; more; ++index) {
    auto fault = [&] { return reader.error(fmt::format("model.merges[{}]", index)); };
    std::string_view text;
    if (pairs) {
      bool inner;
      if (!reader.open('[') || !reader.next(']', inner) || (!inner && !reader.fail("expected two tokens")) ||
          !reader.string(text))
        return fault();
      left = text;
      if (!reader.next(']', inner) || (!inner && !reader.fail("expected two tokens")) || !reader.string(text) ||
          !reader.next(']', inner) || (inner && !reader.fail("expected two tokens")))
        return fault();
      YOKE_TRY(resolver.add(index, left, text));
    } else {
      if (!reader.string(text))
        return fault();
      size_t space = text.find(' ');
      if (!text.starts_with("#version")) {
        if (space == text.npos || text.find(' ', space + 1) != text.npos)
          return source.error(fmt::format("merges[{}]", index), "expected two tokens separated by one space");
        YOKE_TRY(resolver.add(index, text.substr(0, space), text.substr(space + 1)));
      }
    }
    if (!reader.next(']', more))
      return fault();
  }
  return resolver.finish();
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
