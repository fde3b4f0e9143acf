#include "Interpreter/Batch.h"
#include "Interpreter/KvCache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

using namespace yoke;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(BatchTest, Chains) {
  Batch batch;
  appendChain(batch, 3, 2, {10, 11}, Outputs::Last);
  appendChain(batch, 0, 0, {12, 13}, Outputs::All);
  appendChain(batch, 1, 5, {14}, Outputs::None);
  EXPECT_THAT(batch.tokens, ElementsAre(10, 11, 12, 13, 14));
  EXPECT_THAT(batch.positions, ElementsAre(2, 3, 0, 1, 5));
  EXPECT_EQ(batch.slots, batch.positions);
  EXPECT_THAT(batch.limits, ElementsAre(3, 4, 1, 2, 6));
  EXPECT_THAT(batch.sequences, ElementsAre(3, 3, 0, 0, 1));
  EXPECT_THAT(batch.parents, ElementsAre(-1, 0, -1, 2, -1));
  EXPECT_THAT(batch.outputs, ElementsAre(1, 2, 3));
  EXPECT_TRUE(batch.verify());
}

TEST(BatchTest, Tree) {
  Batch batch;
  appendChain(batch, 1, 0, {9}, Outputs::None);
  appendTree(batch, 0, 4, {1, 2, 3, 4}, {-1, 0, 0, 2});
  EXPECT_THAT(batch.positions, ElementsAre(0, 4, 5, 5, 6));
  EXPECT_THAT(batch.slots, ElementsAre(0, 4, 5, 6, 7));
  EXPECT_THAT(batch.parents, ElementsAre(-1, -1, 1, 1, 3));
  EXPECT_THAT(batch.outputs, ElementsAre(1, 2, 3, 4));
  EXPECT_TRUE(batch.verify());
}

TEST(BatchTest, EncoderSequences) {
  Batch batch;
  appendEncoderSequence(batch, 0, {5, 6});
  appendEncoderSequence(batch, 1, {7, 8, 9});
  EXPECT_THAT(batch.positions, ElementsAre(0, 1, 0, 1, 2));
  EXPECT_THAT(batch.limits, ElementsAre(2, 2, 3, 3, 3));
  EXPECT_THAT(batch.outputs, ElementsAre(0, 2));
  EXPECT_TRUE(batch.verify());
}

TEST(BatchTest, VerifyNamesTheRule) {
  struct Case {
    std::function<void(Batch &)> damage;
    const char *message;
  };
  const Case cases[] = {
      {[](Batch &b) { b.slots.pop_back(); }, "expected 4 entries per field, found 3"},
      {[](Batch &b) { b.positions[1] = -1; }, "token 1: position, slot and sequence must not be negative"},
      {[](Batch &b) { b.limits[1] = 1; }, "token 1: limit 1 hides its own slot 1"},
      {[](Batch &b) { b.parents[1] = 1; }, "token 1: parent 1 is not an earlier token"},
      {[](Batch &b) { b.parents[1] = -2; }, "token 1: parent -2 is not an earlier token"},
      {[](Batch &b) { b.parents[2] = 1; }, "token 2: parent 1 is in another sequence"},
      {[](Batch &b) { b.slots[1] = 0; }, "token 1: slot 0 of sequence 0 is written twice"},
      {[](Batch &b) { b.outputs[0] = 4; }, "output 4 is not one of 4 tokens"},
  };
  for (const Case &c : cases) {
    Batch batch;
    appendChain(batch, 0, 0, {1, 2});
    appendChain(batch, 1, 0, {3, 4});
    c.damage(batch);
    Status status = batch.verify();
    ASSERT_FALSE(status) << c.message;
    EXPECT_EQ(status.error().kind, ErrorKind::Usage);
    EXPECT_THAT(status.error().message, HasSubstr(c.message));
  }
}

TEST(KvCacheTest, WriteCopyTruncate) {
  KvCache cache;
  for (int64_t layer : {0, 1})
    for (int32_t slot : {0, 1, 2})
      cache.write(layer, 4, slot, {slot, {float(10 * layer + slot)}, {0.0f}});
  cache.write(0, 5, 2, {2, {99.0f}, {0.0f}});
  cache.copySlot(4, 2, 0);
  EXPECT_EQ(cache.find(0, 4, 0)->key[0], 2);
  EXPECT_EQ(cache.find(1, 4, 0)->key[0], 12);
  EXPECT_EQ(cache.find(1, 4, 0)->position, 2);
  cache.truncate(4, 1);
  EXPECT_EQ(cache.find(0, 4, 1), nullptr);
  EXPECT_NE(cache.find(0, 4, 0), nullptr);
  EXPECT_NE(cache.find(0, 5, 2), nullptr);
  EXPECT_EQ(cache.find(2, 4, 0), nullptr);
}
