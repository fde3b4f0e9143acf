// The templates and expressions of this folder against what transformers makes of them (make_golden.py).
#include "Golden.h"

using namespace yoke;
using namespace yoke::test;

namespace {

void expectGolden(const std::string &label, std::string_view source, const OrderedJson &variables,
                  const OrderedJson &wanted) {
  auto text = renderText(source, variables);
  if (wanted.is_null())
    EXPECT_FALSE(text) << label << "\nexpected an error, got: " << *text;
  else if (!text)
    ADD_FAILURE() << label << "\nexpected: " << wanted << "\ngot the error: " << text.error().message;
  else
    EXPECT_EQ(*text, wanted.get<std::string>()) << label;
}

TEST(ChatTemplateGolden, Templates) {
  OrderedJson cases = OrderedJson::parse(readTestFile("golden.json"));
  ASSERT_GT(cases.size(), 250u);
  for (const OrderedJson &entry : cases) {
    std::string name = entry["template"];
    expectGolden(name + ", " + entry["conversation"].get<std::string>(), readTestFile("templates/" + name),
                 entry["variables"], entry["output"]);
  }
}

TEST(ChatTemplateGolden, Expressions) {
  OrderedJson golden = OrderedJson::parse(readTestFile("expressions_golden.json"));
  ASSERT_GT(golden["results"].size(), 200u);
  for (const OrderedJson &entry : golden["results"])
    expectGolden(entry["source"], entry["source"].get<std::string>(), golden["variables"], entry["output"]);
}

} // namespace
