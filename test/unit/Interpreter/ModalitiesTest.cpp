// llm.modalities, llm.segments and llm.by_modality: which region a token's row goes through.
#include "ProgramTest.h"

using namespace yoke;

namespace {
constexpr int32_t opens = 6, closes = 7;

/// The modality of each token shows in its row, a one that region m multiplies by m + 1.
class ModalitiesTest : public ProgramTest {
protected:
  void loadWith(const std::string &modalities) {
    load(R"(!cache = !llm.kv_cache<layers = 2, heads = 1, head_dim = 2, f32>
      func.func @f(%tokens: tensor<?xi32>, %batch: !llm.batch, %c: !cache, %x: tensor<?x1xf32>) -> (tensor<?x1xf32>, !cache) {)" +
         modalities + R"(
        %y = llm.by_modality %m(%x) : (tensor<?x1xf32>) -> tensor<?x1xf32> {
        ^bb0(%rows: tensor<?x1xf32>):
          llm.yield %rows : tensor<?x1xf32>
        }, {
        ^bb0(%rows: tensor<?x1xf32>):
          %twice = llm.scale %rows {factor = 2.0 : f32} : tensor<?x1xf32>
          llm.yield %twice : tensor<?x1xf32>
        }
        return %y, %cache : tensor<?x1xf32>, !cache
      })");
  }
  void loadSegments() {
    loadWith(fmt::format("%m, %cache = llm.segments %tokens, %batch, %c {{layer = 1, opens = array<i64: {}>, closes = "
                         "array<i64: {}>, numbers = array<i64: 1>}} : !cache",
                         opens, closes));
  }

  std::vector<int> modalities(const Batch &batch) {
    Matrix ones(batch.size(), 1);
    std::ranges::fill(ones.data, 1.0f);
    std::vector<int> result;
    for (float value : run(batch, {ones}).data)
      result.push_back(static_cast<int>(value) - 1);
    return result;
  }
  std::vector<int> chain(int32_t committed, const std::vector<int32_t> &tokens, int32_t sequence = 0) {
    Batch batch;
    appendChain(batch, sequence, committed, tokens, Outputs::All);
    return modalities(batch);
  }
};
} // namespace

TEST_F(ModalitiesTest, RangesOfIds) {
  load(R"(func.func @f(%tokens: tensor<?xi32>, %batch: !llm.batch, %x: tensor<?x1xf32>) -> tensor<?x1xf32> {
    %m = llm.modalities %tokens {begins = array<i64: 1, 4>, ends = array<i64: 3, 5>, numbers = array<i64: 1, 1>}
    %y = llm.by_modality %m(%x) : (tensor<?x1xf32>) -> tensor<?x1xf32> {
    ^bb0(%rows: tensor<?x1xf32>):
      llm.yield %rows : tensor<?x1xf32>
    }, {
    ^bb0(%rows: tensor<?x1xf32>):
      %twice = llm.scale %rows {factor = 2.0 : f32} : tensor<?x1xf32>
      llm.yield %twice : tensor<?x1xf32>
    }
    return %y : tensor<?x1xf32>
  })");
  EXPECT_EQ(modalities(chainOf(6)), (std::vector{0, 1, 1, 0, 1, 0}));
}

TEST_F(ModalitiesTest, MarkersAndWhatIsOutsideAreText) {
  loadSegments();
  EXPECT_EQ(chain(0, {1, opens, 2, 3, closes, 4}), (std::vector{0, 0, 1, 1, 0, 0}));
}

TEST_F(ModalitiesTest, ASegmentGoesOnInLaterSteps) {
  loadSegments();
  EXPECT_EQ(chain(0, {1, opens}), (std::vector{0, 0}));
  EXPECT_EQ(chain(2, {2}), std::vector{1});
  EXPECT_EQ(chain(3, {2, closes}), (std::vector{1, 0}));
  EXPECT_EQ(chain(5, {2}), std::vector{0});
}

TEST_F(ModalitiesTest, ACloseAloneDoesNothingAndAnOpenInASegmentBeginsAnother) {
  loadSegments();
  EXPECT_EQ(chain(0, {closes, 1, opens, 2, opens, 3, closes, 4}), (std::vector{0, 0, 0, 1, 0, 1, 0, 0}));
}

TEST_F(ModalitiesTest, SequencesAreApart) {
  loadSegments();
  EXPECT_EQ(chain(0, {opens, 1}, 0), (std::vector{0, 1}));
  EXPECT_EQ(chain(0, {2, 1}, 1), (std::vector{0, 0}));
  EXPECT_EQ(chain(2, {1}, 0), std::vector{1});
}

TEST_F(ModalitiesTest, NodesOfATreeGoByTheirBranchAndAcceptedOnesAreRemembered) {
  loadSegments();
  chain(0, {1, opens});
  Batch tree;
  // Two roots: one closes, with a child; the other does not, with a child.
  appendTree(tree, 0, 2, {closes, 3, 4, 5}, {-1, -1, 0, 1});
  EXPECT_EQ(modalities(tree), (std::vector{0, 1, 0, 1}));
  // The first branch is accepted.
  cache.copySlot(0, 4, 3);
  cache.truncate(0, 4);
  EXPECT_EQ(chain(4, {3}), std::vector{0});
}

TEST_F(ModalitiesTest, ANumberWithoutARegionIsAnError) {
  load(R"(func.func @f(%tokens: tensor<?xi32>, %batch: !llm.batch, %x: tensor<?x1xf32>) -> tensor<?x1xf32> {
    %y = llm.by_modality %tokens(%x) : (tensor<?x1xf32>) -> tensor<?x1xf32> {
    ^bb0(%rows: tensor<?x1xf32>):
      llm.yield %rows : tensor<?x1xf32>
    }
    return %y : tensor<?x1xf32>
  })");
  EXPECT_THAT(runError(chainOf(2), {Matrix(2, 1)}), testing::HasSubstr("a token of modality 1, of which there are 1"));
}
