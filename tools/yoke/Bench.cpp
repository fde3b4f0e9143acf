#include "BenchDecode.h"
#include "BenchReport.h"
#include "Commands.h"
#include "Console.h"
#include "Input.h"
#include "ModelSource.h"
#include "runtime/Philox.h"

#include <chrono>
#include <memory>

namespace yoke::cli {
namespace {

using Clock = std::chrono::steady_clock;

struct BenchFlags {
  ModelFlags model;
  std::string prompts = "512", generations = "128", batches = "1", depths = "0", threads;
  int repetitions = 5;
  std::string format = "md";
  std::vector<std::string> decode;
  std::string promptFile;
  bool noWarmup = false;
  bool noRoof = false;
};

/// A batch of causal sequences that all have the same length and are fed arbitrary tokens.
class BenchSequences {
public:
  BenchSequences(Session &session, int64_t count) : session(session), row(count * session.outputColumns()) {
    for (int64_t i = 0; i < count; ++i)
      ids.push_back(session.kvCache().addSequence());
  }
  ~BenchSequences() {
    for (KvCache::SequenceId id : ids)
      session.kvCache().removeSequence(id);
  }

  /// Feeds `count` tokens to every sequence in steps of as many tokens as the model takes; the last step yields logits.
  Status prefill(int64_t count) {
    const int64_t chunk = std::max<int64_t>(session.maxStepTokens() / static_cast<int64_t>(ids.size()), 1);
    for (int64_t done = 0; done < count; done += chunk)
      YOKE_TRY(step(std::min(chunk, count - done), done + chunk >= count));
    return {};
  }

  Status decode(int64_t count) {
    for (int64_t i = 0; i < count; ++i)
      YOKE_TRY(step(1, true));
    return {};
  }

private:
  Status step(int64_t count, bool wantLogits) {
    batch.clear();
    for (KvCache::SequenceId id : ids) {
      YOKE_TRY(session.kvCache().prepareWrite(id, length, length + count));
      tokens.clear();
      for (int64_t i = 0; i < count; ++i)
        tokens.push_back(static_cast<int32_t>(philoxUniform(1, id, length + i) * session.model().manifest.vocabSize));
      int32_t first = batch.addCausal(batch.addSequence(session.kvCache().blockTable(id)), tokens, length);
      if (wantLogits)
        batch.wantOutput(first + static_cast<int32_t>(count) - 1);
    }
    length += count;
    session.run(batch, row);
    return {};
  }

  Session &session;
  std::vector<KvCache::SequenceId> ids;
  std::vector<float> row;
  std::vector<int32_t> tokens;
  StepBatch batch;
  int64_t length = 0;
};

struct Case {
  int64_t prompt, generation, batch, depth;
};

Result<std::vector<Case>> makeCases(const BenchFlags &flags) {
  std::vector<Case> cases;
  for (int64_t batch : YOKE_TRY(parseIntegers(flags.batches, "--batch")))
    for (int64_t depth : YOKE_TRY(parseIntegers(flags.depths, "--depth"))) {
      for (int64_t prompt : YOKE_TRY(parseIntegers(flags.prompts, "--n-prompt")))
        if (prompt != 0)
          cases.push_back({prompt, 0, batch, depth});
      for (int64_t generation : YOKE_TRY(parseIntegers(flags.generations, "--n-gen")))
        if (generation != 0)
          cases.push_back({0, generation, batch, depth});
    }
  if (cases.empty())
    return usageError("nothing to measure: --n-prompt and --n-gen are both 0");
  return cases;
}

Status checkCase(const Case &c, const Model &model) {
  if (c.prompt < 0 || c.generation < 0 || c.depth < 0 || c.batch < 1)
    return usageError("--n-prompt, --n-gen and --depth must be at least 0, --batch at least 1");
  const int64_t positions = model.manifest.maxPositions;
  if (std::max({c.prompt, c.generation, c.depth}) > positions || c.depth + c.prompt + c.generation > positions)
    return malformed("{} tokens are more than the model's {} positions", c.depth + c.prompt + c.generation, positions);
  if (c.batch > model.manifest.step.maxTokens)
    return malformed("a batch of {} sequences is more than the package's {} tokens a step", c.batch,
                     model.manifest.step.maxTokens);
  return {};
}

Result<BenchRow> measure(Session &session, const Case &c, const BenchFlags &flags,
                         const std::atomic<bool> &interrupted) {
  BenchRow row{c.prompt, c.generation, c.batch, c.depth, session.team().size(), {}};
  const int warmups = flags.noWarmup ? 0 : 1;
  for (int i = -warmups; i < flags.repetitions; ++i) {
    if (interrupted)
      return failed("interrupted");
    BenchSequences sequences(session, c.batch);
    YOKE_TRY(sequences.prefill(c.depth));
    auto start = Clock::now();
    YOKE_TRY(sequences.prefill(c.prompt));
    YOKE_TRY(sequences.decode(c.generation));
    if (i >= 0)
      row.nanoseconds.push_back(std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start).count());
  }
  return row;
}

Result<std::vector<BenchRow>> measureAll(const std::shared_ptr<const Model> &model, const std::vector<Case> &cases,
                                         const BenchFlags &flags, BenchContext &context) {
  std::vector<int64_t> threadCounts = {flags.model.threads};
  if (!flags.threads.empty())
    threadCounts = YOKE_TRY(parseIntegers(flags.threads, "--threads"));
  const std::atomic<bool> &interrupted = catchInterrupts();
  ProgressBar bar(!flags.model.quiet);
  std::vector<BenchRow> rows;
  for (int64_t threads : threadCounts) {
    if (threads < 0 || threads > model->manifest.step.maxThreads)
      return usageError("--threads must be between 1 and {}, found {}", model->manifest.step.maxThreads, threads);
    for (const Case &c : cases) {
      bar.update("measuring", double(rows.size()) / double(cases.size() * threadCounts.size()));
      // Pages are not shared between sequences, so each may waste part of one.
      const int64_t tokens = c.depth + c.prompt + c.generation + model->manifest.step.pageTokens;
      auto session =
          YOKE_TRY(Session::create(model, {static_cast<int>(threads), flags.model.pinThreads, c.batch * tokens}));
      if (!flags.noRoof && !context.roofs.contains(session->team().size()))
        context.roofs[session->team().size()] = YOKE_TRY(measureRoof(session->team()));
      rows.push_back(YOKE_TRY(measure(*session, c, flags, interrupted)));
    }
  }
  return rows;
}

Result<int> compareDecoding(const BenchFlags &flags) {
  if (flags.promptFile.empty() || flags.decode.empty())
    return usageError("--decode and --prompts go together");
  if (flags.format == "csv")
    return usageError("--decode reports as md or json, not csv");
  DecodeBenchFlags decode = {flags.decode, flags.promptFile, 0, flags.repetitions, flags.format};
  const auto lengths = YOKE_TRY(parseIntegers(flags.generations, "--n-gen"));
  if (lengths.size() != 1 || lengths[0] < 2)
    return usageError("--decode needs one --n-gen of at least 2");
  decode.tokens = lengths[0];
  const auto threads =
      flags.threads.empty() ? std::vector<int64_t>{0} : YOKE_TRY(parseIntegers(flags.threads, "--threads"));
  std::shared_ptr<const Model> model = YOKE_TRY(openModel(flags.model));
  constexpr int64_t treeSlots = 256;
  auto session = YOKE_TRY(Session::create(
      model, {static_cast<int>(threads[0]), flags.model.pinThreads, model->manifest.maxPositions + treeSlots}));
  YOKE_TRY(writeOutput(YOKE_TRY(benchDecode(*session, decode, catchInterrupts()))));
  return 0;
}

Result<int> bench(const BenchFlags &flags) {
  if (!flags.decode.empty() || !flags.promptFile.empty())
    return compareDecoding(flags);
  auto cases = YOKE_TRY(makeCases(flags));
  std::shared_ptr<const Model> model = YOKE_TRY(openModel(flags.model));
  if (!model->generates())
    return malformed("{}: the package's task is not generation: it cannot be measured by tokens generated",
                     model->path);
  for (const Case &c : cases)
    YOKE_TRY(checkCase(c, *model));
  BenchContext context{*model, {}};
  auto rows = YOKE_TRY(measureAll(model, cases, flags, context));
  YOKE_TRY(writeOutput(formatBench(context, rows, flags.format)));
  return 0;
}

} // namespace

void addBenchCommand(CLI::App &app, Action &action) {
  auto flags = std::make_shared<BenchFlags>();
  CLI::App *command = app.add_subcommand("bench", "Measure speed: prompts (pp), generation (tg), share of the roof");
  command->add_option("-m,--model,model", flags->model.model, "Package, checkpoint folder or .mlir file")
      ->required()
      ->option_text("MODEL");
  command->add_option("-p,--n-prompt", flags->prompts, "Prompt lengths, a list; 0: none")->capture_default_str();
  command->add_option("-n,--n-gen", flags->generations, "Generation lengths, a list; 0: none")->capture_default_str();
  command->add_option("-b,--batch", flags->batches, "Sequences at once, a list")->capture_default_str();
  command->add_option("-d,--depth", flags->depths, "Tokens already in the cache, a list")->capture_default_str();
  command->add_option("-t,--threads", flags->threads, "Threads, a list [one per core, fewer for small models]");
  command->add_option("-r,--repetitions", flags->repetitions, "Repetitions of each test")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->add_option("-o,--output", flags->format, "md, json or csv")
      ->check(CLI::IsMember({"md", "json", "csv"}))
      ->capture_default_str();
  command
      ->add_option("--decode", flags->decode,
                   "Compare ways of decoding with greedy decoding, on --prompts; compiled: the package's own loop; may "
                   "be repeated")
      ->option_text("SPEC")
      ->expected(1)
      ->take_all();
  command->add_option("--prompts", flags->promptFile, "With --decode: lines of {\"prompt\": TEXT, \"class\": NAME}");
  command->add_flag("--no-warmup", flags->noWarmup, "Measure the first run as well");
  command->add_flag("--no-roof", flags->noRoof, "Do not measure the machine");
  command->add_flag("--pin-threads", flags->model.pinThreads, "Bind each thread to a CPU");
  command->add_flag("--no-mmap", flags->model.noMap, "Read the weights into memory instead of mapping the file");
  command->add_flag("--no-cache", flags->model.noCache, "Compile a checkpoint anew and keep nothing");
  command->add_option("--target", flags->model.target, "Compile a checkpoint for this target [cpu:native]");
  command->add_option("--weights", flags->model.weights, weightsHelp);
  command->add_option("--activations", flags->model.activations, activationsHelp);
  command->add_option("--kv-cache", flags->model.kvCache, kvCacheHelp);
  command->add_flag("-q,--quiet", flags->model.quiet, "No progress");
  command->footer(
      "Timings exclude tokenization and sampling. Lists are 1,2,3: every combination is a row.\n"
      "Share of the roof: generation by bytes of weights read against streaming reads, prompts by two\n"
      "operations per weight that a token is multiplied with against f32 multiply-adds, both measured here.\n"
      "Examples:\n  yoke bench model.yoke -p 128,512 -n 128 -t 1,2 -o json\n"
      "  yoke bench model.yoke --decode auto --decode ngram --prompts prompts.jsonl -n 128");
  command->callback([flags, &action] { action = [flags] { return bench(*flags); }; });
}

} // namespace yoke::cli
