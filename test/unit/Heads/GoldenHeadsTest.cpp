// Compiled draft heads against PyTorch's on the bundled model, in float32: examples/training/make_head_golden.py.
#include "Support/File.h"
#include "Support/Json.h"
#include "runtime/Speculation/CreateSpeculation.h"
#include "runtime/Speculation/Heads/HeadRunner.h"

#include <filesystem>
#include <gtest/gtest.h>

namespace yoke {
namespace {

namespace fs = std::filesystem;

const fs::path examples = fs::path(YOKE_SOURCE_DIR) / "examples";

std::vector<float> floats(const Json &list) {
  std::vector<float> values;
  for (const Json &value : list)
    values.push_back(value.get<float>());
  return values;
}

class GoldenHeads : public testing::TestWithParam<std::string> {
protected:
  void SetUp() override {
    const fs::path heads = examples / "heads" / GetParam();
    golden = parseJson(readFile((heads / "golden.json").string(), 1 << 24).value(), "golden.json").value();
    package = fs::temp_directory_path() / fmt::format("yoke-heads-{}-{}.yoke", getpid(), GetParam());
    const std::string command = fmt::format("{}/bin/yoke compile {}/checkpoint --draft {}:{} -q -o {}", YOKE_BUILD_DIR,
                                            examples.string(), kind(), heads.string(), package.string());
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
    session = Session::create(Model::open(package.string()).value(), {2, false, 0}).value();
    runner = HeadRunner::create(*session).value();
  }
  void TearDown() override { fs::remove(package); }

  std::string kind() const { return GetParam().substr(0, GetParam().find('-')); }

  /// The result of a function on rows of features, with `perRow` tokens each.
  std::vector<float> run(std::string_view name, std::vector<float> features, std::vector<int32_t> tokens, int64_t rows,
                         int64_t floatsWanted, bool wantLast = false) {
    StepBatch batch;
    const bool cached = runner->hasCache();
    if (cached && sequence < 0) {
      sequence = runner->cache().addSequence();
      EXPECT_TRUE(runner->cache().prepareWrite(sequence, 0, 64));
    }
    if (tokens.empty())
      tokens.assign(rows, 0);
    const auto table = cached ? runner->cache().blockTable(sequence) : std::span<const int32_t>();
    batch.addCausal(batch.addSequence(table), tokens, 0);
    if (wantLast)
      batch.wantOutput(static_cast<int32_t>(rows) - 1);
    std::vector<float> result(floatsWanted);
    runner->run(runner->find(name), batch, features, result);
    return result;
  }

  /// Rows of logits, of which the golden file has every STRIDE-th.
  void expectLogits(std::span<const float> found) {
    const auto stride = golden["stride"].get<int64_t>();
    const int64_t vocabulary = runner->description().vocabulary;
    int64_t row = 0;
    for (const Json &expected : golden["logits"]) {
      const std::vector<float> values = floats(expected);
      for (size_t i = 0; i < values.size(); ++i)
        ASSERT_NEAR(found[row * vocabulary + i * stride], values[i], 1e-5 * std::max(1.0f, std::abs(values[i])))
            << "row " << row << ", draft token " << i * stride;
      ++row;
    }
  }

  std::vector<int32_t> tokens() const { return golden["tokens"].get<std::vector<int32_t>>(); }

  Json golden;
  fs::path package;
  std::unique_ptr<Session> session;
  std::shared_ptr<HeadRunner> runner;
  KvCache::SequenceId sequence = -1;
};

TEST_P(GoldenHeads, LogitsAreThoseOfPyTorch) {
  const int64_t vocabulary = runner->description().vocabulary, size = runner->hiddenSize();
  if (kind() == "medusa") {
    const int64_t heads = runner->description().heads;
    expectLogits(run("medusa_heads", floats(golden["features"]), {}, 1, heads * vocabulary));
  } else if (kind() == "hydra") {
    const std::vector<float> features = floats(golden["features"]);
    const std::vector<int32_t> text = tokens();
    const auto row = golden["row"].get<int64_t>();
    std::vector<float> logits;
    for (int64_t head = 0; head < runner->description().heads; ++head) {
      const std::vector<int32_t> path(text.begin() + row + 1, text.begin() + row + 2 + head);
      const std::vector<float> found = run(fmt::format("hydra_head_{}", head), features, path, 1, vocabulary);
      logits.insert(logits.end(), found.begin(), found.end());
    }
    expectLogits(logits);
    if (runner->find("hydra_prefix") >= 0) {
      const std::vector<float> hidden = floats(golden["hidden"]);
      const auto rows = static_cast<int64_t>(hidden.size()) / size;
      const std::vector<float> found = run("hydra_prefix", hidden, {}, rows, rows * size);
      for (int64_t i = 0; i < size; ++i)
        ASSERT_NEAR(found[row * size + i], features[i], 1e-5 * std::max(1.0f, std::abs(features[i])));
    }
  } else {
    const std::vector<float> taps = floats(golden["taps"]), expected = floats(golden["features"]);
    const auto rows = static_cast<int64_t>(taps.size()) / runner->featureColumns();
    const std::vector<float> features = run("eagle_features", taps, {}, rows, rows * size);
    for (int64_t i = 0; i < size; ++i)
      ASSERT_NEAR(features[(rows - 1) * size + i], expected[i], 1e-5 * std::max(1.0f, std::abs(expected[i])));
    const std::vector<int32_t> text = tokens();
    const std::vector<int32_t> next(text.begin() + 1, text.begin() + 1 + rows);
    expectLogits(run("eagle_layer", features, next, rows, vocabulary + rows * size, /*wantLast=*/true));
  }
}

TEST_P(GoldenHeads, OtherKindsAreRefused) {
  for (std::string other : {"medusa", "hydra", "eagle"}) {
    auto speculation = createSpeculation(*session, DecodeSpec::parse(other + ":size=full").value());
    EXPECT_EQ(speculation.has_value(), other == kind());
    if (!speculation)
      EXPECT_EQ(speculation.error().kind, ErrorKind::Malformed);
  }
}

INSTANTIATE_TEST_SUITE_P(Bundled, GoldenHeads, testing::Values("medusa", "hydra", "eagle"),
                         [](const auto &info) { return info.param; });

} // namespace
} // namespace yoke
