#include "Support/Json.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace yoke;
using testing::HasSubstr;

namespace {

JsonLimits withNonFinite() {
  JsonLimits limits;
  limits.allowNonFinite = true;
  return limits;
}

std::string nested(size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

struct Refused {
  const char *what;
  std::string text;
  const char *message;
};

} // namespace

TEST(Json, RefusesWhatIsNotStrictJson) {
  const Refused cases[] = {
      {"empty", "", "line 1"},
      {"blank", " ", "line 1"},
      {"byte order mark", "\xEF\xBB\xBF{}", "byte order mark"},
      {"trailing text", "{} x", "expected end of input"},
      {"two values", "{}{}", "expected end of input"},
      {"trailing comma", "[1,]", "unexpected ']'"},
      {"comment", "/* c */ {}", "invalid literal"},
      {"single quotes", "{'a':1}", "invalid literal"},
      {"leading zero", "[01]", "expected"},
      {"plus sign", "[+1]", "invalid literal"},
      {"bare point", "[.5]", "invalid literal"},
      {"hexadecimal", "[0x10]", "expected"},
      {"overflow", "[1e999]", "overflow"},
      {"duplicate key", R"({"a":1,"b":2,"a":3})", "duplicate key \"a\""},
      {"duplicate key deep", R"([{"x":{"k":1,"k":1}}])", "duplicate key \"k\""},
      {"duplicate key by escape", R"({"a":1,"\u0061":3})", "duplicate key \"a\""},
      {"invalid UTF-8", "[\"\xff\"]", "UTF-8"},
      {"overlong UTF-8", "[\"\xc0\xaf\"]", "UTF-8"},
      {"lone surrogate", R"(["\ud800"])", "surrogate"},
      {"raw control character", "[\"\n\"]", "control character"},
      {"NUL after the value", std::string("{}\0", 3), "NUL byte at offset 2"},
      {"NUL in a string", std::string("[\"\0\"]", 5), "NUL byte at offset 2"},
      {"too deep", nested(65), "nested deeper than 64 levels"},
      {"very deep", std::string(100'000, '['), "nested deeper than 64 levels"},
      {"very deep objects",
       [] {
         std::string text;
         for (int i = 0; i < 50'000; ++i)
           text += "{\"a\":";
         return text;
       }(),
       "nested deeper than 64 levels"},
      {"NaN", "[NaN]", "invalid literal"},
      {"Infinity", "[Infinity]", "invalid literal"},
      {"unclosed string", "[\"abc", "missing closing quote"},
  };
  for (const Refused &test : cases) {
    Result<Json> json = parseJson(test.text, "in.json");
    ASSERT_FALSE(json) << test.what;
    EXPECT_EQ(json.error().kind, ErrorKind::Malformed) << test.what;
    EXPECT_THAT(json.error().message, testing::StartsWith("in.json: ")) << test.what;
    EXPECT_THAT(json.error().message, HasSubstr(test.message)) << test.what;
    EXPECT_EQ(json.error().message.find('\n'), std::string::npos) << test.what;
    EXPECT_LT(json.error().message.size(), 400u) << test.what;
  }
}

TEST(Json, AcceptsStrictJson) {
  for (const char *text :
       {"null", "true", "-0", "1.5e-3", R"("")", "[]", "{}", R"({"a":[1,{"b":null}],"a ":"\u00e9\ud83d\ude00"})"})
    EXPECT_TRUE(parseJson(text, "in.json")) << text;
  EXPECT_TRUE(parseJson(nested(64), "in.json"));
}

TEST(Json, ReadsPythonsNonFiniteNumbersWhenAllowed) {
  Result<Json> json = parseJson(R"({"a": [NaN, "N", -Infinity, "NaN\"", Infinity], "NaN": 1})", "c", withNonFinite());
  ASSERT_TRUE(json) << json.error().message;
  const Json &array = (*json)["a"];
  EXPECT_TRUE(std::isnan(array[0].get<double>()));
  EXPECT_EQ(array[1], "N");
  EXPECT_EQ(array[2], -INFINITY);
  EXPECT_EQ(array[3], "NaN\"");
  EXPECT_EQ(array[4], INFINITY);
  EXPECT_EQ((*json)["NaN"], 1);
  for (const char *text : {"{NaN:1}", "[-NaN]", "[NaNx]", "[1NaN]", "[Infinit]", "NaN NaN", "[nan]"})
    EXPECT_FALSE(parseJson(text, "c", withNonFinite())) << text;
}

TEST(Json, LimitsTheLength) {
  JsonLimits limits;
  limits.bytes = 4;
  EXPECT_TRUE(parseJson("[12]", "c", limits));
  EXPECT_THAT(parseJson("[123]", "c", limits).error().message, HasSubstr("exceed the limit of 4"));
}

TEST(Json, DumpNeverThrows) { EXPECT_EQ(dumpJson(Json("\xff")), "\"\xEF\xBF\xBD\""); }

class JsonObjectTest : public testing::Test {
protected:
  static std::string message(const auto &result) { return result ? "no error" : result.error().message; }

  Json document = *parseJson(R"({
    "int": 42, "negative": -3, "big": 18446744073709551615, "float": 1.5, "whole": 2.0, "string": "4096", "yes": true, "null": null,
    "nan": NaN, "inf": Infinity, "list": [1, 2, "x"], "ints": [3, -4], "names": ["a", "b"], "objects": [{"k": 1}, 7],
    "nested": {"inner": {"deep": -1}}})",
                             "config.json", withNonFinite());
  JsonObject object = *JsonObject::from(document, "config.json");
};

TEST_F(JsonObjectTest, ReadsValues) {
  EXPECT_EQ(*object.integer("int", 0, 42), 42);
  EXPECT_EQ(*object.integer("negative", -3, 0), -3);
  EXPECT_EQ(*object.integer("missing", 0, 1, 7), 7);
  EXPECT_EQ(*object.integer("null", 0, 1, 7), 7);
  EXPECT_EQ(*object.optionalInteger("null", 0, 1), std::nullopt);
  EXPECT_EQ(*object.optionalInteger("int", 0, 100), 42);
  EXPECT_EQ(*object.number("float", 0, 2), 1.5);
  EXPECT_EQ(*object.number("int", 0, 100), 42.0);
  EXPECT_EQ(*object.number("inf", 0, INFINITY), INFINITY);
  EXPECT_TRUE(*object.boolean("yes"));
  EXPECT_TRUE(*object.boolean("missing", true));
  EXPECT_EQ(*object.string("string"), "4096");
  EXPECT_EQ(*object.string("missing", "d"), "d");
  EXPECT_EQ(*object.choice("string", {"1", "4096"}), 1u);
  EXPECT_EQ(*object.integers("ints", -10, 10), (std::vector<int64_t>{3, -4}));
  EXPECT_EQ(*object.strings("names"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(*object.optionalArray("missing"), nullptr);
  EXPECT_FALSE(*object.optionalObject("missing"));
  EXPECT_FALSE(object.has("null"));
}

TEST_F(JsonObjectTest, NamesSourceKeyRuleAndValue) {
  EXPECT_EQ(message(object.integer("string", 1, 1048576)),
            R"(config.json: string: expected an integer in [1, 1048576], found "4096")");
  EXPECT_EQ(message(object.integer("float", 1, 2)), "config.json: float: expected an integer in [1, 2], found 1.5");
  EXPECT_EQ(message(object.integer("whole", 1, 2)), "config.json: whole: expected an integer in [1, 2], found 2.0");
  EXPECT_EQ(message(object.integer("yes", 1, 2)), "config.json: yes: expected an integer in [1, 2], found true");
  EXPECT_EQ(message(object.integer("null", 1, 2)), "config.json: null: expected an integer in [1, 2], found null");
  EXPECT_EQ(message(object.integer("missing", 1, 2)),
            "config.json: missing: expected an integer in [1, 2], found nothing (the key is missing)");
  EXPECT_EQ(message(object.integer("int", 1, 41)), "config.json: int: expected an integer in [1, 41], found 42");
  EXPECT_EQ(message(object.integer("int", 43, 50, 44)), "config.json: int: expected an integer in [43, 50], found 42");
  EXPECT_EQ(message(object.integer("big", 0, INT64_MAX)),
            "config.json: big: expected an integer in [0, 9223372036854775807], found 18446744073709551615");
  EXPECT_EQ(message(object.number("nan", -INFINITY, INFINITY)),
            "config.json: nan: expected a number in [-inf, inf], found NaN");
  EXPECT_EQ(message(object.number("inf", 0, 1)), "config.json: inf: expected a number in [0, 1], found Infinity");
  EXPECT_EQ(message(object.boolean("int")), "config.json: int: expected true or false, found 42");
  EXPECT_EQ(message(object.string("list")), "config.json: list: expected a string, found an array of 3 elements");
  EXPECT_EQ(message(object.object("int")), "config.json: int: expected an object, found 42");
  EXPECT_EQ(message(object.array("nested")), "config.json: nested: expected an array, found an object of 1 members");
  EXPECT_EQ(message(object.array("list", 2)),
            "config.json: list: expected an array of at most 2 elements, found an array of 3 elements");
  EXPECT_EQ(message(object.integers("list", 0, 9)),
            R"(config.json: list[2]: expected an integer in [0, 9], found "x")");
  EXPECT_EQ(message(object.objects("objects")), "config.json: objects[1]: expected an object, found 7");
  EXPECT_EQ(message(object.choice("string", {"a", "b"})),
            R"(config.json: string: expected one of "a", "b", found "4096")");
}

TEST_F(JsonObjectTest, NamesThePathOfNestedMembers) {
  JsonObject inner = *object.object("nested")->object("inner");
  EXPECT_EQ(message(inner.integer("deep", 0, 1)),
            "config.json: nested.inner.deep: expected an integer in [0, 1], found -1");
  EXPECT_EQ(message(inner.expectOnly({})), "config.json: nested.inner.deep: unknown key");
  EXPECT_TRUE(inner.expectOnly({"deep"}));
}

TEST_F(JsonObjectTest, RefusesADocumentThatIsNoObject) {
  EXPECT_EQ(message(JsonObject::from(Json::array(), "x.json")),
            "x.json: expected an object, found an array of 0 elements");
}
