#include "Commands.h"
#include "CompilerLibrary.h"
#include "Console.h"
#include "ModelSource.h"
#include "Support/Json.h"
#include "Support/TemporaryFolder.h"
#include "TuneSearch.h"
#include "TuningCache.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>

namespace yoke::cli {
namespace {

struct TuneFlags {
  ModelFlags model;
  std::string output;
  double budget = 120;
  bool again = false;
  bool json = false;
};

/// "x86-64-v4+avx512vnni", as the compiler's targets have it.
std::string levelOf(const TargetDescription &target) {
  std::string level = target.level;
  for (const char *extension : {"avx512vnni", "avx512bf16"})
    if (std::ranges::find(target.features, extension) != target.features.end())
      level += std::string("+") + extension;
  return level;
}

/// The release of the compiler and of LLVM, without the hash of the library.
std::string releaseOf(const std::string &compilerVersion) {
  return compilerVersion.substr(0, compilerVersion.find('+', compilerVersion.find('+') + 1));
}

Json asJson(const TuningFile &file, const TuneOptions &options, const TuneResult &result, double seconds) {
  Json kernels = Json::array();
  for (const std::string &name : result.kernels)
    for (const TunedKernel &kernel : file.kernels)
      if (kernel.kernel == name && kernel.target == options.targetName && kernel.version == options.version)
        kernels.push_back({{"kernel", name},
                           {"choice", kernel.choice.text()},
                           {"token", kernel.times.token},
                           {"prompt", kernel.times.prompt}});
  return {{"target", options.targetName},
          {"version", options.version},
          {"file", options.output},
          {"measured", result.measured},
          {"remaining", result.remaining},
          {"seconds", seconds},
          {"kernels", kernels}};
}

std::string asText(const Json &report) {
  std::string text;
  for (const Json &kernel : report["kernels"]) {
    const std::string choice = kernel["choice"];
    text += fmt::format("{}\n  {}\n", kernel["kernel"].get<std::string>(),
                        choice.empty()
                            ? "the default"
                            : fmt::format("{}: {:.1f} % of the time for a token, {:.1f} % for a prompt", choice,
                                          100 * kernel["token"].get<double>(), 100 * kernel["prompt"].get<double>()));
  }
  return text + fmt::format("{} choices measured, {} left for want of time; kept in {}\n",
                            report["measured"].get<size_t>(), report["remaining"].get<size_t>(),
                            report["file"].get<std::string>());
}

Result<int> tuneModel(TuneFlags flags) {
  const auto start = std::chrono::steady_clock::now();
  TuneOptions options;
  options.output = flags.output.empty() ? YOKE_TRY(tuningCacheFile()) : flags.output;
  TuningFile file;
  std::error_code ignored;
  if (std::filesystem::exists(options.output, ignored))
    file = YOKE_TRY(TuningFile::read(options.output));

  const CompilerLibrary *compiler = YOKE_TRY(CompilerLibrary::load());
  std::shared_ptr<const Model> model = YOKE_TRY(openModel(flags.model));
  if (!model->generates())
    return malformed("{}: the package's task is not generation, which is what is measured", model->path);
  const std::string_view program = model->sectionText(section_names::ir);
  if (program.empty())
    return malformed("{}: the package does not hold its program; compile it anew", model->path);
  constexpr int64_t kvTokens = 1024;
  auto session = YOKE_TRY(Session::create(model, {flags.model.threads, flags.model.pinThreads, kvTokens}));
  const TemporaryFolder folder = YOKE_TRY(TemporaryFolder::create());

  const TargetDescription &target = model->manifest.target;
  options.level = levelOf(target);
  options.target = target.cpu == target.level ? "cpu:" + options.level : "cpu:native";
  options.targetName = TuningFile::targetName(target.cpu, options.level);
  options.version = releaseOf(compiler->version());
  options.program = folder.path() + "/program.mlir";
  options.folder = folder.path();
  options.seconds = flags.budget;
  options.again = flags.again;
  ProgressBar bar(!flags.model.quiet);
  options.progress = [&](std::string_view what, double fraction) { bar.update(what, fraction); };
  options.interrupted = &catchInterrupts();
  AtomicFile text = YOKE_TRY(AtomicFile::create(options.program));
  YOKE_TRY(text.append(program));
  YOKE_TRY(text.commit());
  const TuneResult result = YOKE_TRY(tune(*compiler, *session, file, options));
  bar.clear();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const Json report = asJson(file, options, result, seconds);
  YOKE_TRY(writeOutput(flags.json ? dumpJson(report, 2) + "\n" : asText(report)));
  return 0;
}

} // namespace

void addTuneCommand(CLI::App &app, Action &action) {
  auto flags = std::make_shared<TuneFlags>();
  CLI::App *command = app.add_subcommand("tune", "Find out how a model's kernels run best on this machine");
  command->add_option("-m,--model,model", flags->model.model, "Package, checkpoint folder or .mlir file")
      ->required()
      ->option_text("MODEL");
  command->add_option("--output", flags->output,
                      "File of choices to read and write [tuning.json in the cache folder, which yoke compile uses]");
  command->add_option("--budget", flags->budget, "Seconds to spend; what is left is measured by the next run")
      ->check(CLI::Range(1.0, 1e6))
      ->capture_default_str();
  command->add_flag("--again", flags->again, "Measure anew what has been measured");
  command->add_option("-t,--threads", flags->model.threads, "Compute threads [one per core, fewer for small models]")
      ->check(atLeastOne());
  command->add_flag("--pin-threads", flags->model.pinThreads, "Bind each thread to a CPU");
  command->add_option("--target", flags->model.target, "Compile a checkpoint for this target [cpu:native]");
  command->add_option("--weights", flags->model.weights, weightsHelp);
  command->add_option("--activations", flags->model.activations, activationsHelp);
  command->add_option("--kv-cache", flags->model.kvCache, kvCacheHelp);
  command->add_flag("--json", flags->json, "One JSON object");
  command->add_flag("-q,--quiet", flags->model.quiet, "No progress");
  command->footer("A choice is kept only when it is measurably faster, and never when it changes a bit of a result.\n"
                  "Example:\n  yoke tune model.yoke && yoke compile ./checkpoint -o model.yoke");
  command->callback([flags, &action] { action = [flags] { return tuneModel(*flags); }; });
}

} // namespace yoke::cli
