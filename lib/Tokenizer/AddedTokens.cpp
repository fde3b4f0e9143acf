#include "Tokenizer/AddedTokens.h"

#include "Support/Text.h"
#include "Tokenizer/UnicodeClasses.h"

#include <algorithm>

namespace yoke {

Status AddedTokens::add(Token token, int32_t id, const Normalizer *normalizer) {
  token.normalizedContent = token.content;
  if (token.normalized && normalizer) {
    Text text{token.content, true, utf8Length(token.content[0])};
    RegexBudget budget(token.content.size());
    YOKE_TRY(normalizer->apply(text, budget));
    token.normalizedContent = std::move(text.bytes);
  }
  ids[token.content] = id;
  if (token.special)
    specialIds.insert(id);
  largestId = std::max(largestId, id);
  tokens.insert_or_assign(id, std::move(token));
  return {};
}

Status AddedTokens::buildPatterns(const std::string &file) {
  std::vector<int32_t> order;
  for (const auto &[id, token] : tokens)
    order.push_back(id);
  std::sort(order.begin(), order.end());
  for (int32_t id : order) {
    const Token &token = tokens.at(id);
    if (!(token.normalized ? normalizedPatterns : rawPatterns).add(token.normalizedContent, id))
      return malformed("{}: added_tokens: {} is {} once normalized", file, quote(token.content),
                       token.normalizedContent.empty() ? "empty" : "the same as another token");
  }
  rawPatterns.build();
  normalizedPatterns.build();
  return {};
}

Result<AddedTokens> AddedTokens::read(const Json *list, const std::string &file, const Model &model,
                                      const Normalizer *normalizer) {
  AddedTokens added;
  if (!list)
    return added;
  if (!list->is_array())
    return malformed("{}: added_tokens: expected an array, found {}", file, describeJson(*list));
  int64_t nextId = static_cast<int64_t>(model.size());
  for (size_t i = 0; i < list->size(); ++i) {
    JsonObject config = YOKE_TRY(JsonObject::from((*list)[i], file, fmt::format("added_tokens[{}]", i)));
    YOKE_TRY(config.integer("id", 0, INT32_MAX));
    Token token;
    token.content = YOKE_TRY(config.string("content"));
    token.singleWord = YOKE_TRY(config.boolean("single_word"));
    token.leftStrip = YOKE_TRY(config.boolean("lstrip"));
    token.rightStrip = YOKE_TRY(config.boolean("rstrip"));
    token.normalized = YOKE_TRY(config.boolean("normalized"));
    token.special = YOKE_TRY(config.boolean("special"));
    if (token.content.empty())
      continue;
    int32_t id = added.find(token.content);
    if (id < 0)
      id = model.find(token.content);
    if (id < 0) {
      if (nextId > INT32_MAX)
        return config.error("id", "too many tokens");
      id = static_cast<int32_t>(nextId++);
    }
    YOKE_TRY(added.add(std::move(token), id, normalizer));
  }
  YOKE_TRY(added.buildPatterns(file));
  return added;
}

void AddedTokens::find(std::string_view text, const PatternSet &patterns, bool parseSpecial,
                       std::vector<Found> &parts) const {
  parts.clear();
  std::vector<PatternSet::Match> matches;
  patterns.find(text, matches);
  size_t covered = 0;
  for (auto [begin, end, id] : matches) {
    const Token &token = tokens.at(id);
    if (!parseSpecial && isSpecialText(token.content))
      continue;
    if (token.singleWord) {
      size_t before = begin ? previousCharacter(text, begin) : 0, after = end;
      if ((begin && isWord(nextCodePoint(text, before))) || (end < text.size() && isWord(nextCodePoint(text, after))))
        continue;
    }
    if (token.leftStrip)
      while (begin > covered) {
        size_t previous = previousCharacter(text, begin), at = previous;
        if (!isWhitespace(nextCodePoint(text, at)))
          break;
        begin = previous;
      }
    if (token.rightStrip)
      for (size_t at = end; at < text.size() && isWhitespace(nextCodePoint(text, at)); end = at)
        ;
    if (covered < begin)
      parts.push_back({covered, begin, Piece::NoToken});
    parts.push_back({begin, end, id});
    covered = end;
  }
  if (covered < text.size())
    parts.push_back({covered, text.size(), Piece::NoToken});
}

Status AddedTokens::extract(std::string_view text, const Normalizer *normalizer, bool parseSpecial, RegexBudget &budget,
                            PreTokenized &out) const {
  std::vector<Found> raw, parts;
  find(text, rawPatterns, parseSpecial, raw);
  for (const Found &part : raw) {
    if (part.token != Piece::NoToken) {
      out.pieces.push_back({0, 0, part.token, false, 0});
      continue;
    }
    Text piece{std::string(text.substr(part.begin, part.end - part.begin)), part.begin == 0, 0};
    piece.front = piece.atStart ? utf8Length(text[0]) : 0;
    if (normalizer)
      YOKE_TRY(normalizer->apply(piece, budget));
    find(piece.bytes, normalizedPatterns, parseSpecial, parts);
    Piece whole{out.text.size(), out.text.size() + piece.bytes.size(), Piece::NoToken, piece.atStart, piece.front};
    out.text += piece.bytes;
    for (const Found &inner : parts) {
      out.pieces.push_back(slice(whole, inner.begin, inner.end));
      out.pieces.back().token = inner.token;
    }
  }
  return {};
}

std::optional<std::string_view> AddedTokens::text(int32_t id) const {
  auto found = tokens.find(id);
  return found == tokens.end() ? std::nullopt : std::optional<std::string_view>(found->second.normalizedContent);
}

int32_t AddedTokens::find(std::string_view content) const {
  auto found = ids.find(std::string(content));
  return found == ids.end() ? Vocabulary::None : found->second;
}

bool AddedTokens::isSpecialText(std::string_view text) const {
  int32_t id = find(text);
  return id >= 0 && specialIds.contains(id);
}

size_t AddedTokens::countBeyond(const Model &model) const {
  return static_cast<size_t>(
      std::count_if(ids.begin(), ids.end(), [&](const auto &entry) { return model.find(entry.first) < 0; }));
}

} // namespace yoke
