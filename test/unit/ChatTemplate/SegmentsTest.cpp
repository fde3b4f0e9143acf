// What is marked as input, and the choice of a checkpoint's template.
#include "Golden.h"

#include <gmock/gmock.h>

using namespace yoke;
using namespace yoke::test;
using testing::ElementsAre;
using testing::HasSubstr;
using Segment = ChatTemplate::Segment;

namespace {

/// The output with input in angle quotes.
std::string marked(std::string_view source, const OrderedJson &variables) {
  auto chatTemplate = ChatTemplate::parse(source, "chat_template");
  EXPECT_TRUE(chatTemplate) << chatTemplate.error().message;
  auto segments = chatTemplate->render(variables);
  EXPECT_TRUE(segments) << segments.error().message;
  std::string text;
  for (const Segment &segment : *segments)
    text += segment.isInput ? "«" + segment.text + "»" : segment.text;
  return text;
}

const OrderedJson variables = {
    {"messages", {{{"role", "user"}, {"content", " <|im_end|> ÀB\n"}}, {{"role", "weird<|x|>"}, {"content", "y"}}}},
    {"tools", {{{"name", "f<|t|>"}, {"parameters", {{"key\"", 1}}}}}},
    {"bos_token", "<s>"},
    {"date_string", "today"}};

TEST(ChatTemplateSegments, Origins) {
  EXPECT_EQ(marked("{{ bos_token }}{{ messages[0].role }}:{{ messages[0].content }}", variables),
            "<s>user:« <|im_end|> ÀB\n»");
  EXPECT_EQ(marked("{{ '<|' + messages[0].role + '|>' }}{{ messages[1]['role'] }}", variables), "<|user|>«weird<|x|>»");
  EXPECT_EQ(marked("{{ date_string }}", variables), "«today»");
  EXPECT_EQ(marked("{% for k in messages[0] %}{{ k }},{% endfor %}", variables), "«role»,«content»,");
}

TEST(ChatTemplateSegments, MarksSurvive) {
  const char *content = "{% set c = messages[0].content %}";
  auto after = [&](const char *expression) {
    return marked(std::string(content) + "{{ " + expression + " }}", variables);
  };
  EXPECT_EQ(after("('[' ~ c ~ ']')|trim"), "[« <|im_end|> ÀB\n»]");
  EXPECT_EQ(after("c|trim + 'x'"), "«<|im_end|> ÀB»x");
  EXPECT_EQ(after("c[1:4] ~ 'abc'[1:]"), "«<|i»bc");
  EXPECT_EQ(after("('a' ~ c)[:3]"), "a« <»");
  EXPECT_EQ(after("('a' ~ c)[::-1]"), "«\nBÀ >|dne_mi|< »a");
  EXPECT_EQ(after("('é' ~ c ~ 'à')|upper"), "É« <|IM_END|> ÀB\n»À");
  EXPECT_EQ(after("('q' ~ c)|lower"), "q« <|im_end|> àb\n»");
  EXPECT_EQ(after("c.replace('end', 'END')"), "« <|im_»END«|> ÀB\n»");
  EXPECT_EQ(after("'a-b'.replace('-', c.strip())"), "a«<|im_end|> ÀB»b");
  EXPECT_EQ(after("c.split('|')|join('/')"), "« <»/«im_end»/«> ÀB\n»");
  EXPECT_EQ(after("[c.strip(), 'z']|tojson"), "[\"«<|im_end|> ÀB»\", \"z\"]");
  EXPECT_EQ(after("[c.strip()]"), "['«<|im_end|> ÀB»']");
  EXPECT_EQ(after("tools[0]|tojson"), "{\"«name»\": \"«f<|t|>»\", \"«parameters»\": {\"«key\\\"»\": 1}}");
  EXPECT_EQ(after("'%s|%s' % (c.strip(), 'k')"), "«<|im_end|> ÀB»|k");
  EXPECT_EQ(after("'{}-{}'.format('k', c.strip())"), "k-«<|im_end|> ÀB»");
  EXPECT_EQ(after("c.strip() * 2 ~ '.'"), "«<|im_end|> ÀB<|im_end|> ÀB».");
  EXPECT_EQ(after("c|first ~ c|last ~ c[1]"), "« \n<»");
  EXPECT_EQ(after("(c ~ '\nx')|indent(1)"), "« <|im_end|> ÀB»\n\n x");
  EXPECT_EQ(after("c|list|join|reverse"), "«\nBÀ >|dne_mi|< »");
  EXPECT_EQ(after("c.center(17, '.')"), ".« <|im_end|> ÀB\n».");
  EXPECT_EQ(after("c|escape"), "« »&lt;«|im_end|»&gt;« ÀB\n»");
}

TEST(ChatTemplateSegments, ThroughStatements) {
  EXPECT_EQ(marked("{% macro m(x) %}<{{ x }}>{% endmacro %}{% set b %}{{ m(messages[1].content) }}{% endset %}{{ b }}"
                   "{% filter upper %}a{{ b }}{% endfilter %}",
                   variables),
            "<«y»>A<«Y»>");
  EXPECT_EQ(marked("{% for c in messages[1].content ~ 'z' %}{{ c }}{% endfor %}", variables), "«y»z");
}

/// The segments put together are the text, alternate in kind and are never empty; also from JSON in sorted order.
TEST(ChatTemplateSegments, ShapeOfTheList) {
  auto chatTemplate = ChatTemplate::parse("a{{ messages[1].content }}b{{ '' }}c{{ none }}", "t");
  Json sorted = variables;
  EXPECT_THAT(*chatTemplate->render(sorted),
              ElementsAre(Segment{"a", false}, Segment{"y", true}, Segment{"bcNone", false}));
  EXPECT_TRUE(ChatTemplate::parse("", "t")->render(sorted)->empty());
}

TEST(SelectTemplate, Sources) {
  EXPECT_EQ(selectTemplate("", "")->source, "");
  EXPECT_EQ(selectTemplate(R"({"chat_template": "A"})", "")->source, "A");
  EXPECT_EQ(selectTemplate(R"({"chat_template": "A"})", "B")->source, "B");
  EXPECT_EQ(selectTemplate("{}", "")->source, "");
  const char *list =
      R"({"chat_template": [{"name": "default", "template": "D"}, {"name": "tool_use", "template": "T"}]})";
  EXPECT_EQ(selectTemplate(list, "")->source, "D");
  EXPECT_EQ(selectTemplate(list, "", true)->source, "T");
  EXPECT_THAT(selectTemplate(R"({"chat_template": [{"name": "rag", "template": "D"}]})", "").error().message,
              HasSubstr("no template named \"default\""));
  EXPECT_THAT(selectTemplate(R"({"chat_template": 5})", "").error().message, HasSubstr("chat_template: expected"));
  EXPECT_THAT(selectTemplate("{", "").error().message, HasSubstr("tokenizer_config.json"));
}

TEST(SelectTemplate, SpecialTokens) {
  auto choice = selectTemplate(R"({"bos_token": {"content": "<s>", "lstrip": false}, "eos_token": "</s>",
                                   "pad_token": null, "add_bos_token": true, "use_token": 3})",
                               "");
  ASSERT_TRUE(choice) << choice.error().message;
  EXPECT_THAT(choice->specialTokens,
              ElementsAre(testing::Pair("bos_token", "<s>"), testing::Pair("eos_token", "</s>")));
  EXPECT_THAT(selectTemplate(R"({"bos_token": 3})", "").error().message, HasSubstr("bos_token: expected"));
}

} // namespace
