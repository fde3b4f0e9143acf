#include "runtime/Constraint/JsonSchema.h"

#include "Support/Json.h"
#include "runtime/Constraint/Automaton.h"

#include <gtest/gtest.h>

#include <random>

using namespace yoke;

namespace {

bool accepts(const std::string &schema, const std::string &text) {
  Result<std::string> pattern = patternOfJsonSchema(schema, "schema.json");
  EXPECT_TRUE(pattern) << schema << ": " << (pattern ? "" : pattern.error().message);
  if (!pattern)
    return false;
  Automaton automaton = *Automaton::build(*parsePattern(*pattern));
  Automaton::State state = Automaton::start;
  for (char byte : text)
    if ((state = *automaton.next(state, static_cast<uint8_t>(byte))) == Automaton::dead)
      return false;
  return automaton.accepts(state);
}

/// A random text that the automaton accepts; closing characters come more often, so that texts stay short.
std::string randomText(Automaton &automaton, std::mt19937 &random) {
  std::string text;
  Automaton::State state = Automaton::start;
  while (!automaton.accepts(state) || (text.size() < 60 && random() % 4)) {
    std::vector<std::pair<char, Automaton::State>> next;
    for (int byte = 0; byte < 256; ++byte)
      if (Automaton::State target = *automaton.next(state, static_cast<uint8_t>(byte)); target != Automaton::dead)
        next.insert(next.end(), byte == '"' || byte == '}' || byte == ']' ? 40 : 1, {static_cast<char>(byte), target});
    if (next.empty())
      break;
    auto [byte, target] = next[random() % next.size()];
    text += byte;
    state = target;
  }
  return text;
}

} // namespace

TEST(JsonSchema, Scalars) {
  EXPECT_TRUE(accepts(R"({"type": "integer"})", "-120"));
  EXPECT_FALSE(accepts(R"({"type": "integer"})", "01"));
  EXPECT_TRUE(accepts(R"({"type": "number"})", "1.5e-3"));
  EXPECT_TRUE(accepts(R"({"type": ["null", "boolean"]})", "true"));
  EXPECT_TRUE(accepts(R"({"type": "string", "minLength": 2, "maxLength": 3})", R"("é\n")"));
  EXPECT_FALSE(accepts(R"({"type": "string", "maxLength": 3})", R"("abcd")"));
  EXPECT_TRUE(accepts(R"({"type": "string", "pattern": "^[a-z]+$"})", R"("abc")"));
  EXPECT_TRUE(accepts(R"({"enum": ["a.b", 3, null]})", "\"a.b\""));
  EXPECT_FALSE(accepts(R"({"enum": ["a.b", 3, null]})", "\"aXb\""));
  EXPECT_TRUE(accepts(R"({"const": {"k": [1]}})", R"({"k":[1]})"));
}

TEST(JsonSchema, Objects) {
  const std::string schema =
      R"({"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}, "c": {"type": "integer"}}, "required": ["b"]})";
  EXPECT_TRUE(accepts(schema, R"({"b":1})"));
  EXPECT_TRUE(accepts(schema, R"({"a": 1, "b": 2})"));
  EXPECT_TRUE(accepts(schema, R"({"b":1,"c":2})"));
  EXPECT_TRUE(accepts(schema, R"({"a":1,"b":2,"c":3})"));
  EXPECT_FALSE(accepts(schema, R"({})"));
  EXPECT_FALSE(accepts(schema, R"({"a":1,"c":3})"));
  EXPECT_FALSE(accepts(schema, R"({,"b":1})"));
  EXPECT_FALSE(accepts(schema, R"({"b":1,})"));
  const std::string optional = R"({"properties": {"a": {}, "b": {}}})";
  EXPECT_TRUE(accepts(optional, "{}"));
  EXPECT_TRUE(accepts(optional, R"({"b":[]})"));
  EXPECT_TRUE(accepts(R"({"type": "object"})", R"({"x":1, "y": {"z": "w"}})"));
}

TEST(JsonSchema, Arrays) {
  const std::string schema = R"({"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 3})";
  EXPECT_FALSE(accepts(schema, "[]"));
  EXPECT_TRUE(accepts(schema, "[1]"));
  EXPECT_TRUE(accepts(schema, "[1, 2,3]"));
  EXPECT_FALSE(accepts(schema, "[1,2,3,4]"));
  EXPECT_TRUE(accepts(R"({"type": "array", "maxItems": 0})", "[]"));
  EXPECT_TRUE(accepts(R"({"type": "array"})", R"([1,"a",[true]])"));
}

TEST(JsonSchema, References) {
  const std::string schema =
      R"({"$defs": {"n": {"type": "integer"}}, "anyOf": [{"$ref": "#/$defs/n"}, {"type": "array", "items": {"$ref": "#/$defs/n"}}]})";
  EXPECT_TRUE(accepts(schema, "7"));
  EXPECT_TRUE(accepts(schema, "[7,8]"));
}

TEST(JsonSchema, WhatItWritesAlwaysParses) {
  std::mt19937 random(11);
  for (
      const char *schema :
      {R"({})", R"({"type": "object"})", R"({"type": "array"})",
       R"({"properties": {"a": {"type": "string"}, "b": {"enum": [1, "x\"y"]}, "c": {"type": "number"}}, "required": ["a"]})"}) {
    Automaton automaton = *Automaton::build(*parsePattern(*patternOfJsonSchema(schema, "schema.json")));
    for (int i = 0; i < 100; ++i) {
      const std::string text = randomText(automaton, random);
      EXPECT_TRUE(Json::accept(text)) << text;
    }
  }
}

TEST(JsonSchema, WhatIsNotFollowedIsRefusedAllAtOnce) {
  Result<std::string> pattern =
      patternOfJsonSchema(R"({"properties": {"a": {"type": "integer", "minimum": 1}, "b": {"not": {}}}})", "s.json");
  ASSERT_FALSE(pattern);
  EXPECT_EQ(pattern.error().kind, ErrorKind::Malformed);
  EXPECT_NE(pattern.error().message.find("/properties/a/minimum"), std::string::npos) << pattern.error().message;
  EXPECT_NE(pattern.error().message.find("/properties/b/not"), std::string::npos) << pattern.error().message;
  for (const char *schema :
       {"", "[]", "3", R"({"type": "int"})", R"({"type": []})", R"({"enum": []})",
        R"({"required": ["x"], "properties": {}})", R"({"$ref": "#"})", R"({"$ref": "other.json"})",
        R"({"$ref": "#/$defs/none"})", R"({"type": "array", "minItems": -1})",
        R"({"type": "array", "minItems": 3, "maxItems": 2})", R"({"type": "string", "pattern": "a"})",
        R"({"type": "string", "pattern": "^(a$"})", R"({"anyOf": {}})", R"({"properties": []})", "false"})
    EXPECT_FALSE(patternOfJsonSchema(schema, "s.json")) << schema;
}
