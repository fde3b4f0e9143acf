#include "Support/Text.h"

#include <gtest/gtest.h>

using namespace yoke;

TEST(Text, EscapesWhatIsNotSafeToPrint) {
  EXPECT_EQ(quote("plain"), "\"plain\"");
  EXPECT_EQ(quote("a\"b\\c"), "\"a\\\"b\\\\c\"");
  EXPECT_EQ(printable(std::string_view("\0\n\x1b[31m", 7)), "\\x00\\x0a\\x1b[31m");
  EXPECT_EQ(printable("\xc3\xa9\xff"), "\xc3\xa9\\xff");
  EXPECT_EQ(printable("\xc2\x9b"), "\\xc2\\x9b");
  EXPECT_EQ(printable(std::string(1000, 'x'), 10), "xxxxxxxxxx...");
}

TEST(Text, ListsTheFirstNamesAndCountsTheRest) {
  NameList names;
  for (int i = 0; i < 5; ++i)
    names.add(std::to_string(i));
  EXPECT_EQ(names.text(), R"("0", "1", "2", "3", "4")");
  names.add("5");
  names.add("6");
  EXPECT_EQ(names.text(), R"("0", "1", "2", "3", "4" and 2 more)");
  EXPECT_EQ(names.size(), 7u);
}

TEST(Text, KnowsUtf8) {
  struct Case {
    std::string_view text;
    bool valid;
  } cases[] = {
      {"", true},
      {"aé€😀", true},
      {"\xf4\x8f\xbf\xbf", true}, // U+10FFFF
      {"\x80", false},
      {"\xc0\x80", false}, // overlong
      {"\xc1\xbf", false},
      {"\xe0\x9f\xbf", false},
      {"\xed\xa0\x80", false}, // surrogate
      {"\xf0\x8f\xbf\xbf", false},
      {"\xf4\x90\x80\x80", false}, // beyond U+10FFFF
      {"\xf5\x80\x80\x80", false},
      {"\xe2\x82", false},
      {"\xf0\x9f\x98", false},
  };
  for (const Case &test : cases)
    EXPECT_EQ(isValidUtf8(test.text), test.valid) << printable(test.text);
}
