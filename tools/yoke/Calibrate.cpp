#include "Commands.h"
#include "CompileCache.h"
#include "CompilerLibrary.h"
#include "Console.h"
#include "Input.h"
#include "ModelSource.h"
#include "Support/File.h"
#include "TuningCache.h"
#include "runtime/ConditionalStats.h"
#include "runtime/Evaluator.h"
#include "runtime/SkipCalibration.h"

#include <chrono>
#include <cmath>
#include <memory>

namespace yoke::cli {
namespace {

struct CalibrateFlags {
  ModelFlags model;
  std::string text, output;
  std::vector<double> fractions = {0.1, 0.2, 0.3};
  std::optional<double> fraction;
  double maxLoss = 0.01;
  int64_t warmUp = 16, context = 0, maxTokens = 8192;
  bool json = false;
};

/// A model on the calibration text.
struct Measurement {
  double perplexity = 0;
  double skipped = 0; ///< of the feed-forward blocks of all layers
  double seconds = 0;
};

struct Candidate {
  SkipPolicy policy;
  Measurement measured;
};

class Calibration {
public:
  explicit Calibration(const CalibrateFlags &flags) : flags(flags), interrupted(catchInterrupts()) {}

  Result<int> run() {
    YOKE_TRY(measureDense());
    std::vector<double> targets = flags.fractions;
    if (flags.fraction)
      targets = {*flags.fraction};
    for (double target : targets)
      if (auto policy = chooseSkipPolicy(table, target, flags.warmUp)) {
        policy->modelSha256 = sourceSha256;
        policy->hiddenSize = hiddenSize;
        candidates.push_back({*policy, YOKE_TRY(measureSkipping(*policy))});
      }
    const Candidate *best = choose();
    YOKE_TRY(writeOutput(flags.json ? json(best) : report(best)));
    if (interrupted)
      return interruptedExitCode;
    if (best && !flags.output.empty())
      YOKE_TRY(writePolicy(*best));
    return 0;
  }

private:
  /// The model as it is, and how much its feed-forward blocks change rows.
  Status measureDense() {
    ModelFlags recording = flags.model;
    recording.ffnSkip = "record";
    auto model = YOKE_TRY(openCompiledOnce(requestOf(recording), {}));
    tokens = YOKE_TRY(model->tokenize(YOKE_TRY(readText(flags.text))));
    if (static_cast<int64_t>(tokens.size()) > flags.maxTokens)
      tokens.resize(static_cast<size_t>(flags.maxTokens));
    window = flags.context ? flags.context : std::min<int64_t>(model->manifest.maxPositions, 2048);
    sourceSha256 = model->manifest.sourceSha256;
    hiddenSize = model->manifest.hiddenSize;
    dense = YOKE_TRY(measure(model));
    auto session = YOKE_TRY(openSession(model, flags.model));
    table = YOKE_TRY(recordCosines(*session, tokens, window, &interrupted));
    return {};
  }

  Result<Measurement> measureSkipping(const SkipPolicy &policy) {
    ModelFlags skipping = flags.model;
    skipping.ffnSkip = dumpJson(policy.toJson());
    return measure(YOKE_TRY(openCompiledOnce(requestOf(skipping), {})));
  }

  Result<Measurement> measure(const std::shared_ptr<const Model> &model) {
    auto session = YOKE_TRY(openSession(model, flags.model));
    PerplexityOptions options{window, 0, &interrupted, {}};
    auto start = std::chrono::steady_clock::now();
    PerplexityResult result = YOKE_TRY(evaluatePerplexity(*session, tokens, options));
    double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return Measurement{std::exp(result.natsPerToken()),
                       ConditionalStats::of(*session).skippedFfnFraction(model->manifest.layers), seconds};
  }

  CompileRequest requestOf(const ModelFlags &model) const {
    return {model.model,
            model.target,
            model.weights,
            model.activations,
            model.kvCache,
            model.ffnSkip,
            tuningFileFor(model.tuning),
            !model.quiet};
  }

  double loss(const Candidate &candidate) const { return candidate.measured.perplexity / dense.perplexity - 1; }

  /// The one that skips most within the allowed loss; with --fraction the one, whatever it loses.
  const Candidate *choose() const {
    const Candidate *best = nullptr;
    for (const Candidate &candidate : candidates)
      if ((flags.fraction || loss(candidate) <= flags.maxLoss) &&
          (!best || candidate.measured.skipped > best->measured.skipped))
        best = &candidate;
    return best;
  }

  std::string report(const Candidate *best) const {
    std::string text = "layer  cosine before and after its feed-forward block, mean\n";
    std::vector<double> means = table.layerMeans(flags.warmUp);
    for (size_t layer = 0; layer < means.size(); ++layer)
      text += fmt::format("{:5}  {:.4f}\n", layer, means[layer]);
    text += fmt::format("\nskipped  perplexity  loss      seconds  policy\n{:6.1f} %  {:10.4f}  {:7.2f} %  {:7.2f}  "
                        "none\n",
                        0.0, dense.perplexity, 0.0, dense.seconds);
    for (const Candidate &each : candidates)
      text +=
          fmt::format("{:6.1f} %  {:10.4f}  {:7.2f} %  {:7.2f}  layers {}-{}, warm-up {}, tau {:.4f}, k {}\n",
                      100 * each.measured.skipped, each.measured.perplexity, 100 * loss(each), each.measured.seconds,
                      each.policy.first, each.policy.last - 1, each.policy.warmUp, each.policy.tau, each.policy.k);
    return text +
           (best ? fmt::format("\nchosen: {:.1f} %\n", 100 * best->measured.skipped)
                 : fmt::format("\ndo not skip: every policy loses more than {} % perplexity\n", 100 * flags.maxLoss));
  }

  Json measuredJson(const Candidate &candidate) const {
    return {{"skipped_ffn_fraction", candidate.measured.skipped},
            {"perplexity", candidate.measured.perplexity},
            {"dense_perplexity", dense.perplexity},
            {"seconds", candidate.measured.seconds},
            {"dense_seconds", dense.seconds}};
  }

  Json policyJson(const Candidate &candidate) const {
    Json policy = candidate.policy.toJson();
    policy["measured"] = measuredJson(candidate);
    return policy;
  }

  std::string json(const Candidate *best) const {
    Json all = Json::array();
    for (const Candidate &candidate : candidates)
      all.push_back(policyJson(candidate));
    return dumpJson({{"layer_cosines", table.layerMeans(flags.warmUp)},
                     {"dense_perplexity", dense.perplexity},
                     {"policies", all},
                     {"chosen", best ? policyJson(*best) : Json(nullptr)}}) +
           "\n";
  }

  /// A package with the policy, or the policy alone.
  Status writePolicy(const Candidate &best) {
    std::string text = dumpJson(policyJson(best), 2) + "\n";
    if (!flags.output.ends_with(".yoke")) {
      AtomicFile file = YOKE_TRY(AtomicFile::create(flags.output));
      YOKE_TRY(file.append(text));
      return file.commit();
    }
    ModelFlags skipping = flags.model;
    skipping.ffnSkip = text;
    return compileTo(requestOf(skipping), flags.output);
  }

  const CalibrateFlags &flags;
  const std::atomic<bool> &interrupted;
  std::vector<int32_t> tokens;
  int64_t window = 0;
  std::string sourceSha256;
  int64_t hiddenSize = 0;
  Measurement dense;
  CosineTable table;
  std::vector<Candidate> candidates;
};

CLI::Validator fraction() {
  return CLI::Validator(
      [](std::string &text) {
        double value = 0;
        return CLI::detail::lexical_cast(text, value) && value > 0 && value < 1
                   ? std::string()
                   : "must be between 0 and 1, found " + text;
      },
      "");
}

} // namespace

void addCalibrateCommand(CLI::App &app, Action &action) {
  CLI::App *calibrate = app.add_subcommand("calibrate", "Measure a model on your text and choose how it computes");
  calibrate->require_subcommand(1);
  auto flags = std::make_shared<CalibrateFlags>();
  CLI::App *command =
      calibrate->add_subcommand("ffn-skip", "Find when tokens may skip feed-forward blocks (FFN-SkipLLM)");
  flags->model.declare(*command);
  command->add_option("--text", flags->text, "File (- is stdin) that is like what the model will see")->required();
  command->add_option("-o,--output", flags->output, "Policy to write; a package with it when the name ends in .yoke");
  command->add_option("--fractions", flags->fractions, "Parts of all blocks to try to skip [0.1,0.2,0.3]")
      ->delimiter(',')
      ->check(fraction());
  command->add_option("--fraction", flags->fraction, "Take this part, whatever it loses")->check(fraction());
  command->add_option("--max-loss", flags->maxLoss, "Perplexity that may be lost, as a part of the dense one's [0.01]")
      ->check(CLI::NonNegativeNumber);
  command->add_option("--warm-up", flags->warmUp, "Position from which on tokens may skip [16]")
      ->check(CLI::NonNegativeNumber);
  command
      ->add_option("-c,--context", flags->context, "Window of the text in tokens [the model's positions, at most 2048]")
      ->check(atLeastOne());
  command->add_option("--tokens", flags->maxTokens, "Use so many tokens of the text at most [8192]")
      ->check(atLeastOne());
  command->add_flag("--json", flags->json, "One JSON object");
  command->footer(
      "MODEL is a checkpoint folder. Skipping is lossy; when every policy loses more than --max-loss, the answer "
      "is not to skip, and nothing is written.\n"
      "Example:\n  yoke calibrate ffn-skip ./checkpoint --text mine.txt -o skips.json\n"
      "  yoke compile ./checkpoint --ffn-skip skips.json -o model.yoke");
  command->callback([flags, &action] { action = [flags] { return Calibration(*flags).run(); }; });
}

} // namespace yoke::cli
