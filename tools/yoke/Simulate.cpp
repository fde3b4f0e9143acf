#include "Commands.h"
#include "Console.h"
#include "Input.h"
#include "SimulateReport.h"
#include "SimulateValues.h"
#include "SimulatedModel.h"
#include "Simulator/SyntheticDecode.h"
#include "Support/File.h"
#include "Target/Builtin.h"

#include <chrono>
#include <map>
#include <memory>

namespace yoke::cli {
namespace {

using namespace sim;

struct SimulateFlags {
  std::string model;
  std::vector<std::string> systems = {"neupims"};
  std::string gpu = "a100";
  std::string modes = "yoke", interleave = "auto";
  std::string batchFile, dataset, trace, commands;
  std::string requests;
  int64_t batch = 64, context = 512, prompt = 0, generate = 0, count = 0, tensors = 0, stages = 0;
  double rate = 0;
  ServingOptions serving;
  uint64_t seed = 1;
  std::string text, tokenIds, html, roofline, decode;
  bool published = false, json = false, values = false;
};

Status writeText(const std::string &path, std::string_view text) {
  AtomicFile file = YOKE_TRY(AtomicFile::create(path));
  YOKE_TRY(file.append(text));
  return file.commit();
}

Result<std::vector<System>> systemsOf(const SimulateFlags &flags) {
  std::vector<Target> targets;
  for (const std::string &name : flags.systems)
    targets.push_back(YOKE_TRY(findTarget(name)));
  Target gpu = YOKE_TRY(findTarget(flags.gpu));
  const std::map<std::string, Interleave> choices = {
      {"on", Interleave::On}, {"off", Interleave::Off}, {"auto", Interleave::Auto}};
  std::string modes = flags.published ? "published-" + flags.modes : flags.modes;
  return chooseSystems(modes, targets, gpu, choices.at(flags.interleave));
}

Result<std::vector<Request>> batchOf(const SimulateFlags &flags, const Target &target, const ModelShape &model) {
  if (!flags.batchFile.empty())
    return loadBatch(flags.batchFile, target.memory ? target.memory->channels : INT32_MAX);
  if (!flags.dataset.empty())
    return drawSteadyBatch(YOKE_TRY(findDataset(flags.dataset)), flags.batch, flags.seed);
  int64_t length = flags.prompt ? flags.prompt : flags.context;
  if (model.positions && length > model.positions)
    return malformed("{} tokens are more than the model's {} positions", length, model.positions);
  return std::vector<Request>(size_t(flags.batch), {length, -1, flags.prompt ? flags.prompt : 1});
}

/// The batch verifies a draft of each request.
void addGuesses(std::vector<Request> &batch, const SyntheticDecode &decode) {
  for (Request &request : batch) {
    request.rows = decode.rows();
    request.length += decode.tokens * decode.width;
    request.guesses = true;
  }
}

Json toJson(const SyntheticDecode &decode) {
  return {{"tokens", decode.tokens},
          {"width", decode.width},
          {"rows", decode.rows()},
          {"acceptance_rates", decode.rates},
          {"acceptance_length", decode.acceptedLength()}};
}

Result<std::vector<Arrival>> arrivalsOf(const SimulateFlags &flags, const ModelShape &model) {
  std::vector<Arrival> arrivals;
  if (!flags.requests.empty())
    arrivals = YOKE_TRY(parseRequests(YOKE_TRY(readText(flags.requests)), flags.requests));
  else if (!flags.dataset.empty())
    arrivals = drawRequests(YOKE_TRY(findDataset(flags.dataset)), flags.count, flags.rate, flags.seed);
  else
    arrivals.assign(size_t(flags.count ? flags.count : flags.batch),
                    {0, flags.prompt ? flags.prompt : 1, flags.generate});
  for (const Arrival &arrival : arrivals)
    if (model.positions && arrival.inputTokens + arrival.outputTokens > model.positions)
      return malformed("a request of {} + {} tokens is longer than the model's {} positions", arrival.inputTokens,
                       arrival.outputTokens, model.positions);
  return arrivals;
}

Result<int> serve(const SimulateFlags &flags, const ModelShape &model, const std::vector<System> &systems) {
  std::vector<Arrival> arrivals = YOKE_TRY(arrivalsOf(flags, model));
  std::vector<SystemServing> results;
  Json array = Json::array();
  for (const System &system : systems) {
    auto begin = std::chrono::steady_clock::now();
    ServingResult result = YOKE_TRY(simulateServing(system, model, arrivals, flags.serving));
    Json json = toJson(result, system);
    json["model"] = model.name;
    json["simulation_wall_s"] = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    array.push_back(std::move(json));
    results.push_back({&system, std::move(result)});
  }
  if (!flags.json)
    YOKE_TRY(writeOutput(servingTable(model, results)));
  else
    YOKE_TRY(writeOutput(dumpJson(array.size() == 1 ? array.front() : array, 2) + "\n"));
  return 0;
}

Result<int> simulateCommand(const SimulateFlags &flags) {
  if (flags.values)
    return simulateValues({flags.model, flags.systems.front(), flags.text, flags.tokenIds,
                           flags.generate ? flags.generate : 16, flags.commands, flags.json});
  ModelShape model = YOKE_TRY(readShape(flags.model, flags.tensors, flags.stages));
  std::vector<System> systems = YOKE_TRY(systemsOf(flags));
  if (flags.count && flags.dataset.empty() && !flags.generate)
    return usageError("--count needs --dataset or --generate");
  bool serving = flags.generate || flags.count || !flags.requests.empty();
  if (serving && !flags.decode.empty())
    return usageError("--decode is about one iteration, not about serving");
  if (serving)
    return serve(flags, model, systems);
  SyntheticDecode decode;
  if (!flags.decode.empty()) {
    decode = YOKE_TRY(parseSyntheticDecode(flags.decode));
    if (flags.prompt)
      return usageError("--decode verifies drafts, --prompt reads prompts: give one");
  }
  if ((!flags.trace.empty() || !flags.commands.empty()) && systems.size() > 1)
    return usageError("--trace and --commands need one mode");
  std::vector<SystemIteration> results;
  Json array = Json::array();
  for (System &system : systems) {
    std::vector<TimedCommand> commands;
    std::vector<Span> spans;
    if (!flags.commands.empty())
      system.options.commands = &commands;
    if (!flags.trace.empty() || !flags.html.empty())
      system.options.spans = &spans;
    std::vector<Request> batch = YOKE_TRY(batchOf(flags, system.target, model));
    if (decode.tokens)
      addGuesses(batch, decode);
    auto begin = std::chrono::steady_clock::now();
    int64_t outputs = decode.tokens ? rowsOf(batch) : int64_t(batch.size());
    Iteration iteration = YOKE_TRY(simulateIteration(system.target, model, batch, outputs, system.options));
    if (decode.tokens)
      iteration.tokensPerSecond = double(batch.size()) * decode.acceptedLength() / iteration.seconds;
    double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    if (!flags.commands.empty())
      YOKE_TRY(writeText(flags.commands, formatTrace(commands)));
    if (!flags.trace.empty())
      YOKE_TRY(writeText(flags.trace, chromeTrace(spans, system.target.npu ? system.target.npu->clockMHz : 1e3)));
    Json json = toJson(iteration, system.options.mode, model);
    json["mode"] = system.name;
    json["system"] = system.target.name;
    json["model"] = model.name;
    json["batch"] = batch.size();
    if (decode.tokens)
      json["decode"] = toJson(decode);
    json["simulation_wall_s"] = wall;
    array.push_back(std::move(json));
    results.push_back({&system, std::move(iteration), std::move(spans)});
  }
  if (!flags.html.empty())
    YOKE_TRY(writeText(flags.html, iterationPage(model, results)));
  if (!flags.roofline.empty())
    YOKE_TRY(writeText(flags.roofline, rooflinePicture(model, results)));
  if (!flags.json)
    YOKE_TRY(writeOutput(iterationTable(model, results)));
  else
    YOKE_TRY(writeOutput(dumpJson(array.size() == 1 ? array.front() : array, 2) + "\n"));
  return 0;
}

} // namespace

void addSimulateCommand(CLI::App &app, Action &action) {
  auto flags = std::make_shared<SimulateFlags>();
  CLI::App *command = app.add_subcommand("simulate", "Predict speed and energy on NPU, PIM and GPU systems");
  command->add_option("-m,--model,model", flags->model, "Checkpoint folder, config.json, package or known shape")
      ->required()
      ->option_text("MODEL");
  command->add_option("--system", flags->systems, "Built-in target or description; may be repeated [neupims]")
      ->option_text("FILE.json");
  command->add_option("--gpu-system", flags->gpu, "Target of mode gpu when no system has one")->capture_default_str();
  command->add_option("--mode", flags->modes, "gpu, npu, npu-pim, neupims, yoke, a list, published or all")
      ->capture_default_str();
  command->add_flag("--published", flags->published, "The published simulator, its shortcuts included");
  command->add_option("--interleave", flags->interleave, "on, off or auto")
      ->check(CLI::IsMember({"on", "off", "auto"}))
      ->capture_default_str();
  CLI::Range sizes(int64_t(1), int64_t(1) << 16), lengths(int64_t(1), int64_t(1) << 20);
  command->add_option("-b,--batch", flags->batch, "Requests")->check(sizes)->capture_default_str();
  command->add_option("-c,--context", flags->context, "Tokens of each request so far, the new one included")
      ->check(lengths)
      ->capture_default_str();
  command->add_option("--prompt", flags->prompt, "Prefill: every request brings this many new tokens")->check(lengths);
  command->add_option("--batch-file", flags->batchFile, "Requests: CSV with seq_len[,ch_idx]")->option_text("FILE.csv");
  command->add_option("--dataset", flags->dataset, "A steady batch of requests like sharegpt's or alpaca's");
  command
      ->add_option("-n,--generate", flags->generate, "Serve: every request generates this many tokens after its prompt")
      ->check(lengths);
  command
      ->add_option("--requests", flags->requests,
                   "Serve: a JSON object a line with input_tokens, output_tokens, optional arrival_s")
      ->option_text("FILE.jsonl");
  command->add_option("--count", flags->count, "Serve this many requests of the data set")->check(sizes);
  command->add_option("--rate", flags->rate, "Requests a second, arriving at random; 0: all at once")
      ->check(CLI::Range(0.0, 1e9))
      ->capture_default_str();
  command->add_option("--max-batch", flags->serving.maxBatch, "Serve: requests at work at once")
      ->check(sizes)
      ->capture_default_str();
  command->add_option("--prefill-tokens", flags->serving.prefillTokens, "Serve: new prompt tokens of a step at most")
      ->check(sizes);
  command
      ->add_option(
          "--decode", flags->decode,
          "Verify drafts of a given quality: tokens=K with length=L, rate=P or rates=R1/R2/...; width=W guesses "
          "of each token")
      ->option_text("synthetic:KEY=VALUE,...");
  command->add_flag("--values", flags->values, "Compute the tokens of a checkpoint by the commands of the device");
  command->add_option("--text", flags->text, "With --values: the prompt")->option_text("TEXT");
  command->add_option("--token-ids", flags->tokenIds, "With --values: the prompt as token ids, a list");
  command->add_option("--tp", flags->tensors, "Devices that share every layer")->check(CLI::Range(1, 4096));
  command->add_option("--pp", flags->stages, "Pipeline stages")->check(CLI::Range(1, 4096));
  command->add_option("--seed", flags->seed, "Of drawn requests")->capture_default_str();
  command->add_option("--trace", flags->trace, "Write a Chrome/Perfetto timeline")->option_text("FILE.json");
  command->add_option("--html", flags->html, "Write a page with plans, critical paths, rooflines and timelines")
      ->option_text("FILE.html");
  command->add_option("--roofline", flags->roofline, "Write the roofline picture")->option_text("FILE.svg");
  command->add_option("--commands", flags->commands, "Write the command trace")->option_text("FILE");
  command->add_flag("--json", flags->json, "Print JSON: an object, or an array of several modes");
  command->footer("Known shapes: " + fmt::format("{}", fmt::join(modelNames(), ", ")) +
                  "\nExamples:\n  yoke simulate gpt3-7b --mode all --dataset sharegpt -b 256\n"
                  "  yoke simulate gpt3-7b --mode npu,yoke --dataset sharegpt --count 500 --rate 20\n"
                  "  yoke simulate ./checkpoint --values --text \"Once upon a time\" -n 16\n"
                  "  yoke simulate ./checkpoint --system neupims -b 32 -c 400 --mode npu,yoke --json");
  command->callback([flags, &action] { action = [flags] { return simulateCommand(*flags); }; });
}

} // namespace yoke::cli
