#include "Commands.h"
#include "CompileCache.h"
#include "CompilerLibrary.h"
#include "Console.h"
#include "ModelSource.h"
#include "TuningCache.h"
#include "runtime/Session.h"
#include "runtime/Speculation/CostModel.h"
#include "runtime/Speculation/DecodeSpec.h"

#include <memory>

namespace yoke::cli {
namespace {

struct CompileFlags {
  std::string model, output, target, weights, activations, kvCache, ffnSkip, emit, remarks, saveTemps, draft, step,
      tuning;
  bool printIr = false;
  bool calibrate = false;
  bool quiet = false;
  int64_t maxStepTokens = 0, context = 0;
};

const char *orNull(const std::string &text) { return text.empty() ? nullptr : text.c_str(); }

/// Compiles without a loop, measures, and adds what steps cost on this machine to the specification: "1x1+2x1.04+...",
/// in units of a step of one row.
Status calibrate(CompileFlags &flags) {
  constexpr int64_t maxRows = 64, context = 64;
  constexpr double seconds = 1;
  const DecodeSpec spec = YOKE_TRY(DecodeSpec::parse(flags.draft));
  if (!spec.fixedShape || !spec.costs.empty())
    return usageError("--calibrate is for --draft token-recycling:shape=fixed without costs; other trees are sized "
                      "while running");
  auto model = YOKE_TRY(openCompiledOnce({flags.model, flags.target, flags.weights, flags.activations, flags.kvCache,
                                          flags.ffnSkip, tuningFileFor(flags.tuning), !flags.quiet},
                                         {}));
  auto session = YOKE_TRY(Session::create(model, {}));
  const CostModel cost = YOKE_TRY(CostModel::measure(*session, maxRows, seconds, context));
  std::string text;
  for (const CostModel::Point &point : cost.points())
    text += fmt::format("{}{}x{:.3f}", text.empty() ? "" : "+", point.rows, cost.seconds(point.rows) / cost.seconds(1));
  flags.draft += ",costs=" + text;
  return {};
}

Result<int> compile(CompileFlags flags) {
  if (!flags.draft.empty() && !isDraftHeads(flags.draft))
    YOKE_TRY(DecodeSpec::parse(flags.draft));
  if (flags.calibrate)
    YOKE_TRY(calibrate(flags));
  if (flags.output.empty() && flags.emit.empty())
    return usageError("--output is required unless --emit asks for text");
  const CompilerLibrary *compiler = YOKE_TRY(CompilerLibrary::load());
  ProgressBar bar(!flags.quiet);
  yoke_compile_options options = {};
  options.size = sizeof options;
  options.model_path = flags.model.c_str();
  options.output_path = flags.output == "-" ? nullptr : orNull(flags.output);
  options.target = orNull(flags.target);
  options.weights = orNull(flags.weights);
  options.activations = orNull(flags.activations);
  options.kv_cache = orNull(flags.kvCache);
  options.ffn_skip = orNull(flags.ffnSkip);
  options.emit = orNull(flags.emit);
  options.draft = orNull(flags.draft);
  options.remarks_path = orNull(flags.remarks);
  options.save_temps = orNull(flags.saveTemps);
  options.print_ir_after_stage = flags.printIr;
  options.max_step_tokens = flags.maxStepTokens;
  const std::string tuning = tuningFileFor(flags.tuning);
  options.tuning = orNull(tuning);
  options.step = orNull(flags.step);
  options.context = flags.context;
  options.progress = [](void *context, const char *phase, double fraction) {
    static_cast<ProgressBar *>(context)->update(phase, fraction);
  };
  options.progress_context = &bar;
  YOKE_TRY(compiler->compile(options));
  return 0;
}

} // namespace

void addCompileCommand(CLI::App &app, Action &action) {
  auto flags = std::make_shared<CompileFlags>();
  CLI::App *command = app.add_subcommand("compile", "Compile a checkpoint into a package");
  command->add_option("model", flags->model, "Checkpoint folder or .mlir file")->required()->option_text("MODEL");
  command->add_option("-o,--output", flags->output, "Package to write (text with --emit; - is stdout)");
  command->add_option(
      "--target", flags->target,
      "cpu:native, cpu:x86-64-v3 or cpu:x86-64-v4 [cpu:native]; a target file with --emit placed or commands");
  command->add_option("--weights", flags->weights, weightsHelp);
  command->add_option("--activations", flags->activations, activationsHelp);
  command->add_option("--kv-cache", flags->kvCache, kvCacheHelp);
  command->add_option("--ffn-skip", flags->ffnSkip, ffnSkipHelp);
  command->add_option(
      "--emit", flags->emit,
      "Write the text of a stage instead of a package: llm, fused, linalg, kernels, llvm, placed, commands; "
      "commands-binary: the command program for yoke-sim");
  command->add_option("--step", flags->step, "With a target file: new tokens, as SEQUENCESxTOKENS [commands: 1x1]")
      ->option_text("SxT");
  command->add_option("--context", flags->context, "With a target file: tokens of a sequence in the KV cache [1024]")
      ->check(CLI::Range(int64_t(1), int64_t(1) << 20));
  command->add_option("--tuning", flags->tuning, tuningHelp)->option_text("FILE");
  command->add_option("--remarks", flags->remarks, "Write placement and fusion decisions to this YAML file");
  command->add_flag("--print-ir-after-stage", flags->printIr, "Print the IR after each stage to stderr");
  command->add_option("--save-temps", flags->saveTemps, "Keep intermediate files in this folder");
  command->add_flag("--calibrate", flags->calibrate,
                    "With --draft token-recycling:shape=fixed: measure what steps cost here, and cut the tree by that");
  command->add_option("--max-step-tokens", flags->maxStepTokens, "Tokens of the largest step [the compiler's choice]")
      ->check(atLeastOne());
  command
      ->add_option(
          "--draft", flags->draft,
          "Compile the generation loop with this way of guessing ahead, as --decode of yoke run; none: without "
          "guesses. "
          "Or draft heads beside the model: medusa:FOLDER, hydra:FOLDER or eagle:FOLDER (trained heads), or medusa for "
          "heads in the model's own checkpoint")
      ->option_text("SPEC");
  command->add_flag("-q,--quiet", flags->quiet, "No progress");
  command->footer("Example:\n  yoke compile ./checkpoint -o model.yoke --target cpu:x86-64-v3");
  command->callback([flags, &action] { action = [flags] { return compile(*flags); }; });
}

} // namespace yoke::cli
