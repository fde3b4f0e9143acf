#include "FactorRun.h"

#include "CompilerLibrary.h"
#include "Factor/FactoredCheckpoint.h"
#include "Input.h"
#include "ProbeRun.h"
#include "Support/Hash.h"
#include "Support/Json.h"
#include "Support/Text.h"
#include "Tokenizer/Tokenizer.h"

#include <chrono>
#include <filesystem>
#include <optional>

namespace yoke::cli {
namespace {

namespace fs = std::filesystem;

class FactorRun {
public:
  FactorRun(const FactorJob &job, Checkpoint source, FactorPlan plan)
      : job(job), source(std::move(source)), plan(std::move(plan)), folder(job.output + ".partial") {}

  Status run() {
    std::error_code error;
    if (fs::exists(job.output, error))
      return failed("{}: exists already", printable(job.output, 4096));
    fs::create_directories(folder, error);
    if (error)
      return outOfResources("{}: cannot be created: {}", printable(folder, 4096), error.message());
    YOKE_TRY(resume());
    while (done < plan.layers)
      YOKE_TRY(convertLayer());
    if (!job.evaluate.empty())
      YOKE_TRY(evaluate());
    fs::remove(progressPath(), error);
    fs::rename(folder, job.output, error);
    if (error)
      return outOfResources("{}: cannot be renamed to {}: {}", printable(folder, 4096), printable(job.output, 4096),
                            error.message());
    job.note(fmt::format("{}: a {} of {} experts, {} a token", job.output,
                         plan.config["architectures"][0].get<std::string>(), plan.experts, plan.topK));
    return {};
  }

  Status readTokens() {
    if (!job.text.empty())
      calibration = YOKE_TRY(tokensOf(job.text, job.tokens));
    return {};
  }

private:
  std::string progressPath() const { return folder + "/progress.json"; }

  Result<TokenWindows> tokensOf(const std::string &path, int64_t limit) const {
    auto text = source.tokenizer();
    if (!text)
      return malformed("{}: there is no tokenizer.json to read {} with", printable(source.folder(), 4096), path);
    auto tokenizer = YOKE_TRY(Tokenizer::load(*text, source.folder() + "/tokenizer.json"));
    std::vector<int32_t> ids = YOKE_TRY(tokenizer.encode(YOKE_TRY(readText(path))));
    TokenWindows windows{std::move(ids), std::min(job.context, plan.positions)};
    windows.tokens.resize(std::min<size_t>(windows.tokens.size(), size_t(limit)));
    if (int64_t count = windows.count(); count < 2)
      return malformed("{}: {} tokens make fewer than two windows of {}", printable(path, 4096), windows.tokens.size(),
                       windows.size);
    return windows;
  }

  /// What decides the result: the source, the options, the text.
  std::string key() const {
    Xxh3Stream hash;
    std::string options = fmt::format("{} {} {} {} {} {} {} {} {} {}", source.contentKey(), dumpJson(plan.config),
                                      int(job.fit.split), job.fit.refitsDown, job.fit.epochs, job.fit.rounds,
                                      plan.experts, plan.topK, plan.shared, calibration.size);
    hash.update(std::as_bytes(std::span(options)));
    hash.update(std::as_bytes(std::span(calibration.tokens)));
    return toHex(hash.digest());
  }

  Status resume() {
    std::error_code ignored;
    if (fs::exists(progressPath(), ignored)) {
      std::string text = YOKE_TRY(readFile(progressPath(), size_t(1) << 16));
      Json document = YOKE_TRY(parseJson(text, progressPath()));
      JsonObject fields = YOKE_TRY(JsonObject::from(document, progressPath()));
      if (YOKE_TRY(fields.string("key")) != key())
        return failed("{}: holds another conversion; remove it, or give the options it was started with",
                      printable(folder, 4096));
      done = YOKE_TRY(fields.integer("layers", 0, plan.layers));
      job.note(fmt::format("{}: going on after layer {} of {}", folder, done, plan.layers));
      return {};
    }
    return writeFactored(source, plan, {}, folder);
  }

  Status saveProgress() {
    AtomicFile file = YOKE_TRY(AtomicFile::create(progressPath()));
    YOKE_TRY(file.append(dumpJson({{"key", key()}, {"layers", done}})));
    return file.commit();
  }

  Status convertLayer() {
    if (plan.isDense(done)) {
      job.note(fmt::format("layer {}: stays dense", done));
      ++done;
      return saveProgress();
    }
    auto start = std::chrono::steady_clock::now();
    GatedBlock block = YOKE_TRY(readBlock(source, plan, done));
    FloatMatrix x, target;
    if (calibration.count() > 0) {
      YOKE_TRY(collect(x, target));
    } else {
      x = FloatMatrix(plan.hidden, plan.hidden); // a row for each direction: enough to check the sum
      for (int64_t i = 0; i < plan.hidden; ++i)
        x.row(i)[i] = 1;
      target = x;
    }
    report("fit");
    FitOptions options = job.fit;
    options.experts = plan.experts;
    options.topK = plan.topK;
    options.shared = plan.shared;
    LayerReport result;
    LayerExperts experts = YOKE_TRY(fitLayer(block, x, target, options, result));
    {
      Checkpoint before = YOKE_TRY(Checkpoint::open(folder));
      YOKE_TRY(writeFactored(source, plan, {&before, done, &experts}, folder));
    }
    double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    std::string line = fmt::format("layer {}: sum of experts within {:.1e}", done, result.sumError);
    if (plan.topK < plan.experts)
      line += fmt::format(", router {:.1f} %, error {:.2f} % split, {:.2f} % fitted ({:.0f} s)",
                          100 * result.routerAccuracy, 100 * result.splitError, 100 * result.error, seconds);
    job.note(line);
    ++done;
    return saveProgress();
  }

  void report(const char *what) {
    job.progress(fmt::format("layer {} of {}: {}", done + 1, plan.layers, what), double(done) / double(plan.layers));
  }

  /// The inputs of the layer's block in the model as far as it is converted, and what the block should give.
  Status collect(FloatMatrix &x, FloatMatrix &target) {
    report("run");
    int64_t rows = calibration.count() * calibration.size, hidden = plan.hidden;
    x = FloatMatrix(rows, hidden);
    target = FloatMatrix(rows, hidden);
    std::string next =
        done + 1 == plan.layers ? "model.norm.weight" : fmt::format("model.layers.{}.input_layernorm.weight", done + 1);
    YOKE_TRY(probe(job.model, next, [&](int64_t row, std::span<const float> values) {
      std::copy_n(values.begin(), hidden, target.row(row));
    }));
    return probe(folder, fmt::format("model.layers.{}.post_attention_layernorm.weight", done),
                 [&](int64_t row, std::span<const float> values) {
                   for (int64_t c = 0; c < hidden; ++c) {
                     target.row(row)[c] -= values[c];
                     x.row(row)[c] = values[hidden + c];
                   }
                 });
  }

  Status probe(const std::string &model, const std::string &norm, const RowFunction &take) {
    auto run = YOKE_TRY(ProbeRun::open(model, norm, job.threads));
    return run.forRows(calibration, take, job.cancelled);
  }

  Status evaluate() {
    job.progress("evaluate", 1);
    TokenWindows text = YOKE_TRY(tokensOf(job.evaluate, INT64_MAX));
    auto dense = YOKE_TRY(ProbeRun::open(job.model, "", job.threads));
    auto experts = YOKE_TRY(ProbeRun::open(folder, "", job.threads));
    Agreement result = YOKE_TRY(compareModels(dense, experts, text, job.cancelled));
    job.note(
        fmt::format("{}: most likely token as the dense model's {:.2f} %, perplexity {:.2f} (dense {:.2f}), {} tokens "
                    "in windows of {}",
                    job.evaluate, 100 * result.sameToken, result.perplexity, result.referencePerplexity,
                    text.count() * text.size, text.size));
    return {};
  }

  const FactorJob &job;
  Checkpoint source;
  FactorPlan plan;
  std::string folder;
  TokenWindows calibration;
  int64_t done = 0;
};

} // namespace

Status runFactor(const FactorJob &job) {
  Checkpoint source = YOKE_TRY(Checkpoint::open(job.model));
  FactorPlan plan = YOKE_TRY(planFactoring(source, job.request));
  YOKE_TRY(readBlock(source, plan, 0).map([](const GatedBlock &) {}));
  FactorRun run(job, std::move(source), std::move(plan));
  YOKE_TRY(run.readTokens());
  return run.run();
}

} // namespace yoke::cli
