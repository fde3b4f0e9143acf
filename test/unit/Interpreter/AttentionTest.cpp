// What attention must satisfy whatever the values are.
#include "ProgramTest.h"
#include "Random.h"

using namespace yoke;
using testing::HasSubstr;

namespace {
constexpr int64_t width = 12, kvWidth = 6; // 4 heads of 3 over 2

class AttentionTest : public ProgramTest {
protected:
  /// Attention over %x: queries are its first columns, keys the next, values the last.
  void loadAttention(const std::string &attributes = "") {
    load(R"(
      !cache = !llm.kv_cache<layers = 1, heads = 2, head_dim = 3, f32>
      func.func @f(%q: tensor<?x12xf32>, %k: tensor<?x6xf32>, %v: tensor<?x6xf32>, %batch: !llm.batch, %cache: !cache) -> tensor<?x12xf32> {
        %y, %c = llm.attention %q, %k, %v, %batch cache %cache {heads = 4, kv_heads = 2, scale = 0.5 : f32)" +
         attributes + R"(}
          : (tensor<?x12xf32>, tensor<?x6xf32>, tensor<?x6xf32>, !llm.batch, !cache) -> (tensor<?x12xf32>, !cache)
        return %y : tensor<?x12xf32>
      })");
  }

  Matrix randomRows(int64_t rows, int64_t columns) {
    Matrix result(rows, columns);
    for (float &value : result.data)
      value = random.uniform();
    return result;
  }

  /// Rows `begin` to `end` of each of q, k and v.
  std::vector<Matrix> part(int64_t begin, int64_t end) const {
    std::vector<Matrix> result;
    for (const Matrix &m : inputs)
      result.emplace_back(end - begin, m.cols,
                          std::vector<float>(m.data.begin() + begin * m.cols, m.data.begin() + end * m.cols));
    return result;
  }

  /// Rows in the given order.
  static Matrix ordered(const Matrix &m, const std::vector<int64_t> &order) {
    Matrix result(static_cast<int64_t>(order.size()), m.cols);
    for (int64_t r = 0; r < result.rows; ++r)
      std::copy_n(m.row(order[static_cast<size_t>(r)]), m.cols, result.row(r));
    return result;
  }

  void restart(int64_t length) {
    cache = {};
    inputs = {randomRows(length, width), randomRows(length, kvWidth), randomRows(length, kvWidth)};
  }

  Random random{3};
  std::vector<Matrix> inputs;
};

std::vector<int32_t> zeros(int64_t count) { return std::vector<int32_t>(static_cast<size_t>(count)); }
} // namespace

TEST_F(AttentionTest, ByHand) {
  load(R"(
    func.func @f(%q: tensor<?x1xf32>, %k: tensor<?x1xf32>, %v: tensor<?x1xf32>, %batch: !llm.batch) -> tensor<?x1xf32> {
      %y = llm.attention %q, %k, %v, %batch {heads = 1, kv_heads = 1, scale = 2.0 : f32}
        : (tensor<?x1xf32>, tensor<?x1xf32>, tensor<?x1xf32>, !llm.batch) -> tensor<?x1xf32>
      return %y : tensor<?x1xf32>
    })");
  // The second token's scores are 0 and 2 * 0.5 * ln 3 = ln 3: weights 1/4 and 3/4.
  expectNear(run(chainOf(2), {Matrix(2, 1, {9, 0.5f}), Matrix(2, 1, {0, std::log(3.0f)}), Matrix(2, 1, {4, 8})}),
             Matrix(2, 1, {4, 7}));
}

TEST_F(AttentionTest, ChunksEqualTheWhole) {
  for (const char *attributes : {"", ", window = 4", ", softcap = 0.7 : f32", ", window = 1"}) {
    loadAttention(attributes);
    restart(11);
    Matrix whole = run(chainOf(11), inputs);
    cache = {};
    Matrix joined(0, width);
    int32_t begin = 0;
    for (int32_t length : {4, 1, 1, 5}) {
      Batch batch;
      appendChain(batch, 0, begin, zeros(length));
      Matrix rows = run(batch, part(begin, begin + length));
      joined.data.insert(joined.data.end(), rows.data.begin(), rows.data.end());
      joined.rows += rows.rows;
      begin += length;
    }
    expectNear(joined, whole, 0);
  }
}

TEST_F(AttentionTest, OrderOfSequencesDoesNotMatter) {
  loadAttention();
  restart(9);
  Batch batch, swapped;
  appendChain(batch, 0, 0, zeros(4));
  appendChain(batch, 1, 0, zeros(5));
  appendChain(swapped, 1, 0, zeros(5));
  appendChain(swapped, 0, 0, zeros(4));
  std::vector<int64_t> order{4, 5, 6, 7, 8, 0, 1, 2, 3};
  Matrix straight = run(batch, inputs);
  cache = {};
  Matrix permuted = run(swapped, {ordered(inputs[0], order), ordered(inputs[1], order), ordered(inputs[2], order)});
  expectNear(permuted, ordered(straight, order), 0);
}

TEST_F(AttentionTest, SequencesDoNotSeeEachOther) {
  loadAttention();
  restart(7);
  Batch both, alone;
  appendChain(both, 5, 0, zeros(3));
  appendChain(both, 2, 0, zeros(4));
  appendChain(alone, 0, 0, zeros(4));
  Matrix rows = run(both, inputs);
  cache = {};
  expectNear(run(alone, part(3, 7)), ordered(rows, {3, 4, 5, 6}), 0);
}

TEST_F(AttentionTest, AWindowAsLongAsTheSequenceIsNone) {
  restart(8);
  loadAttention();
  Matrix expected = run(chainOf(8), inputs);
  cache = {};
  loadAttention(", window = 8");
  expectNear(run(chainOf(8), inputs), expected, 0);
  cache = {};
  loadAttention(", window = 7");
  Matrix shorter = run(chainOf(8), inputs);
  EXPECT_EQ(ordered(shorter, {0, 1, 2, 3, 4, 5, 6}).data, ordered(expected, {0, 1, 2, 3, 4, 5, 6}).data);
  EXPECT_NE(shorter.data, expected.data);
}

TEST_F(AttentionTest, AWindowOfOneGivesTheOwnValue) {
  loadAttention(", window = 1");
  restart(3);
  Matrix result = run(chainOf(3), inputs);
  for (int64_t t = 0; t < 3; ++t)
    for (int64_t head = 0; head < 4; ++head)
      for (int64_t i = 0; i < 3; ++i)
        EXPECT_FLOAT_EQ(result.at(t, head * 3 + i), inputs[2].at(t, head / 2 * 3 + i));
}

TEST_F(AttentionTest, AHugeSoftcapIsNone) {
  restart(6);
  loadAttention();
  Matrix expected = run(chainOf(6), inputs);
  cache = {};
  loadAttention(", softcap = 1.0e6 : f32");
  expectNear(run(chainOf(6), inputs), expected, 1e-6f);
}

TEST_F(AttentionTest, ATreeOfOneBranchIsAChain) {
  loadAttention();
  restart(7);
  Batch prefix, chain, tree;
  appendChain(prefix, 0, 0, zeros(3));
  appendChain(chain, 0, 3, zeros(4));
  appendTree(tree, 0, 3, zeros(4), {-1, 0, 1, 2});
  run(prefix, part(0, 3));
  Matrix expected = run(chain, part(3, 7));
  expectNear(run(tree, part(3, 7)), expected, 0);
}

TEST_F(AttentionTest, EachPathOfATreeIsAChain) {
  for (const char *attributes : {"", ", window = 3"}) {
    loadAttention(attributes);
    restart(8);
    Batch prefix, tree;
    appendChain(prefix, 0, 0, zeros(3));
    // 0 - 1 - 3
    //   \ 2 - 4
    appendTree(tree, 0, 3, zeros(5), {-1, 0, 0, 1, 2});
    run(prefix, part(0, 3));
    Matrix result = run(tree, part(3, 8));
    for (const std::vector<int64_t> &path : {std::vector<int64_t>{0, 1, 3}, {0, 2, 4}}) {
      cache = {};
      run(prefix, part(0, 3));
      Batch chain;
      appendChain(chain, 0, 3, zeros(3));
      std::vector<Matrix> rows = part(3, 8);
      for (Matrix &m : rows)
        m = ordered(m, path);
      expectNear(run(chain, rows), ordered(result, path), 0);
    }
  }
}

TEST_F(AttentionTest, AnAcceptedBranchContinuesAsAChain) {
  loadAttention();
  restart(6);
  Batch tree, next, chain;
  appendTree(tree, 0, 0, zeros(4), {-1, 0, 0, 2});
  run(tree, part(0, 4)); // accept 0, 2, 3
  cache.copySlot(0, 2, 1);
  cache.copySlot(0, 3, 2);
  cache.truncate(0, 3);
  appendChain(next, 0, 3, zeros(2));
  Matrix continued = run(next, part(4, 6));
  cache = {};
  std::vector<Matrix> accepted = inputs;
  for (Matrix &m : accepted)
    m = ordered(m, {0, 2, 3, 4, 5});
  expectNear(continued, ordered(run(chainOf(5), accepted), {3, 4}), 0);
}

TEST_F(AttentionTest, RejectedSlotsAreNotSeen) {
  loadAttention();
  restart(7);
  Batch prefix, draft, chain;
  appendChain(prefix, 0, 0, zeros(2));
  appendTree(draft, 0, 2, zeros(3), {-1, -1, -1});
  appendChain(chain, 0, 2, zeros(2));
  run(prefix, part(0, 2));
  Matrix expected = run(chain, part(5, 7));
  cache = {};
  run(prefix, part(0, 2));
  run(draft, part(2, 5));
  expectNear(run(chain, part(5, 7)), expected, 0);
}

TEST_F(AttentionTest, ASlotThatWasNeverWrittenIsAnError) {
  loadAttention();
  restart(1);
  Batch batch;
  appendChain(batch, 7, 2, {0});
  EXPECT_THAT(runError(batch, inputs), HasSubstr("token 0 sees slot 0 of sequence 7, which layer 0 never wrote"));
}

TEST_F(AttentionTest, ACacheValueUsedTwiceIsAnError) {
  load(R"(
    !cache = !llm.kv_cache<layers = 1, heads = 1, head_dim = 1, f32>
    func.func @f(%x: tensor<?x1xf32>, %batch: !llm.batch, %cache: !cache) {
      %y, %c = llm.attention %x, %x, %x, %batch cache %cache {heads = 1, kv_heads = 1, scale = 1.0 : f32}
        : (tensor<?x1xf32>, tensor<?x1xf32>, tensor<?x1xf32>, !llm.batch, !cache) -> (tensor<?x1xf32>, !cache)
      %z, %d = llm.attention %x, %x, %x, %batch cache %cache {heads = 1, kv_heads = 1, scale = 1.0 : f32}
        : (tensor<?x1xf32>, tensor<?x1xf32>, tensor<?x1xf32>, !llm.batch, !cache) -> (tensor<?x1xf32>, !cache)
      return
    })");
  EXPECT_THAT(runError(chainOf(1), {Matrix(1, 1)}),
              HasSubstr("llm.attention at loc(\"test.mlir\":6:16): the cache value is used twice"));
}

TEST_F(AttentionTest, ABf16CacheRounds) {
  load(R"(
    !cache = !llm.kv_cache<layers = 1, heads = 1, head_dim = 1, bf16>
    func.func @f(%x: tensor<?x1xf32>, %batch: !llm.batch, %cache: !cache) -> tensor<?x1xf32> {
      %y, %c = llm.attention %x, %x, %x, %batch cache %cache {heads = 1, kv_heads = 1, scale = 1.0 : f32}
        : (tensor<?x1xf32>, tensor<?x1xf32>, tensor<?x1xf32>, !llm.batch, !cache) -> (tensor<?x1xf32>, !cache)
      return %y : tensor<?x1xf32>
    })");
  expectNear(run(chainOf(1), {Matrix(1, 1, {257})}), Matrix(1, 1, {256}), 0);
  EXPECT_EQ(cache.find(0, 0, 0)->key, std::vector<float>{256});
}
