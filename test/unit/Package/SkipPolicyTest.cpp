#include "Package/SkipPolicy.h"

#include <gtest/gtest.h>

using namespace yoke;

TEST(SkipPolicy, RoundTrips) {
  SkipPolicy policy;
  policy.modelSha256 = std::string(64, 'b');
  policy.layers = 12;
  policy.hiddenSize = 64;
  policy.first = 3;
  policy.last = 9;
  policy.warmUp = 20;
  policy.tau = 0.9375;
  policy.k = 2;
  Json json = policy.toJson();
  json["measured"] = {{"perplexity", 12}};
  auto read = SkipPolicy::parse(dumpJson(json), "policy");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->toJson(), policy.toJson());
  EXPECT_TRUE(read->checkModel(policy.modelSha256, 12, 64, "policy"));
  EXPECT_FALSE(read->checkModel(std::string(64, 'c'), 12, 64, "policy"));
  EXPECT_FALSE(read->checkModel(policy.modelSha256, 11, 64, "policy"));
  EXPECT_FALSE(read->checkModel(policy.modelSha256, 12, 32, "policy"));
}
