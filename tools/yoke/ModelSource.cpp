#include "ModelSource.h"

#include "Commands.h"
#include "CompileCache.h"
#include "Console.h"
#include "SimulatedSteps.h"
#include "TuningCache.h"

#include <filesystem>

namespace yoke::cli {

void ModelFlags::declare(CLI::App &command) {
  command.add_option("-m,--model,model", model, "Package (.yoke), checkpoint folder or .mlir file")
      ->required()
      ->option_text("MODEL");
  command.add_option("-t,--threads", threads, "Compute threads [one per core, fewer for small models]")
      ->check(atLeastOne());
  command.add_flag("--pin-threads", pinThreads, "Bind each thread to a CPU");
  command.add_option("--device", device,
                     "Where to run: cpu, sim (the NPU and PIM of the neupims target) or sim:TARGET [cpu]");
  command.add_flag("--no-mmap", noMap, "Read the weights into memory instead of mapping the file");
  command.add_flag("--no-cache", noCache, "Compile a checkpoint anew and keep nothing");
  command.add_option("--target", target, "Compile a checkpoint for this target [cpu:native]");
  command.add_option("--weights", weights, weightsHelp);
  command.add_option("--activations", activations, activationsHelp);
  command.add_option("--kv-cache", kvCache, kvCacheHelp);
  command.add_option("--ffn-skip", ffnSkip, ffnSkipHelp);
  command.add_flag("-q,--quiet", quiet, "No statistics and no progress");
}

std::optional<std::string> ModelFlags::simulatedSystem() const {
  constexpr std::string_view prefix = "sim:";
  if (device == "sim")
    return "neupims";
  return device.starts_with(prefix) ? std::optional(device.substr(prefix.size())) : std::nullopt;
}

Result<std::shared_ptr<const Model>> openModel(const ModelFlags &flags) {
  if (flags.device != "cpu" && !flags.simulatedSystem())
    return failed("device '{}' is not available in this build; available: cpu, sim, sim:TARGET", flags.device);
  if (flags.simulatedSystem() && !flags.ffnSkip.empty() && flags.ffnSkip != "off")
    return usageError("--ffn-skip: the simulated device skips no feed-forward blocks");
  std::error_code ignored;
  std::filesystem::path path = flags.model;
  ModelOptions options;
  options.mapWeights = !flags.noMap;
  if (!std::filesystem::is_directory(path, ignored) && path.extension() != ".mlir")
    return Model::open(flags.model, options);
  CompileRequest request{flags.model,
                         flags.target,
                         flags.weights,
                         flags.activations,
                         flags.kvCache,
                         flags.ffnSkip,
                         tuningFileFor(flags.tuning),
                         !flags.quiet};
  if (flags.noCache)
    return openCompiledOnce(request, options);
  return openCached(request, options);
}

Result<std::unique_ptr<Session>> openSession(std::shared_ptr<const Model> model, const ModelFlags &flags,
                                             int64_t kvTokens) {
  SessionOptions options{flags.threads, flags.pinThreads, kvTokens};
  if (auto system = flags.simulatedSystem())
    options.device = YOKE_TRY(SimulatedSteps::create({flags.model, *system, flags.weights, ""}));
  return Session::create(std::move(model), options);
}

} // namespace yoke::cli
