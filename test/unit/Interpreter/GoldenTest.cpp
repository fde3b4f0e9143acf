// Each op against PyTorch; goldens.json is written by make_goldens.py.
#include "ProgramTest.h"
#include "Support/Json.h"

#include <fstream>

using namespace yoke;

static Json readGoldens() {
  std::ifstream file(YOKE_SOURCE_DIR "/test/unit/Interpreter/goldens.json");
  return *parseJson(std::string(std::istreambuf_iterator<char>(file), {}), "goldens.json");
}

static Matrix matrixFrom(const Json &rows) {
  Matrix result(static_cast<int64_t>(rows.size()), rows.empty() ? 0 : static_cast<int64_t>(rows[0].size()));
  for (int64_t r = 0; r < result.rows; ++r)
    for (int64_t c = 0; c < result.cols; ++c)
      result.at(r, c) = rows[static_cast<size_t>(r)][static_cast<size_t>(c)].get<float>();
  return result;
}

static Batch batchFrom(const Json &golden) {
  Batch batch;
  bool encoder = golden.contains("encoder");
  int32_t sequence = 0;
  for (const Json &length : golden[encoder ? "encoder" : "chains"]) {
    Batch one = chainOf(length.get<int32_t>());
    if (encoder)
      appendEncoderSequence(batch, sequence++, one.tokens);
    else
      appendChain(batch, sequence++, 0, one.tokens, Outputs::All);
  }
  return batch;
}

namespace {
class GoldenTest : public ProgramTest, public testing::WithParamInterface<Json> {};
} // namespace

TEST_P(GoldenTest, EqualsPyTorch) {
  load(GetParam()["program"].get<std::string>());
  std::vector<Matrix> inputs;
  for (const Json &input : GetParam()["inputs"])
    inputs.push_back(matrixFrom(input));
  expectNear(run(batchFrom(GetParam()), inputs), matrixFrom(GetParam()["expected"]), 4e-6f);
}

INSTANTIATE_TEST_SUITE_P(Ops, GoldenTest, testing::ValuesIn(readGoldens().get<std::vector<Json>>()),
                         [](const auto &info) { return info.param["name"].template get<std::string>(); });
