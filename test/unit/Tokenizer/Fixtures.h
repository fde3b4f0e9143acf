// The tokenizers of fixtures/ and small ones written in place.
#pragma once

#include "Support/Json.h"
#include "Tokenizer/Tokenizer.h"

#include <fstream>
#include <gtest/gtest.h>
#include <iterator>

namespace yoke::test {

inline std::string readFixture(const std::string &name) {
  std::ifstream file(YOKE_SOURCE_DIR "/test/unit/Tokenizer/fixtures/" + name + ".json", std::ios::binary);
  return std::string((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
}

inline Tokenizer loadText(const std::string &json, const std::string &name = "tokenizer.json") {
  auto tokenizer = Tokenizer::load(json, name);
  if (!tokenizer)
    throw std::runtime_error(tokenizer.error().message);
  return std::move(*tokenizer);
}

inline Tokenizer loadFixture(const std::string &name) { return loadText(readFixture(name), name + ".json"); }

inline const Json &golden() {
  static const Json document = *parseJson(readFixture("golden"), "golden.json");
  return document;
}

inline std::vector<std::string> fixtureNames() {
  std::vector<std::string> names;
  for (const auto &member : golden().items())
    if (member.key() != "texts")
      names.push_back(member.key());
  return names;
}

inline std::vector<std::string> texts() { return golden()["texts"].get<std::vector<std::string>>(); }

/// A tokenizer of one word-level model and the given other members, for example `"normalizer": {...}`.
inline std::string wordLevelJson(const std::string &members,
                                 const std::string &vocab = R"({"u":0,"a":1,"b":2,"ab":3})") {
  return R"({"version":"1.0","model":{"type":"WordLevel","unk_token":"u","vocab":)" + vocab + "}" +
         (members.empty() ? "" : "," + members) + "}";
}

} // namespace yoke::test
