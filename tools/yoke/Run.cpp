#include "Commands.h"
#include "Console.h"
#include "Input.h"
#include "ModelSource.h"
#include "RunReport.h"
#include "runtime/Beam/BeamSearch.h"
#include "runtime/ChatPrompt.h"
#include "runtime/CompiledLoop.h"
#include "runtime/Constraint/CreateConstraint.h"
#include "runtime/Speculation/CreateSpeculation.h"

#include <algorithm>
#include <memory>

namespace yoke::cli {
namespace {

struct RunFlags {
  ModelFlags model;
  std::optional<std::string> prompt, promptFile, tokenIds, system;
  GenerationSettings settings;
  std::optional<int64_t> seed;
  std::vector<std::string> stops;
  std::string decodeText, draftModel, constraint;
  DecodeSpec decode;
  std::optional<BeamOptions> beams;
  std::optional<int32_t> logprobs;
  bool ignoreEos = false;
  bool chat = false;
  bool json = false;
  bool interpret = false;
};

Status checkBeamFlags(RunFlags &flags) {
  flags.beams = YOKE_TRY(BeamOptions::parse(flags.decodeText));
  if (flags.settings.temperature.value_or(0) > 0)
    return usageError("--decode beam contradicts --temperature {}", *flags.settings.temperature);
  if (!flags.stops.empty() || flags.logprobs)
    return usageError("--decode beam: --stop and --logprobs are not supported with it");
  return {};
}

Status checkFlags(RunFlags &flags) {
  if (int(flags.prompt.has_value()) + int(flags.promptFile.has_value()) + int(flags.tokenIds.has_value()) != 1)
    return usageError("give exactly one of --prompt, --prompt-file and --token-ids");
  if (flags.chat && flags.tokenIds)
    return usageError("--chat needs text, not --token-ids");
  if (flags.system && !flags.chat) {
    if (flags.model.device != "sim")
      return usageError("--system needs --chat or --device sim");
    flags.model.device += ":" + *std::exchange(flags.system, std::nullopt);
  }
  constexpr std::string_view constrain = "constrain:";
  if (flags.decodeText.starts_with(constrain)) {
    if (!flags.constraint.empty())
      return usageError("give one of --constrain and --decode constrain");
    flags.constraint = flags.decodeText.substr(constrain.size());
    flags.decodeText.clear();
  }
  if (BeamOptions::names(flags.decodeText))
    YOKE_TRY(checkBeamFlags(flags));
  else if (!flags.decodeText.empty())
    flags.decode = YOKE_TRY(DecodeSpec::parse(flags.decodeText));
  if (!flags.draftModel.empty()) {
    if (flags.decode.speculates())
      return usageError("--draft-model contradicts --decode {}", flags.decodeText);
    flags.decode.drafter = DecodeSpec::Drafter::Model;
    flags.decode.draftModel = flags.draftModel;
  }
  if (flags.model.simulatedSystem() && (flags.beams || flags.decode.speculates()))
    return usageError("--device {}: --decode {} moves keys and values, which lie in simulated banks; greedy and sample "
                      "run there",
                      flags.model.device, flags.decodeText.empty() ? "model" : flags.decodeText);
  if (flags.decode.sample == false && flags.settings.temperature.value_or(0) > 0)
    return usageError("--decode greedy contradicts --temperature {}", *flags.settings.temperature);
  if (flags.decode.sample)
    flags.settings.sample = flags.decode.sample;
  if (flags.settings.maxNewTokens && *flags.settings.maxNewTokens < 0)
    return usageError("--max-tokens must be at least 0, found {}", *flags.settings.maxNewTokens);
  if (flags.logprobs && *flags.logprobs < 0)
    return usageError("--logprobs must be at least 0, found {}", *flags.logprobs);
  if (flags.seed && *flags.seed >= 0)
    flags.settings.seed = static_cast<uint64_t>(*flags.seed);
  return {};
}

Result<std::vector<int32_t>> promptTokens(const RunFlags &flags, const Model &model) {
  if (flags.tokenIds)
    return parseTokenIds(*flags.tokenIds, "--token-ids");
  std::string text = flags.prompt ? *flags.prompt : YOKE_TRY(readText(*flags.promptFile));
  if (!flags.chat)
    return model.tokenize(text);
  OrderedJson messages = OrderedJson::array();
  if (flags.system)
    messages.push_back({{"role", "system"}, {"content", *flags.system}});
  messages.push_back({{"role", "user"}, {"content", std::move(text)}});
  return YOKE_TRY(ChatPrompt::load(model)).tokenize({{"messages", std::move(messages)}});
}

void warnAboutIgnoredFlags(const RunFlags &flags, const Model &model, const SamplingOptions &sampling) {
  for (const std::string &warning : model.generation.warnings)
    printWarning(warning);
  const GenerationSettings &s = flags.settings;
  if (!sampling.sample && (s.topK || s.topP || s.minP || s.typicalP))
    printWarning("the sampling options have no effect on greedy decoding; give --temperature to sample");
}

Result<GenerateRequest> makeRequest(const RunFlags &flags, const Model &model) {
  GenerateRequest request;
  request.prompt = YOKE_TRY(promptTokens(flags, model));
  request.sampling = YOKE_TRY(resolveSampling(flags.settings, model.generation));
  request.maxNewTokens =
      resolveMaxNewTokens(flags.settings, model.generation, static_cast<int64_t>(request.prompt.size()));
  request.stopStrings = model.tokenizer ? model.generation.stopStrings : std::vector<std::string>();
  request.stopStrings.insert(request.stopStrings.end(), flags.stops.begin(), flags.stops.end());
  request.ignoreEndTokens = flags.ignoreEos;
  request.interpreted = flags.interpret;
  request.logprobs = flags.logprobs;
  if (!flags.constraint.empty())
    request.constraint = YOKE_TRY(createConstraint(flags.constraint, model));
  if (flags.logprobs && *flags.logprobs > model.manifest.vocabSize)
    return usageError("--logprobs must be at most {} (the vocabulary), found {}", model.manifest.vocabSize,
                      *flags.logprobs);
  return request;
}

/// Streams text (token ids where there is no tokenizer) to stdout, and remembers the first failure to write.
struct Streamer {
  const Model &model;
  bool first = true;
  Status status = {};

  bool operator()(int32_t token, std::string_view text) {
    if (model.tokenizer)
      status = writeOutput(text);
    else if (token >= 0)
      status = writeOutput(fmt::format("{}{}", first ? "" : " ", token));
    first = false;
    return status.has_value();
  }
};

/// The best text of a beam search as a result; all of them are for --json.
Status searchBeams(Session &session, const GenerateRequest &request, const BeamOptions &options,
                   const std::atomic<bool> &interrupted, RunReport &report) {
  BeamResult found = YOKE_TRY(beamSearch(session, request, options, &interrupted));
  report.result.stats = found.stats;
  report.result.finishReason = found.cancelled ? FinishReason::Cancelled : FinishReason::Length;
  if (found.hypotheses.empty())
    return {};
  const Model &model = session.model();
  report.result.tokens = found.hypotheses.front().tokens;
  const bool ended = !request.ignoreEndTokens && !report.result.tokens.empty() &&
                     std::ranges::find(model.endTokens, report.result.tokens.back()) != model.endTokens.end();
  if (ended && !found.cancelled)
    report.result.finishReason = FinishReason::Stop;
  if (model.tokenizer)
    report.result.text = model.tokenizer->decode(report.result.tokens, /*skipSpecial=*/true);
  report.beams = std::move(found.hypotheses);
  return {};
}

Result<int> run(RunFlags flags) {
  YOKE_TRY(checkFlags(flags));
  std::shared_ptr<const Model> model = YOKE_TRY(openModel(flags.model));
  if (model->manifest.loop && flags.decodeText.empty() && flags.draftModel.empty())
    flags.decode = YOKE_TRY(CompiledLoop::spec(*model));
  GenerateRequest request = YOKE_TRY(makeRequest(flags, *model));
  warnAboutIgnoredFlags(flags, *model, request.sampling);
  const auto promptLength = static_cast<int64_t>(request.prompt.size());
  const int64_t slots = std::clamp<int64_t>(promptLength + std::min(request.maxNewTokens, model->manifest.maxPositions),
                                            1, model->manifest.maxPositions);
  const DecodeSpec &decode = flags.decode;
  const int64_t kvSlots = flags.beams ? beamSlots(*model, promptLength, request.maxNewTokens, *flags.beams)
                                      : slots + (decode.speculates() ? decode.rows : 0);
  auto session = YOKE_TRY(openSession(model, flags.model, kvSlots));
  std::unique_ptr<Speculation> speculation;
  if (decode.speculates())
    speculation = YOKE_TRY(createSpeculation(*session, decode, (promptLength + slots) / 2, printWarning));

  RunReport report;
  report.promptTokens = request.prompt;
  report.seed = request.sampling.seed;
  report.withLogprobs = request.logprobs.has_value();
  const std::atomic<bool> &interrupted = catchInterrupts();
  Streamer streamer{*model};
  TokenCallback callback;
  if (!flags.json)
    callback = std::ref(streamer);
  const ConditionalStats before = ConditionalStats::of(*session);
  if (flags.beams) {
    YOKE_TRY(searchBeams(*session, request, *flags.beams, interrupted, report));
    if (!flags.json)
      YOKE_TRY(writeOutput(report.result.text));
  } else {
    auto generated = generate(*session, std::move(request), callback, &interrupted, speculation.get());
    if (const StepDevice *device = session->device()) {
      YOKE_TRY(Status(device->status()));
      report.simulated = device->work();
    }
    report.result = YOKE_TRY(std::move(generated));
  }
  report.conditional = ConditionalStats::of(*session).since(before);
  if (speculation)
    report.speculation = {std::string(decode.name()), speculation->cost().plainSeconds()};
  YOKE_TRY(std::move(streamer.status));
  YOKE_TRY(writeOutput(flags.json ? report.json(*model) : "\n"));
  if (!flags.json && !flags.model.quiet)
    printNote(report.summary(*model));
  if (speculation)
    if (Status saved = speculation->save(); !saved)
      printWarning(saved.error().message);
  return interrupted ? interruptedExitCode : 0;
}

} // namespace

void addRunCommand(CLI::App &app, Action &action) {
  auto flags = std::make_shared<RunFlags>();
  GenerationSettings &s = flags->settings;
  CLI::App *command = app.add_subcommand("run", "Generate text");
  flags->model.declare(*command);
  command->add_option("-p,--prompt", flags->prompt, "Text to continue");
  command->add_option("-f,--prompt-file,--file", flags->promptFile, "File with the text to continue (- is stdin)");
  command->add_option("--token-ids", flags->tokenIds, "Tokens to continue: 1,2,3");
  command->add_option("-n,--max-tokens,--n-predict", s.maxNewTokens,
                      "Tokens to generate at most [the checkpoint's, else 256]; ends at the model's positions anyway");
  command->add_option("--temperature,--temp", s.temperature,
                      "0: greedy; above: sample [greedy, unless the checkpoint's do_sample is set]");
  command->add_option("--top-k", s.topK, "Sample among the K most probable tokens, 0: all [the checkpoint's, else 50]");
  command->add_option("--top-p", s.topP,
                      "Sample among the most probable tokens of this mass [the checkpoint's, else 1]");
  command->add_option("--min-p", s.minP, "Drop tokens less probable than this times the best one's [0]");
  command->add_option("--typical-p,--typical", s.typicalP, "Locally typical sampling with this mass [1]");
  command->add_option("--repetition-penalty,--repeat-penalty", s.repetitionPenalty,
                      "Above 1: make tokens of the text so far less probable [1]");
  command->add_option("--no-repeat-ngram-size", s.noRepeatNgram, "Never repeat this many tokens in a row, 0: off [0]");
  command->add_option("--min-tokens", s.minNewTokens, "No end of text before this many tokens [0]");
  command->add_option("-s,--seed", flags->seed, "Seed of sampling, -1: random [-1]");
  command->add_option("-r,--stop,--reverse-prompt", flags->stops, "End before this text; may be repeated")
      ->expected(1)
      ->take_all();
  command->add_flag("--ignore-eos", flags->ignoreEos, "Go on after an end-of-text token");
  command->add_flag("--chat", flags->chat, "Give the prompt as a user's message in the model's chat template");
  command->add_option(
      "--system", flags->system,
      "With --chat: the system's message before it; without, with --device sim: the target that is simulated");
  command
      ->add_option("--decode", flags->decodeText,
                   std::string(decodeSpecHelp) + "; or beam[:width=4,groups=1,diversity=0,...] [by --temperature]")
      ->option_text("SPEC");
  command->add_option("--draft-model", flags->draftModel, "Smaller model of the same vocabulary that guesses ahead")
      ->option_text("PACKAGE");
  command->add_option("--constrain", flags->constraint, std::string("Write ") + constraintHelp)->option_text("SPEC");
  command->add_option("--logprobs", flags->logprobs, "With --json: log-probabilities of the K most probable tokens");
  command->add_flag("--interpret", flags->interpret,
                    "Do not use the generation loop that is compiled into the package");
  command->add_flag("--json", flags->json, "Print one JSON object instead of streaming text");
  command->footer("Examples:\n"
                  "  yoke run model.yoke -p \"Once upon a time\" -n 64\n"
                  "  yoke run ./checkpoint -f prompt.txt --temperature 0.8 --top-p 0.95 --seed 1 --json");
  command->callback([flags, &action] { action = [flags] { return run(*flags); }; });
}

} // namespace yoke::cli
