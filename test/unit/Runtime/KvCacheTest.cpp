#include "runtime/KvCache.h"

#include <gtest/gtest.h>
#include <map>
#include <random>

namespace yoke {
namespace {

constexpr int64_t pageTokens = 4;

/// Two layers of different shapes.
KvLayout layout() {
  std::vector<KvLayer> layers(2);
  layers[0] = {2, 3, 0, 96};
  layers[1] = {1, 2, 192, 224};
  return {pageTokens, 256, layers};
}

/// Key and value elements of one slot, through the documented layout.
std::vector<float *> elements(KvCache &cache, KvCache::SequenceId sequence, int64_t slot) {
  std::byte *page = cache.pages().data(cache.blockTable(sequence)[slot / pageTokens]);
  std::vector<float *> result;
  for (const KvLayer &layer : cache.layout().layers)
    for (int64_t head = 0; head < layer.heads; ++head)
      for (int64_t i = 0; i < layer.headDim; ++i) {
        auto *keys = reinterpret_cast<float *>(page + layer.keyOffset);
        auto *values = reinterpret_cast<float *>(page + layer.valueOffset);
        result.push_back(&keys[(head * layer.headDim + i) * pageTokens + slot % pageTokens]);
        result.push_back(&values[(head * pageTokens + slot % pageTokens) * layer.headDim + i]);
      }
  return result;
}

void writeSlot(KvCache &cache, KvCache::SequenceId sequence, int64_t slot, float value) {
  float offset = 0;
  for (float *element : elements(cache, sequence, slot))
    *element = value + (offset += 0.001f);
}

/// The value that writeSlot put there, checked over all elements; 0 for a slot never written.
float readSlot(KvCache &cache, KvCache::SequenceId sequence, int64_t slot) {
  auto all = elements(cache, sequence, slot);
  if (*all[0] == 0)
    return 0;
  float value = *all[0] - 0.001f, offset = 0;
  for (float *element : all)
    EXPECT_NEAR(*element, value + (offset += 0.001f), 1e-3);
  return std::round(value);
}

TEST(KvCache, PagesAreZeroedWhenReused) {
  KvCache cache = KvCache::create(layout(), 2).value();
  auto a = cache.addSequence();
  ASSERT_TRUE(cache.prepareWrite(a, 0, 8));
  for (int64_t slot = 0; slot < 8; ++slot)
    writeSlot(cache, a, slot, 5);
  cache.removeSequence(a);
  EXPECT_EQ(cache.pagesInUse(), 0);
  auto b = cache.addSequence();
  ASSERT_TRUE(cache.prepareWrite(b, 0, 8));
  for (int64_t slot = 0; slot < 8; ++slot)
    EXPECT_EQ(readSlot(cache, b, slot), 0);
}

TEST(KvCache, CapacityIsALimit) {
  KvCache cache = KvCache::create(layout(), 3).value();
  auto a = cache.addSequence(), b = cache.addSequence();
  ASSERT_TRUE(cache.prepareWrite(a, 0, 8));
  Status tooMuch = cache.prepareWrite(b, 0, 8);
  ASSERT_FALSE(tooMuch);
  EXPECT_EQ(tooMuch.error().kind, ErrorKind::Resources);
  EXPECT_EQ(cache.pagesInUse(), 2) << "a refused request keeps nothing";
  EXPECT_TRUE(cache.prepareWrite(b, 0, 4));
  EXPECT_EQ(cache.pagesAvailable(), 0);
}

TEST(KvCache, PointersStayWhenItGrows) {
  KvCache cache = KvCache::create({16, 1 << 20, {}}, 64).value();
  auto a = cache.addSequence();
  ASSERT_TRUE(cache.prepareWrite(a, 0, 1));
  std::byte *first = cache.pages().data(0);
  EXPECT_LT(cache.pages().committedBytes(), 8 << 20);
  ASSERT_TRUE(cache.prepareWrite(a, 0, 64 * 16));
  EXPECT_EQ(cache.pages().data(0), first);
  EXPECT_GE(cache.pages().committedBytes(), 64 << 20);
  std::fill_n(first, 64 << 20, std::byte(1));
}

TEST(KvCache, ForkSharesUntilWritten) {
  KvCache cache = KvCache::create(layout(), 16).value();
  auto a = cache.addSequence();
  ASSERT_TRUE(cache.prepareWrite(a, 0, 6));
  for (int64_t slot = 0; slot < 6; ++slot)
    writeSlot(cache, a, slot, static_cast<float>(slot + 1));
  auto b = cache.fork(a, 6);
  EXPECT_EQ(cache.pagesInUse(), 2);
  ASSERT_TRUE(cache.prepareWrite(b, 6, 7));
  EXPECT_EQ(cache.pagesInUse(), 3) << "only the page that is written is copied";
  EXPECT_EQ(cache.blockTable(a)[0], cache.blockTable(b)[0]);
  EXPECT_NE(cache.blockTable(a)[1], cache.blockTable(b)[1]);
  writeSlot(cache, b, 6, 70);
  EXPECT_EQ(readSlot(cache, b, 5), 6);
  EXPECT_EQ(readSlot(cache, a, 6), 0);
  cache.removeSequence(a);
  EXPECT_EQ(readSlot(cache, b, 3), 4);
  cache.removeSequence(b);
  EXPECT_EQ(cache.pagesInUse(), 0);
}

TEST(KvCache, MoveTokenWithinAndAcrossPages) {
  KvCache cache = KvCache::create(layout(), 4).value();
  auto a = cache.addSequence();
  ASSERT_TRUE(cache.prepareWrite(a, 0, 12));
  for (int64_t slot = 0; slot < 12; ++slot)
    writeSlot(cache, a, slot, static_cast<float>(slot + 1));
  cache.moveToken(a, 10, 1);
  cache.moveToken(a, 3, 2);
  cache.moveToken(a, 5, 5);
  std::vector<float> expected = {1, 11, 4, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  for (int64_t slot = 0; slot < 12; ++slot)
    EXPECT_EQ(readSlot(cache, a, slot), expected[slot]) << slot;
}

TEST(KvCache, MoveAndClearTokensOf16BitElements) {
  KvCache cache = KvCache::create({pageTokens, 128, {{2, 3, 0, 48, 2}}}, 1).value();
  auto a = cache.addSequence();
  ASSERT_TRUE(cache.prepareWrite(a, 0, 4));
  auto *keys = reinterpret_cast<uint16_t *>(cache.pages().data(0)), *values = keys + 24;
  for (uint16_t i = 0; i < 48; ++i)
    keys[i] = static_cast<uint16_t>(100 + i);
  cache.moveToken(a, 3, 1);
  cache.clearToken(a, 0);
  for (int row = 0; row < 6; ++row) {
    const int key = row * 4, value = row / 3 * 12 + row % 3;
    const int expectedKeys[] = {0, 100 + key + 3, 100 + key + 2, 100 + key + 3};
    const int expectedValues[] = {0, 124 + value + 9, 124 + value + 6, 124 + value + 9};
    for (int slot = 0; slot < 4; ++slot) {
      EXPECT_EQ(keys[key + slot], expectedKeys[slot]) << row << ", " << slot;
      EXPECT_EQ(values[value + 3 * slot], expectedValues[slot]) << row << ", " << slot;
    }
  }
}

/// Random operations against a plain map of slot values.
TEST(KvCache, AgreesWithAModel) {
  std::mt19937 random(7);
  constexpr int64_t capacity = 24;
  KvCache cache = KvCache::create(layout(), capacity).value();
  std::map<KvCache::SequenceId, std::vector<float>> model;
  float stamp = 1;
  auto anySequence = [&] { return std::next(model.begin(), random() % model.size())->first; };
  for (int round = 0; round < 20000; ++round) {
    unsigned operation = random() % 10;
    if (model.empty() || operation == 0) {
      if (model.size() < 8)
        model[cache.addSequence()];
    } else if (operation <= 4) {
      auto id = anySequence();
      auto begin = static_cast<int64_t>(model[id].size());
      int64_t end = begin + 1 + random() % 6;
      if (cache.prepareWrite(id, begin, end)) {
        for (int64_t slot = begin; slot < end; ++slot, stamp = std::fmod(stamp + 1, 5000)) {
          writeSlot(cache, id, slot, stamp + 1);
          model[id].push_back(stamp + 1);
        }
      }
    } else if (operation == 5 && model.size() < 8) {
      auto id = anySequence();
      size_t length = random() % (model[id].size() + 1);
      auto copy = cache.fork(id, static_cast<int64_t>(length));
      model[copy].assign(model[id].begin(), model[id].begin() + length);
    } else if (operation == 6) {
      auto id = anySequence();
      size_t length = random() % (model[id].size() + 1);
      cache.truncate(id, static_cast<int64_t>(length));
      model[id].resize(length);
    } else if (operation == 7) {
      auto id = anySequence();
      cache.removeSequence(id);
      model.erase(id);
    } else if (operation == 8) {
      auto id = anySequence();
      auto length = static_cast<int64_t>(model[id].size());
      if (length >= 2) {
        int64_t from = random() % length, to = random() % length;
        if (cache.prepareWrite(id, to, to + 1)) {
          cache.moveToken(id, from, to);
          model[id][to] = model[id][from];
        }
      }
    }
    if (round % 50 == 0) {
      std::map<int32_t, int> uses;
      for (const auto &[id, slots] : model) {
        for (size_t slot = 0; slot < slots.size(); ++slot)
          ASSERT_EQ(readSlot(cache, id, static_cast<int64_t>(slot)), slots[slot]) << "round " << round;
        for (int32_t page : cache.blockTable(id))
          ++uses[page];
      }
      ASSERT_EQ(cache.pagesInUse(), static_cast<int64_t>(uses.size()));
      for (auto [page, count] : uses)
        ASSERT_EQ(cache.pages().referenceCount(page), count);
    }
  }
  for (const auto &[id, slots] : model)
    cache.removeSequence(id);
  EXPECT_EQ(cache.pagesInUse(), 0);
}

TEST(PagePool, RefusesWhatCannotBeAddressed) {
  auto pool = PagePool::create(int64_t(1) << 40, int64_t(1) << 30);
  ASSERT_FALSE(pool);
  EXPECT_EQ(pool.error().kind, ErrorKind::Resources);
}

} // namespace
} // namespace yoke
