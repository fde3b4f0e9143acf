#include "FakeModel.h"

#include "Package/HostTarget.h"
#include "Package/PackageWriter.h"
#include "Support/Json.h"

namespace yoke::test {
namespace {

const int32_t *ints(const YokeMemRef1 *memory) {
  return static_cast<const int32_t *>(memory->aligned) + memory->offset;
}

void encoderStep(YokeMemRef1 *, YokeMemRef1 *, YokeMemRef1 *, YokeMemRef1 *tokens, YokeMemRef1 *, YokeMemRef1 *,
                 YokeMemRef1 *limits, YokeMemRef1 *, YokeMemRef1 *, YokeMemRef1 *outputs, YokeMemRef1 *, int64_t,
                 YokeMemRef1 *result, int64_t thread, int64_t threads, void *, YokeBarrier) {
  if (thread == 0)
    yokeFakeLargestStep = std::max(yokeFakeLargestStep, tokens->size);
  for (int64_t r = thread; r < outputs->size; r += threads) {
    int32_t first = ints(outputs)[r];
    float *row = static_cast<float *>(result->aligned) + 2 * r;
    row[0] = 0;
    for (int32_t t = first; t < first + ints(limits)[first]; ++t)
      row[0] += static_cast<float>(ints(tokens)[t]);
    row[1] = static_cast<float>(ints(limits)[first]);
  }
}

std::string fakeTokenizer() {
  Json vocabulary = Json::object(), added = Json::array();
  for (int32_t id = 0; id < 95; ++id)
    vocabulary[std::string(1, static_cast<char>(' ' + id))] = id;
  for (int32_t id : {95, 96}) {
    vocabulary[id == 95 ? "<s>" : "</s>"] = id;
    added.push_back({{"id", id},
                     {"content", id == 95 ? "<s>" : "</s>"},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"normalized", false},
                     {"special", true}});
  }
  Json tokenizer = {{"version", "1.0"},
                    {"truncation", nullptr},
                    {"padding", nullptr},
                    {"added_tokens", added},
                    {"normalizer", nullptr},
                    {"pre_tokenizer", nullptr},
                    {"post_processor", nullptr},
                    {"decoder", {{"type", "Fuse"}}},
                    {"model", {{"type", "BPE"}, {"vocab", vocabulary}, {"merges", Json::array()}}}};
  return dumpJson(tokenizer);
}

} // namespace

int32_t fakeNext(std::span<const int32_t> tokens) {
  int64_t sum = 0;
  for (size_t i = 0; i < tokens.size(); ++i)
    sum += static_cast<int64_t>(i + 1) * tokens[i];
  return static_cast<int32_t>((sum * 31 + 11) % FakeVocabulary);
}

std::vector<int32_t> fakeContinuation(std::vector<int32_t> tokens, size_t count) {
  std::vector<int32_t> result;
  for (size_t i = 0; i < count; ++i) {
    result.push_back(fakeNext(tokens));
    tokens.push_back(result.back());
  }
  return result;
}

Manifest fakeManifest(const FakeOptions &options) {
  Manifest manifest;
  manifest.yokeVersion = "0.1.0";
  manifest.llvmVersion = "22";
  manifest.architecture = "FakeForCausalLM";
  manifest.target = {"x86_64-pc-linux-gnu", "generic", "x86-64", {"sse2"}};
  manifest.sourceSha256 = std::string(64, '0');
  manifest.parameters = 1;
  manifest.weightType = "f32";
  manifest.vocabSize = FakeVocabulary;
  manifest.hiddenSize = 1;
  manifest.layers = 1;
  manifest.maxPositions = options.maxPositions;
  manifest.eosTokenIds.assign(options.endTokens.begin(), options.endTokens.end());
  StepDescription &step = manifest.step;
  step.maxTokens = options.maxTokens;
  step.arenaBytes = 64;
  step.outputColumns = FakeVocabulary;
  step.pageTokens = FakePageTokens;
  step.pageBytes = FakePageBytes;
  step.kvLayers = {{1, 1, 0, FakePageTokens * 4}};
  return manifest;
}

std::shared_ptr<Model> makeFakeModel(const FakeOptions &options) {
  yokeFakeCalls = yokeFakeLargestStep = 0;
  // The weights are read at every step; models of one test process may differ.
  static std::vector<std::unique_ptr<int32_t>> weights;
  weights.push_back(std::make_unique<int32_t>(options.nanFrom));
  auto model = std::make_shared<Model>();
  model->path = "fake.yoke";
  model->manifest = fakeManifest(options);
  model->endTokens = options.endTokens;
  model->weights = std::as_bytes(std::span(weights.back().get(), 1));
  model->step = _mlir_ciface_yoke_step;
  return model;
}

std::shared_ptr<Model> makeFakeEncoder(int64_t maxTokens, int64_t maxPositions) {
  yokeFakeCalls = yokeFakeLargestStep = 0;
  auto model = std::make_shared<Model>();
  model->path = "fake.yoke";
  model->step = encoderStep;
  model->manifest.task = Task::Embed;
  model->manifest.vocabSize = FakeVocabulary;
  model->manifest.maxPositions = maxPositions;
  model->manifest.step.maxTokens = maxTokens;
  model->manifest.step.outputColumns = 2;
  return model;
}

Status writeFakePackage(const std::string &path, const FakeOptions &options, const std::string &generationConfig,
                        std::optional<Manifest> manifest, const std::map<std::string_view, std::string> &texts) {
  PackageWriter writer = YOKE_TRY(PackageWriter::create(path));
  YOKE_TRY(writer.addManifest(manifest ? *manifest : fakeManifest(options)));
  std::string code = YOKE_TRY(readFile(YOKE_FAKE_STEP, 1 << 20));
  YOKE_TRY(writer.add(section_names::code, SectionKind::Code, code));
  YOKE_TRY(writer.add(section_names::weights, SectionKind::Weights, std::as_bytes(std::span(&options.nanFrom, 1))));
  YOKE_TRY(writer.add(section_names::tokenizer, SectionKind::Json, fakeTokenizer()));
  YOKE_TRY(writer.add(section_names::generationConfig, SectionKind::Json, generationConfig));
  for (const auto &[name, text] : texts)
    YOKE_TRY(writer.add(name, requiredKind(name).value_or(SectionKind::Text), text));
  return writer.finish();
}

} // namespace yoke::test
