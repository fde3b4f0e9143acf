// Templates that would run away, and what is refused: a clear error, quickly, in bounded memory.
#include "Golden.h"

#include <gmock/gmock.h>

using namespace yoke;
using namespace yoke::test;
using testing::HasSubstr;

namespace {

std::string repeated(std::string_view text, size_t count) {
  std::string out;
  for (size_t i = 0; i < count; ++i)
    out += text;
  return out;
}

TEST(ChatTemplateLimits, Range) {
  EXPECT_EQ(messageOf("a\n\n{% for i in range(10**9) %}{% endfor %}"),
            "chat_template: line 3: range of more than 100000 items");
  EXPECT_THAT(messageOf("{{ range(0, -9223372036854775807, -1) }}"), HasSubstr("range of more than"));
  EXPECT_EQ(*renderText("{{ range(9223372036854775806, 9223372036854775807)|length }}", OrderedJson::object()), "1");
}

TEST(ChatTemplateLimits, Steps) {
  const std::string loops = "{% for i in range(100000) %}\n{% for j in range(100000) %}{% endfor %}{% endfor %}";
  EXPECT_EQ(messageOf(loops), "chat_template: line 2: more than 10000000 steps");
  EXPECT_THAT(messageOf("{% set ns = namespace(x=[1]) %}{% for i in range(1000) %}"
                        "{% set ns.x = ns.x + ns.x %}{% endfor %}"),
              HasSubstr("more than 10000000 steps"));
  EXPECT_THAT(messageOf("{{ [0] * 10**9 }}"), HasSubstr("more than 10000000 steps"));
  EXPECT_THAT(messageOf("{{ [0] * 10**18 * 10**18 }}"), HasSubstr("steps"));
}

TEST(ChatTemplateLimits, Text) {
  for (const char *source :
       {"{{ '-' * 10**10 }}", "{{ 'ab' * 10**18 }}", "{{ 'a'.ljust(10**12) }}", "{{ '%999999999999d' % 1 }}",
        "{{ '%.99999d' % 1 }}", "{{ '{:>99999999999}'.format(1) }}", "{{ 'a'|center(10**11) }}",
        "{{ 'a'|indent(10**11) }}", "{{ [1]|tojson(indent=10**11) }}", "{{ '7'.zfill(10**12) }}"})
    EXPECT_THAT(messageOf(source), testing::AnyOf(HasSubstr("text of more than 16777216 bytes"),
                                                  HasSubstr("out of range"), HasSubstr("invalid format specification")))
        << source;
  EXPECT_THAT(messageOf("{% set ns = namespace(x='aaaaaaaaaaaaaaaa') %}{% for i in range(100) %}"
                        "{% set ns.x = ns.x ~ ns.x %}{% endfor %}"),
              HasSubstr("text of more than 16777216 bytes"));
  EXPECT_THAT(messageOf("{% set x = 'a' * 16000000 %}{{ x|replace('a', x) }}"), HasSubstr("text of more than"));
  EXPECT_THAT(messageOf("{% set x = 'a' * 10000000 %}{% for i in range(10) %}{{ x }}{% endfor %}"),
              HasSubstr("text of more than"));
  EXPECT_THAT(messageOf("{% set ns = namespace(l=[]) %}{% set x = 'a' * 16000000 %}{% for i in range(10000) %}"
                        "{% set ns.l = ns.l + [x ~ i] %}{% endfor %}"),
              HasSubstr("steps"));
}

/// Finding a text in itself must not take time that grows with the product of the lengths.
TEST(ChatTemplateLimits, SearchIsLinear) {
  const char *source = "{% set x = 'a' * 4000000 %}{{ (x ~ 'b' ~ x) in x ~ x ~ x }}{{ x.count(x[:2000000] ~ 'b') }}"
                       "{{ x.find(x[:2000000] ~ 'b') }}";
  EXPECT_EQ(*renderText(source, OrderedJson::object()), "False0-1");
  EXPECT_THAT(messageOf("{% set x = 'a' * 4000000 %}{{ x.rfind('b' ~ x[:2000000]) }}"), HasSubstr("steps"));
}

TEST(ChatTemplateLimits, Recursion) {
  EXPECT_EQ(messageOf("{% macro m() %}\n{{ m() }}{% endmacro %}{{ m() }}"),
            "chat_template: line 2: calls nested more than 64 deep");
  EXPECT_THAT(messageOf("{% macro m() %}{% call m() %}{{ caller() }}{% endcall %}{% endmacro %}{{ m() }}"),
              HasSubstr("nested more than"));
  EXPECT_THAT(messageOf("{% macro a(x) %}{{ b([[[[[[1]]]]]]) }}{% endmacro %}"
                        "{% macro b(x) %}{{ [[[[[[[[a(x)]]]]]]]] }}{% endmacro %}{{ a(1) }}"),
              HasSubstr("nested more than"));
  const std::string fact = "{% macro f(n) %}{% if n > 0 %}{% for i in [n] %}{{ f(n - 1) }}.{% endfor %}{% endif %}"
                           "{% endmacro %}{{ f(60) }}";
  EXPECT_EQ(*renderText(fact, OrderedJson::object()), repeated(".", 60));
}

TEST(ChatTemplateLimits, NestingOfTheSource) {
  for (const char *piece : {"(", "[", "{1:", "-", "not ", "1 if 1 else ", "a[", "f(", "1 if ", "x if x "})
    EXPECT_THAT(messageOf("{{ " + repeated(piece, 100'000 / std::string_view(piece).size())),
                testing::AnyOf(HasSubstr("nested more than 64 deep"), HasSubstr("unexpected"), HasSubstr("expected")))
        << piece;
  EXPECT_THAT(messageOf(repeated("{% if 1 %}", 1000)), HasSubstr("nested more than 64 deep"));
  EXPECT_THAT(messageOf("{% set " + repeated("(", 1000)), HasSubstr("nested more than 64 deep"));
  // Chains are not nesting.
  for (const char *piece : {" + 1", " ~ 1", " and 1", " or 1", " < 1", " * 1", ".a", "|list", " is defined", "()"})
    (void)renderText("{{ a" + repeated(piece, 20'000) + " }}", {{"a", 1}});
  EXPECT_EQ(*renderText("{{ 1" + repeated(" + 1", 9999) + " }}", OrderedJson::object()), "10000");
}

TEST(ChatTemplateLimits, NestingOfValues) {
  EXPECT_THAT(messageOf("{% set ns = namespace(x=[]) %}{% for i in range(1000) %}{% set ns.x = [ns.x] %}{% endfor %}"),
              HasSubstr("values nested more than 100 deep"));
  EXPECT_THAT(messageOf("{% set ns = namespace() %}{% set ns.x = [ns] %}{{ ns }}"), HasSubstr("nested more than"));
  EXPECT_THAT(messageOf("{% set ns = namespace(x=1) %}{% for i in range(60) %}{% set ns.x = (ns.x, ns.x) %}{% endfor %}"
                        "{{ ns.x }}"),
              testing::AnyOf(HasSubstr("text of more than"), HasSubstr("steps")));
  EXPECT_THAT(messageOf("{% set ns = namespace(x=1) %}{% for i in range(60) %}{% set ns.x = (ns.x, ns.x) %}{% endfor %}"
                        "{{ {ns.x: 1} }}"),
              testing::AnyOf(HasSubstr("text of more than"), HasSubstr("steps")));
}

TEST(ChatTemplateLimits, SizeOfTheSource) {
  EXPECT_EQ(messageOf(std::string((256 << 10) + 1, 'x')), "chat_template: 262145 bytes, the limit is 262144");
  ChatTemplateLimits limits;
  limits.steps = 10;
  EXPECT_EQ(messageOf("{% for i in range(20) %}{{ i }}{% endfor %}", OrderedJson::object(), limits),
            "chat_template: line 1: more than 10 steps");
}

TEST(ChatTemplateLimits, IntegerOverflow) {
  for (const char *source : {"{{ 9223372036854775807 + 1 }}", "{{ 10 ** 19 }}", "{{ -9223372036854775807 - 2 }}",
                             "{{ 4611686018427387904 * 2 }}", "{{ 2 ** 64 }}", "{{ 10 ** 10 ** 10 }}",
                             "{{ (-9223372036854775807 - 1) // -1 }}", "{{ -(-9223372036854775807 - 1) }}",
                             "{{ '99999999999999999999'|int }}", "{{ 1e300|int }}"})
    EXPECT_EQ(messageOf(source), "chat_template: line 1: integer overflow") << source;
  EXPECT_THAT(messageOf("{{ 9223372036854775808 }}"), HasSubstr("integer of more than 64 bits"));
  EXPECT_EQ(*renderText("{{ (-9223372036854775807 - 1) % -1 }}", OrderedJson::object()), "0");
}

TEST(ChatTemplateErrors, SandboxAndExceptions) {
  EXPECT_THAT(messageOf("{{ ''.__class__ }}"),
              HasSubstr("line 1: access to attribute '__class__' of 'str' object is unsafe"));
  EXPECT_THAT(messageOf("{{ ''['__class__'] }}"), HasSubstr("is unsafe"));
  EXPECT_THAT(messageOf("{{ ''|attr('__class__') }}"), HasSubstr("is unsafe"));
  EXPECT_THAT(messageOf("{{ '{0.__class__}'.format(1) }}"), HasSubstr("is unsafe"));
  EXPECT_THAT(messageOf("{{ [1]|map(attribute='__class__')|list }}"), HasSubstr("is unsafe"));
  EXPECT_THAT(messageOf("{{ [1].append(2) }}"), HasSubstr("'append' of 'list' object is unsafe"));
  EXPECT_EQ(messageOf("\n{{ raise_exception('No ' ~ 'way\n!') }}"), "chat_template: line 2: No way\\x0a!");
  EXPECT_EQ(messageOf("x\n{{ a.b.c }}", {{"a", OrderedJson::object()}}),
            "chat_template: line 2: 'dict object' has no attribute 'b'");
  EXPECT_EQ(messageOf("{{ nothing.b }}"), "chat_template: line 1: 'nothing' is undefined");
}

TEST(ChatTemplateErrors, Syntax) {
  EXPECT_EQ(messageOf("a\n{% if x %}\nb"), "chat_template: line 3: unexpected end of template, expected 'endif'");
  EXPECT_EQ(messageOf("\n\n{{ a b }}"), "chat_template: line 3: expected '}}', got 'b'");
  EXPECT_EQ(messageOf("{{ 'a }}"), "chat_template: line 1: string without end");
  EXPECT_EQ(messageOf("{{ (1] }}"), "chat_template: line 1: unexpected ']', expected ')'");
  EXPECT_EQ(messageOf("{% extends 'x' %}"), "chat_template: line 1: unknown or unexpected tag 'extends'");
  EXPECT_EQ(messageOf("\xff"), "chat_template: not valid UTF-8");
  EXPECT_EQ(messageOf("{{ '\\ud800' }}"), "chat_template: line 1: escape of a character that does not exist");
}

TEST(ChatTemplateErrors, Variables) {
  EXPECT_THAT(messageOf("x", OrderedJson::array()), HasSubstr("must be a JSON object"));
  EXPECT_THAT(messageOf("x", {{"a", "\xff"}}), HasSubstr("not valid UTF-8"));
  EXPECT_THAT(messageOf("x", {{"a", UINT64_MAX}}), HasSubstr("integer of more than 64 bits"));
  OrderedJson deep = 1;
  for (int i = 0; i < 1000; ++i)
    deep = OrderedJson::array({deep});
  EXPECT_THAT(messageOf("x", {{"a", deep}}), HasSubstr("nested more than 100 deep"));
}

TEST(ChatTemplate, MacrosThatOutliveTheirScope) {
  const char *source = "{% set ns = namespace() %}{% for i in [1, 2] %}{% macro m() %}{{ i }}{% endmacro %}"
                       "{% if i == 1 %}{% set ns.m = m %}{% endif %}{% endfor %}{{ ns.m() }}";
  EXPECT_EQ(*renderText(source, OrderedJson::object()), "1");
}

TEST(ChatTemplate, NowIsFormatted) {
  std::string year = *renderText("{{ strftime_now('%Y') }}", OrderedJson::object());
  EXPECT_EQ(year.size(), 4u);
  EXPECT_GE(std::stoi(year), 2024);
  EXPECT_EQ(*renderText("{{ strftime_now('%999999999d')|length < 5000 }}", OrderedJson::object()), "True");
}

} // namespace
