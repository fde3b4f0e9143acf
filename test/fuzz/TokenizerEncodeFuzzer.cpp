// Any bytes as text for the tokenizers of the unit tests: encode, decode, and decode as a stream.
#include "Tokenizer/Tokenizer.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

static std::vector<yoke::Tokenizer> loadFixtures() {
  std::vector<yoke::Tokenizer> all;
  for (const auto &entry : std::filesystem::directory_iterator(YOKE_SOURCE_DIR "/test/unit/Tokenizer/fixtures")) {
    std::ifstream file(entry.path(), std::ios::binary);
    std::string json((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    if (auto tokenizer = yoke::Tokenizer::load(json, entry.path().string()))
      all.push_back(std::move(*tokenizer));
  }
  return all;
}

/// The first byte picks the tokenizer and the options, the others are the text.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const std::vector<yoke::Tokenizer> all = loadFixtures();
  if (size < 1 || all.empty())
    return 0;
  const yoke::Tokenizer &tokenizer = all[data[0] % all.size()];
  bool special = data[0] & 64, parse = data[0] & 128;
  std::string_view text(reinterpret_cast<const char *>(data + 1), size - 1);
  auto ids = tokenizer.encode(text, special, parse);
  if (!ids)
    return 0;
  std::string streamed;
  yoke::StreamingDecoder decoder(tokenizer, false);
  for (int32_t id : *ids) {
    if (id < 0 || id > tokenizer.maxId())
      abort();
    streamed += decoder.feed(id);
  }
  if (streamed + decoder.flush() != tokenizer.decode(*ids, false))
    abort();
  return 0;
}
