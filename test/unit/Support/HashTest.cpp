#include "Support/Hash.h"

#include <gtest/gtest.h>
#include <string_view>

using namespace yoke;

static std::span<const std::byte> bytesOf(std::string_view text) { return std::as_bytes(std::span(text)); }

TEST(Hash, Sha256MatchesTheStandardsExamples) {
  Sha256 empty;
  EXPECT_EQ(toHex(*empty.finish()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  Sha256 parts;
  parts.update(bytesOf("a"));
  parts.update(bytesOf("bc"));
  EXPECT_EQ(toHex(*parts.finish()), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Hash, Xxh3MatchesTheReference) {
  EXPECT_EQ(xxh3({}), 0x2d06800538d394c2u);
  Xxh3Stream stream;
  EXPECT_EQ(toHex(stream.digest()), "99aa06d3014798d86001c324468d497f");
}

TEST(Hash, StreamingEqualsOnePass) {
  std::string text(100'000, 'q');
  for (size_t i = 0; i < text.size(); ++i)
    text[i] = static_cast<char>(i * 31 + i / 7);
  Xxh3Stream whole, parts;
  whole.update(bytesOf(text));
  for (size_t i = 0; i < text.size(); i += 777)
    parts.update(bytesOf(std::string_view(text).substr(i, 777)));
  EXPECT_EQ(whole.digest(), parts.digest());
}
