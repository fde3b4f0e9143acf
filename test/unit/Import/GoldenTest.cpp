// Imported models, run by the reference interpreter, against transformers. YOKE_IMPORT_MODELS may name further folders
// (separated by colons) of checkpoints with golden.json and golden.safetensors.
#include "Interpreter/Interpreter.h"
#include "LLM/LLM.h"
#include "TestFolder.h"

#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Parser/Parser.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <gtest/gtest.h>
#include <sstream>

using namespace yoke;
namespace fs = std::filesystem;

namespace {

std::vector<std::string> goldenFolders() {
  std::vector<std::string> roots = {test::fixture("")}, folders;
  if (const char *more = std::getenv("YOKE_IMPORT_MODELS")) {
    std::istringstream list(more);
    for (std::string root; std::getline(list, root, ':');)
      roots.push_back(root);
  }
  for (const std::string &root : roots)
    for (const fs::directory_entry &entry : fs::directory_iterator(root))
      if (fs::exists(entry.path() / "golden.safetensors"))
        folders.push_back(entry.path().string());
  std::ranges::sort(folders);
  return folders;
}

/// Largest difference, relative to the largest value.
double distance(const Matrix &actual, const std::vector<float> &golden) {
  double difference = 0, largest = 0;
  for (size_t i = 0; i < golden.size(); ++i) {
    difference = std::max(difference, std::fabs(double(actual.data[i]) - golden[i]));
    largest = std::max(largest, std::fabs(double(golden[i])));
  }
  return difference / largest;
}

class Golden : public testing::TestWithParam<std::string> {
protected:
  void SetUp() override {
    auto opened = Checkpoint::open(GetParam());
    ASSERT_TRUE(opened) << opened.error().message;
    checkpoint.emplace(std::move(*opened));
    if (!isSupported())
      GTEST_SKIP() << "another family";
    auto mapped = MappedFile::open(GetParam() + "/golden.safetensors");
    ASSERT_TRUE(mapped) << mapped.error().message;
    golden = std::move(*mapped);
    auto parsed = parseSafetensors(golden.bytes(), "golden.safetensors");
    ASSERT_TRUE(parsed) << parsed.error().message;
    table.emplace(std::move(*parsed));
    auto text = readFile(GetParam() + "/golden.json", size_t(1) << 24);
    ASSERT_TRUE(text) << text.error().message;
    Json document = Json::parse(*text, nullptr, false);
    for (const Json &prompt : document["prompts"])
      prompts.push_back(prompt["token_ids"].get<std::vector<int32_t>>());
    ASSERT_FALSE(prompts.empty());
  }

  bool isSupported() const {
    Json config = Json::parse(checkpoint->config(), nullptr, false);
    std::vector<std::string> supported = supportedArchitectures();
    return std::ranges::find(supported, config["architectures"][0].get<std::string>()) != supported.end();
  }

  std::vector<float> values(const std::string &name) {
    const TensorInfo *tensor = table->find(name);
    EXPECT_NE(tensor, nullptr) << name;
    if (!tensor)
      return {};
    std::vector<float> result(tensor->elementCount());
    convertToFloat(tensor->dtype, golden.bytes().subspan(table->dataOffset() + tensor->begin), result);
    return result;
  }

  std::optional<Checkpoint> checkpoint;
  MappedFile golden;
  std::optional<SafetensorsTable> table;
  std::vector<std::vector<int32_t>> prompts;
};

TEST_P(Golden, MatchesTransformers) {
  mlir::MLIRContext context;
  std::vector<std::string> warnings;
  auto module = importCheckpoint(context, *checkpoint, {.warnings = &warnings});
  ASSERT_TRUE(module) << module.error().message;
  EXPECT_TRUE(warnings.empty()) << warnings.front();
  Interpreter interpreter(module->get(), checkpointWeights(*checkpoint));
  for (size_t i = 0; i < prompts.size(); ++i) {
    bool encoder = table->find(fmt::format("embedding.{}", i));
    Batch batch;
    KvCache cache;
    if (encoder)
      appendEncoderSequence(batch, 0, prompts[i]);
    else
      appendChain(batch, 0, 0, prompts[i], Outputs::All);
    auto result = interpreter.run("step", batch, cache);
    ASSERT_TRUE(result) << result.error().message;
    std::vector<float> expected = values(fmt::format("{}.{}", encoder ? "embedding" : "logits", i));
    ASSERT_EQ(result->front().data.size(), expected.size());
    double error = distance(result->front(), expected);
    EXPECT_LT(error, 2e-4) << "prompt " << i;
    RecordProperty(fmt::format("error{}", i), fmt::format("{:.2e}", error));
  }
}

TEST_P(Golden, TokenByTokenGivesTheSameLogits) {
  if (table->find("embedding.0"))
    GTEST_SKIP() << "an encoder";
  mlir::MLIRContext context;
  auto module = importCheckpoint(context, *checkpoint);
  ASSERT_TRUE(module) << module.error().message;
  bool switches = false; // LongRoPE: keys that are cached keep the rotation of the step that wrote them
  module->get().walk([&](llm::RopeTableOp op) { switches |= !op.getRope().getLongFrequencies().empty(); });
  if (switches)
    GTEST_SKIP() << "rotations depend on the length of the step";
  Interpreter interpreter(module->get(), checkpointWeights(*checkpoint));
  KvCache cache;
  const std::vector<int32_t> &tokens = prompts.back();
  std::vector<float> expected = values(fmt::format("logits.{}", prompts.size() - 1));
  size_t columns = expected.size() / tokens.size();
  for (size_t done = 0, size = (tokens.size() + 1) / 2; done < tokens.size(); done += size, size = 1) {
    Batch batch;
    appendChain(batch, 0, static_cast<int32_t>(done), {tokens.begin() + done, tokens.begin() + done + size});
    auto result = interpreter.run("step", batch, cache);
    ASSERT_TRUE(result) << result.error().message;
    auto last = expected.begin() + (done + size - 1) * columns;
    EXPECT_LT(distance(result->front(), {last, last + columns}), 4e-4) << "after token " << done + size;
  }
}

TEST_P(Golden, TextReadsBackAsTheSameModule) {
  mlir::MLIRContext context;
  auto module = importCheckpoint(context, *checkpoint);
  ASSERT_TRUE(module) << module.error().message;
  auto print = [](mlir::ModuleOp op) {
    std::string text;
    llvm::raw_string_ostream stream(text);
    op.print(stream);
    return text;
  };
  std::string text = print(module->get());
  auto parsed = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(print(*parsed), text);
}

TEST_P(Golden, WeightTypeSetsMatricesOnly) {
  mlir::MLIRContext context;
  auto module = importCheckpoint(context, *checkpoint, {.weightType = WeightType::F16});
  ASSERT_TRUE(module) << module.error().message;
  for (auto global : module->get().getOps<mlir::ml_program::GlobalOp>()) {
    auto type = llvm::cast<mlir::RankedTensorType>(global.getType());
    auto weight = llvm::dyn_cast<llm::WeightAttr>(*global.getValue());
    if (!weight) // a constant
      continue;
    auto piece = weight.getPieces().front();
    const TensorInfo *stored = checkpoint->find(std::string_view(piece.getTensor()));
    ASSERT_NE(stored, nullptr);
    bool half = type.getRank() > 1 || stored->dtype == DType::F16;
    EXPECT_EQ(type.getElementType().isF16(), half) << global.getSymName().str();
  }
}

INSTANTIATE_TEST_SUITE_P(Checkpoints, Golden, testing::ValuesIn(goldenFolders()), [](const auto &info) {
  std::string name = fs::path(info.param).filename().string();
  std::ranges::replace_if(name, [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); }, '_');
  return fmt::format("{}_{}", info.index, name);
});

} // namespace
