#include "Fixtures.h"

#include <gmock/gmock.h>

namespace yoke::test {
namespace {

using testing::HasSubstr;

std::string faultOf(const std::string &json) {
  auto tokenizer = Tokenizer::load(json, "tokenizer.json");
  if (tokenizer)
    return "";
  EXPECT_EQ(tokenizer.error().kind, ErrorKind::Malformed);
  EXPECT_EQ(tokenizer.error().message.find('\n'), std::string::npos);
  EXPECT_THAT(tokenizer.error().message, testing::StartsWith("tokenizer.json: "));
  return tokenizer.error().message;
}

std::string bpe(const std::string &vocab, const std::string &merges, const std::string &more = "") {
  return R"({"model":{"type":"BPE","vocab":)" + vocab + R"(,"merges":)" + merges + more + "}}";
}

std::string unigram(const std::string &vocab, const std::string &unknown = "0") {
  return R"({"model":{"type":"Unigram","unk_id":)" + unknown + R"(,"vocab":)" + vocab + "}}";
}

TEST(Malformed, Json) {
  EXPECT_THAT(faultOf(""), HasSubstr("expected an object"));
  EXPECT_THAT(faultOf("{"), HasSubstr("expected a string"));
  EXPECT_THAT(faultOf("{} x"), HasSubstr("text after the end"));
  EXPECT_THAT(faultOf("{\"a\":\"\xFF\"}"), HasSubstr("UTF-8"));
  EXPECT_THAT(faultOf(R"({"model":{},"model":{}})"), HasSubstr("twice"));
  EXPECT_THAT(faultOf("{\"x\":" + std::string(100000, '[') + "}"), HasSubstr("too deeply"));
  EXPECT_THAT(faultOf(R"({"version":"1.0"})"), HasSubstr("model: expected an object"));
  EXPECT_THAT(faultOf(R"({"version":"2.0","model":{}})"), HasSubstr("version"));
  EXPECT_THAT(faultOf(R"({"model":{"type":"Foo"}})"), HasSubstr("unsupported model"));
  EXPECT_THAT(faultOf(wordLevelJson(R"("truncation":3)")), HasSubstr("truncation"));
}

TEST(Malformed, Vocabulary) {
  EXPECT_THAT(faultOf(bpe(R"({"a":0,"a":1})", "[]")), HasSubstr("token \"a\" occurs twice"));
  EXPECT_THAT(faultOf(bpe(R"({"a":0,"b":0})", "[]")), HasSubstr("id 0 belongs to two tokens"));
  EXPECT_THAT(faultOf(bpe(R"({"a":1000000,"b":1000000})", "[]")), HasSubstr("id 1000000 belongs to two tokens"));
  for (const char *id : {"-1", "1.0", "1e3", "\"1\"", "null", "2147483648", "99999999999999999999", "01", "true"})
    EXPECT_THAT(faultOf(bpe(std::string(R"({"a":)") + id + "}", "[]")), HasSubstr("model.vocab")) << id;
  EXPECT_THAT(faultOf(bpe(R"({"\ud800":0})", "[]")), HasSubstr("surrogate"));
  EXPECT_THAT(faultOf(bpe("[]", "[]")), HasSubstr("model.vocab: expected an object"));
  EXPECT_THAT(faultOf(R"({"model":{"type":"BPE","merges":[]}})"), HasSubstr("model.vocab: missing"));
}

TEST(Malformed, GapsBetweenIdsAreAllowed) {
  Tokenizer tokenizer = loadText(bpe(R"({"a":5,"b":2147483647})", "[]"));
  EXPECT_EQ(tokenizer.vocabSize(), 2u);
  EXPECT_EQ(tokenizer.maxId(), 2147483647);
  EXPECT_EQ(tokenizer.encode("ab").value(), (std::vector<int32_t>{5, 2147483647}));
  EXPECT_EQ(tokenizer.idToToken(2147483647), "b");
  EXPECT_FALSE(tokenizer.idToToken(6));
}

TEST(Malformed, Merges) {
  EXPECT_THAT(faultOf(bpe(R"({"a":0})", R"(["a x"])")),
              HasSubstr("model.merges[0]: token \"x\" is not in the vocabulary"));
  EXPECT_THAT(faultOf(bpe(R"({"a":0,"b":1})", R"(["a b"])")), HasSubstr("merged token \"ab\""));
  EXPECT_THAT(faultOf(bpe(R"({"a":0})", R"(["aa"])")), HasSubstr("one space"));
  EXPECT_THAT(faultOf(bpe(R"({"a":0,"aa":1})", R"(["a a",["a","a"]])")), HasSubstr("model.merges[1]"));
  EXPECT_THAT(faultOf(bpe(R"({"a":0,"aa":1})", R"([["a","a","a"]])")), HasSubstr("two tokens"));
  EXPECT_THAT(faultOf(bpe(R"({"a":0,"aa":1})", R"([["a"]])")), HasSubstr("two tokens"));
  EXPECT_THAT(faultOf(bpe(R"({"a":0,"aa":1})", R"(["a a"])", R"(,"continuing_subword_prefix":"###")")),
              HasSubstr("shorter"));
  EXPECT_THAT(faultOf(bpe(R"({"a":0})", "[]", R"(,"byte_fallback":1)")), HasSubstr("byte_fallback"));
  EXPECT_THAT(faultOf(bpe(R"({"a":0})", "[]", R"(,"dropout":2)")), HasSubstr("dropout"));
}

TEST(Malformed, TokensThatOnlyLookLikeBytes) {
  Tokenizer tokenizer =
      loadText(bpe(R"({"<0x-1>":0,"<0xZZ>":1,"<0x41>":2,"u":3})", "[]", R"(,"byte_fallback":true,"unk_token":"u")"));
  EXPECT_EQ(tokenizer.encode("AB").value(), (std::vector<int32_t>{2, 3}));
  EXPECT_EQ(tokenizer.decode(std::vector<int32_t>{0, 1}), "<0x-1> <0xZZ>");
}

TEST(Malformed, Unigram) {
  for (const char *score : {"NaN", "Infinity", "1e999", "\"1\"", "null"})
    EXPECT_THAT(faultOf(unigram(std::string(R"([["u",)") + score + "]]")), HasSubstr("tokenizer.json")) << score;
  EXPECT_THAT(faultOf(unigram(R"([["u",0]])", "1")), HasSubstr("unk_id"));
  EXPECT_THAT(faultOf(unigram(R"([["u",0,1]])")), HasSubstr("[token, score]"));
  EXPECT_THAT(faultOf(unigram(R"([["u"]])")), HasSubstr("[token, score]"));
  EXPECT_THAT(faultOf(unigram("[[\"" + std::string(5000, 'a') + "\",0]]")), HasSubstr("the limit is"));
}

TEST(Malformed, Charsmap) {
  auto with = [](const std::string &data) {
    return wordLevelJson(R"("normalizer":{"type":"Precompiled","precompiled_charsmap":")" + data + "\"}");
  };
  Json document = *parseJson(readFixture("t5"), "t5.json");
  std::string good = document["normalizer"]["precompiled_charsmap"];
  EXPECT_EQ(faultOf(with(good)), "");
  EXPECT_THAT(faultOf(with("")), HasSubstr("cut short"));
  EXPECT_THAT(faultOf(with("AAAA")), HasSubstr("cut short"));
  EXPECT_THAT(faultOf(with("////////")), HasSubstr("cut short"));
  EXPECT_THAT(faultOf(with("*")), HasSubstr("base64"));
  for (size_t length = 0; length < good.size(); length += 4)
    EXPECT_NE(faultOf(with(good.substr(0, length))), "") << length;
}

TEST(Malformed, Parts) {
  auto part = [](const std::string &members) { return faultOf(wordLevelJson(members)); };
  EXPECT_THAT(part(R"("normalizer":{"type":"Foo"})"), HasSubstr("normalizer.type"));
  EXPECT_THAT(part(R"("normalizer":{"type":"Strip","strip_left":1,"strip_right":true})"), HasSubstr("strip_left"));
  EXPECT_THAT(part(R"("normalizer":{"type":"Replace","pattern":{"Regex":"("},"content":""})"), HasSubstr("pattern"));
  EXPECT_THAT(part(R"("normalizer":{"type":"Replace","pattern":{},"content":""})"), HasSubstr("pattern"));
  EXPECT_THAT(part(R"("pre_tokenizer":{"type":"Foo"})"), HasSubstr("pre_tokenizer.type"));
  EXPECT_THAT(part(R"("pre_tokenizer":{"type":"FixedLength","length":0})"), HasSubstr("length"));
  EXPECT_THAT(part(R"("pre_tokenizer":{"type":"Metaspace","replacement":"ab"})"), HasSubstr("one character"));
  EXPECT_THAT(part(R"("pre_tokenizer":[])"), HasSubstr("pre_tokenizer"));
  EXPECT_THAT(part(R"("decoder":{"type":"Foo"})"), HasSubstr("decoder.type"));
  EXPECT_THAT(part(R"("decoder":{"type":"Strip","content":" ","start":-1,"stop":0})"), HasSubstr("start"));
  EXPECT_THAT(part(R"("post_processor":{"type":"Foo"})"), HasSubstr("post_processor.type"));
  EXPECT_THAT(part(R"("post_processor":{"type":"BertProcessing","sep":["a"],"cls":["b",1]})"), HasSubstr("sep"));
  EXPECT_THAT(
      part(
          R"("post_processor":{"type":"TemplateProcessing","special_tokens":{},"pair":[],"single":[{"SpecialToken":{"id":"x","type_id":0}}]})"),
      HasSubstr("special_tokens"));
  EXPECT_THAT(
      part(
          R"("post_processor":{"type":"TemplateProcessing","special_tokens":{},"pair":[],"single":[{"Sequence":{"id":"B","type_id":0}}]})"),
      HasSubstr("sequence B"));
  EXPECT_THAT(part(R"("added_tokens":[{"id":1}])"), HasSubstr("added_tokens[0].content"));
}

TEST(Malformed, AddedTokensThatBecomeTheSame) {
  auto token = [](const char *content) {
    return fmt::format(
        R"({{"id":9,"content":"{}","single_word":false,"lstrip":false,"rstrip":false,"normalized":true,"special":false}})",
        content);
  };
  EXPECT_THAT(faultOf(wordLevelJson(R"("normalizer":{"type":"Lowercase"},"added_tokens":[)" + token("Foo") + "," +
                                    token("foo") + "]")),
              HasSubstr("the same as another token"));
}

TEST(RegexBudget, StopsHostilePatterns) {
  for (const char *pattern : {"(a+)+b", "(a|aa)+c", "(a*)*b"}) {
    Tokenizer tokenizer = loadText(
        wordLevelJson(R"("pre_tokenizer":{"type":"Split","behavior":"Isolated","invert":false,"pattern":{"Regex":")" +
                      std::string(pattern) + "\"}}"));
    auto ids = tokenizer.encode(std::string(40, 'a'));
    if (!ids)
      EXPECT_THAT(ids.error().message, HasSubstr("regex budget")) << pattern;
    else
      EXPECT_EQ(ids->size(), 1u) << pattern; // some engines see through it
  }
}

} // namespace
} // namespace yoke::test
