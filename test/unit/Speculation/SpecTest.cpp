#include "runtime/Speculation/DecodeSpec.h"

#include <gtest/gtest.h>

namespace yoke {
namespace {

using Drafter = DecodeSpec::Drafter;

TEST(DecodeSpec, NamesAndOptions) {
  EXPECT_EQ(DecodeSpec::parse("greedy")->sample, false);
  EXPECT_EQ(DecodeSpec::parse("sample")->sample, true);
  EXPECT_FALSE(DecodeSpec::parse("greedy")->speculates());
  for (const char *name : {"prompt-lookup", "ngram", "token-recycling", "aded", "auto"}) {
    auto spec = DecodeSpec::parse(name);
    ASSERT_TRUE(spec) << spec.error().message;
    EXPECT_EQ(spec->name(), name);
    EXPECT_TRUE(spec->speculates());
    EXPECT_FALSE(spec->sample.has_value());
  }
  EXPECT_EQ(DecodeSpec::parse("lookup:n=2,copy=20")->lookup.maxMatch, 2);
  EXPECT_EQ(DecodeSpec::parse("lookup:n=2,copy=20")->lookup.copied, 20);
  EXPECT_EQ(DecodeSpec::parse("recycle")->drafter, Drafter::TokenRecycling);
  EXPECT_EQ(DecodeSpec::parse("recycle:tree=t.json,state=s,rows=16")->treeFile, "t.json");
  EXPECT_FALSE(DecodeSpec::parse("recycle:state=none")->keepState);
  EXPECT_TRUE(DecodeSpec::parse("adaptive:search=mcts")->monteCarlo);
  EXPECT_EQ(DecodeSpec::parse("model:a/b:c.yoke")->draftModel, "a/b:c.yoke");
  EXPECT_FALSE(DecodeSpec::parse("suffix:size=full")->sized);
}

TEST(DecodeSpec, RefusesOthers) {
  for (const char *text :
       {"", "greedy:n=1", "ngram:", "lookup:n=0", "lookup:n=9", "lookup:n=x", "lookup:n", "lookup:m=3", "lookup:n=2,",
        "ngram:search=mcts", "recycle:state=", "auto:size=half", "auto:rows=1", "auto:rows=257", "auto:n=3", "model",
        "model:", "aded:search=dfs", "lookup:n=99999999999999999999"}) {
    auto spec = DecodeSpec::parse(text);
    if (std::string_view(text) == "ngram:" || std::string_view(text) == "lookup:n=2,") {
      EXPECT_TRUE(spec) << text;
      continue;
    }
    ASSERT_FALSE(spec) << text;
    EXPECT_EQ(spec.error().kind, ErrorKind::Usage);
    EXPECT_NE(spec.error().message.find("--decode"), std::string::npos) << spec.error().message;
  }
}

} // namespace
} // namespace yoke
