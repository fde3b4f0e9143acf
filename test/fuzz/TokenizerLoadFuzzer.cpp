// Any bytes as a tokenizer.json; what loads must also encode and decode.
#include "Tokenizer/Tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string_view json(reinterpret_cast<const char *>(data), size);
  auto tokenizer = yoke::Tokenizer::load(json, "fuzz.json");
  if (!tokenizer)
    return 0;
  static constexpr std::string_view texts[] = {"", "the word <s>\xC3\xA9  12\n",
                                               "\xFF\xE2\x96\x81"
                                               "aaaaaaaaaa"};
  for (std::string_view text : texts)
    if (auto ids = tokenizer->encode(text))
      tokenizer->decode(*ids, false);
  return 0;
}
