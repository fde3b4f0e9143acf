#include "Commands.h"
#include "Console.h"
#include "FactorRun.h"
#include "Input.h"

#include <memory>

namespace yoke::cli {
namespace {

struct FactorFlags {
  FactorJob job;
  std::string split = "coactivation", denseLayers;
  bool quiet = false;
};

Result<int> factor(FactorFlags flags) {
  FactorJob &job = flags.job;
  while (job.output.size() > 1 && job.output.back() == '/')
    job.output.pop_back();
  if (flags.split != "coactivation" && flags.split != "contiguous")
    return usageError("--split {}: expected coactivation or contiguous", flags.split);
  job.fit.split = flags.split == "contiguous" ? SplitKind::Contiguous : SplitKind::Coactivation;
  if (!flags.denseLayers.empty())
    for (int64_t layer : YOKE_TRY(parseIntegers(flags.denseLayers, "--dense-layers")))
      job.request.denseLayers.insert(layer);
  if (job.request.topK < job.request.experts && job.text.empty())
    return usageError("--text is needed to fit routers; only --top-k {} of --experts {} needs none",
                      job.request.experts, job.request.experts);
  ProgressBar bar(!flags.quiet);
  const std::atomic<bool> &interrupted = catchInterrupts();
  job.cancelled = &interrupted;
  job.progress = [&](const std::string &phase, double fraction) { bar.update(phase, fraction); };
  job.note = [&](const std::string &line) {
    bar.clear();
    if (!flags.quiet)
      printNote(line);
  };
  Status status = runFactor(job);
  bar.clear();
  if (interrupted)
    return interruptedExitCode;
  YOKE_TRY(std::move(status));
  return 0;
}

void addFactor(CLI::App &convert, Action &action) {
  auto flags = std::make_shared<FactorFlags>();
  FactorJob &job = flags->job;
  CLI::App *command =
      convert.add_subcommand("factor", "Make each feed-forward block into experts and fit their routers");
  command->add_option("model", job.model, "Checkpoint folder of a Llama, Mistral, Qwen2 or Qwen3")
      ->required()
      ->option_text("MODEL");
  command->add_option("-o,--output", job.output, "Folder to write; FOLDER.partial holds what is done so far")
      ->required()
      ->option_text("FOLDER");
  command->add_option("--text", job.text, "File (- is stdin) of the kind of text that the model will see");
  command->add_option("--experts", job.request.experts, "Experts of each block [4]")->check(atLeastOne());
  command->add_option("--top-k", job.request.topK, "Experts of each token [2]")->check(atLeastOne());
  command->add_option("--shared", job.request.shared, "Neurons of each block that all tokens use [0]")
      ->check(CLI::NonNegativeNumber);
  command->add_option("--dense-layers", flags->denseLayers, "Layers that stay as they are: 0,1 [none]");
  command->add_option("--split", flags->split, "Which neurons lie together: coactivation or contiguous [coactivation]");
  command->add_option("--tokens", job.tokens, "Tokens of the text to fit to [65536]")->check(atLeastOne());
  command->add_option("--context", job.context, "Tokens of a window of the text [256]")->check(atLeastOne());
  command->add_option("--epochs", job.fit.epochs, "Passes of gradient steps over a layer's experts, each round [4]")
      ->check(CLI::NonNegativeNumber);
  command->add_option("--rounds", job.fit.rounds, "Times that router and experts are fitted in turn [2]")
      ->check(atLeastOne());
  command->add_flag("!--keep-weights", job.fit.refitsDown, "Fit routers only: experts keep the weights of the block");
  command->add_option("--evaluate", job.evaluate,
                      "File: compare perplexity and most likely tokens with the dense model");
  command->add_option("-t,--threads", job.threads, "Threads that run the model [one per core]")->check(atLeastOne());
  command->add_flag("-q,--quiet", flags->quiet, "No report and no progress");
  command->footer("Example:\n  yoke convert factor ./checkpoint --experts 4 --top-k 2 --shared 96 --text mine.txt "
                  "-o ./experts");
  command->callback([flags, &action] { action = [flags] { return factor(*flags); }; });
}

} // namespace

void addConvertCommand(CLI::App &app, Action &action) {
  CLI::App *command = app.add_subcommand("convert", "Make a checkpoint into another kind of model");
  command->require_subcommand(1);
  addFactor(*command, action);
}

} // namespace yoke::cli
