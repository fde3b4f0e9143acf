#include "runtime/Speculation/SuccessorTable.h"

#include "Support/File.h"
#include "Support/Hash.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

namespace yoke {
namespace {

/// Logits are compared with the threshold in blocks whose largest value is found without branches.
constexpr size_t blockSize = 64;

uint8_t marginClass(float margin) {
  constexpr std::array<float, SuccessorTable::marginClasses - 1> limits = {0.5f, 1.5f, 3.0f};
  return static_cast<uint8_t>(std::ranges::upper_bound(limits, margin) - limits.begin());
}

struct Best {
  std::array<float, SuccessorTable::width> values;
  std::array<int32_t, SuccessorTable::width> tokens;

  Best() {
    values.fill(-INFINITY);
    tokens.fill(-1);
  }
  void add(float value, int32_t token) {
    int32_t place = SuccessorTable::width - 1;
    for (; place > 0 && value > values[place - 1]; --place) {
      values[place] = values[place - 1];
      tokens[place] = tokens[place - 1];
    }
    values[place] = value;
    tokens[place] = token;
  }
};

/// File: header, then 4 bytes for each successor: its token in the lower 24 bits plus one, the margin above.
struct FileHeader {
  char magic[8];
  uint64_t vocabulary;
  uint64_t width;
  uint64_t identity;
  uint64_t checksum; ///< XXH3 of what follows
};
constexpr char magic[9] = "YOKESUC1";
constexpr int32_t maxStoredToken = (1 << 24) - 2;

uint64_t hashOf(std::string_view text) { return xxh3(std::as_bytes(std::span(text))); }

} // namespace

void SuccessorTable::learn(int32_t token, std::span<const float> logits) {
  Best best;
  for (size_t start = 0; start < logits.size(); start += blockSize) {
    const size_t end = std::min(start + blockSize, logits.size());
    float top = -INFINITY;
    bool nan = false;
    for (size_t i = start; i < end; ++i) {
      top = logits[i] > top ? logits[i] : top;
      nan |= logits[i] != logits[i];
    }
    if (nan)
      return;
    if (top > best.values.back())
      for (size_t i = start; i < end; ++i)
        if (logits[i] > best.values.back())
          best.add(logits[i], static_cast<int32_t>(i));
  }
  learn(token, best.values, best.tokens);
}

void SuccessorTable::learn(int32_t token, std::span<const float> logits, std::span<const int32_t> best) {
  if (std::isnan(logits[0]))
    return;
  Successor *row = successors.data() + int64_t(token) * width;
  for (int32_t i = 0; i < width; ++i)
    row[i] = {best[i], marginClass(i == 0 ? logits[0] - logits[1] : logits[0] - logits[i])};
}

void SuccessorTable::observe(int32_t token, int32_t next) {
  Successor *row = successors.data() + int64_t(token) * width;
  for (int32_t i = 0; i < width; ++i) {
    if (row[i].token == next)
      return;
    if (row[i].token < 0) {
      row[i] = {next, static_cast<uint8_t>(i == 0 ? 0 : marginClasses - 1)};
      return;
    }
  }
}

Status SuccessorTable::save(const std::string &path, std::string_view identity) const {
  if (vocabulary() > maxStoredToken)
    return failed("{}: a vocabulary of {} tokens is too large for the file's format", path, vocabulary());
  std::vector<uint32_t> stored;
  stored.reserve(successors.size());
  for (const Successor &entry : successors)
    stored.push_back(static_cast<uint32_t>(entry.token + 1) | static_cast<uint32_t>(entry.margin) << 24);
  const auto bytes = std::as_bytes(std::span(stored));
  FileHeader header = {{}, static_cast<uint64_t>(vocabulary()), width, hashOf(identity), xxh3(bytes)};
  std::memcpy(header.magic, magic, sizeof header.magic);
  AtomicFile file = YOKE_TRY(AtomicFile::create(path));
  YOKE_TRY(file.append(std::as_bytes(std::span(&header, 1))));
  YOKE_TRY(file.append(bytes));
  return file.commit();
}

Result<SuccessorTable> SuccessorTable::load(const std::string &path, std::string_view identity, int64_t vocabulary) {
  SuccessorTable table(vocabulary);
  const size_t bodyBytes = table.successors.size() * sizeof(uint32_t);
  const std::string content = YOKE_TRY(readFile(path, sizeof(FileHeader) + bodyBytes));
  FileHeader header;
  if (content.size() < sizeof header || std::memcmp(content.data(), magic, sizeof header.magic) != 0)
    return malformed("{}: is not a table of successors", path);
  std::memcpy(&header, content.data(), sizeof header);
  if (header.identity != hashOf(identity))
    return malformed("{}: belongs to another model", path);
  if (header.vocabulary != static_cast<uint64_t>(vocabulary) || header.width != width)
    return malformed("{}: holds {} successors of {} tokens, the model needs {} of {}", path, header.width,
                     header.vocabulary, width, vocabulary);
  const auto body = std::as_bytes(std::span(content)).subspan(sizeof header);
  if (body.size() != bodyBytes || xxh3(body) != header.checksum)
    return malformed("{}: is damaged: its checksum does not match", path);
  for (size_t i = 0; i < table.successors.size(); ++i) {
    uint32_t stored;
    std::memcpy(&stored, body.data() + i * sizeof stored, sizeof stored);
    const auto token = static_cast<int32_t>(stored & 0xFFFFFF) - 1;
    const uint32_t margin = stored >> 24;
    if (token >= vocabulary || margin >= marginClasses)
      return malformed("{}: successor {} of token {} is outside the vocabulary of {}", path, i % width, i / width,
                       vocabulary);
    const auto before = table.successors.begin() + i / width * width, here = table.successors.begin() + i;
    if (token >= 0 && std::any_of(before, here, [&](const Successor &other) { return other.token == token; }))
      return malformed("{}: successor {} of token {} is listed twice", path, token, i / width);
    table.successors[i] = {token, static_cast<uint8_t>(margin)};
  }
  return table;
}

} // namespace yoke
