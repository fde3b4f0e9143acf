#include "SimulateValues.h"

#include "Console.h"
#include "Input.h"
#include "ModelSource.h"
#include "SimulatedSteps.h"
#include "Support/Json.h"
#include "runtime/Generator.h"

#include <chrono>

namespace yoke::cli {

Result<int> simulateValues(const ValuesRequest &request) {
  if (request.text.empty() == request.tokenIds.empty())
    return usageError("--values needs one of --text and --token-ids");
  ModelFlags flags;
  flags.model = request.model;
  flags.quiet = true;
  auto device = YOKE_TRY(SimulatedSteps::create({request.model, request.system, "", request.commands}));
  std::shared_ptr<const Model> model = YOKE_TRY(openModel(flags));
  GenerateRequest generation;
  generation.prompt = request.tokenIds.empty() ? YOKE_TRY(model->tokenize(request.text))
                                               : YOKE_TRY(parseTokenIds(request.tokenIds, "--token-ids"));
  generation.maxNewTokens = request.generate;
  const std::vector<int32_t> prompt = generation.prompt;
  const int64_t positions = static_cast<int64_t>(prompt.size()) + request.generate;
  if (positions > model->manifest.maxPositions)
    return malformed("{} tokens are more than the model's {} positions", positions, model->manifest.maxPositions);
  auto session = YOKE_TRY(Session::create(model, {1, false, positions, device}));
  auto begin = std::chrono::steady_clock::now();
  auto generated = generate(*session, std::move(generation));
  double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  YOKE_TRY(device->finish());
  GenerateResult result = YOKE_TRY(std::move(generated));
  Json json = Json::parse(device->work());
  const double seconds = json["time_s"].get<double>();
  const int64_t cycles = json["cycles"].get<int64_t>();
  json["token_ids"] = result.tokens;
  json["prompt_token_ids"] = prompt;
  json["text"] = result.text;
  json["finish_reason"] = finishReasonName(result.finishReason);
  json["system"] = request.system;
  json["mode"] = "yoke";
  json["prompt_cycles"] = json["first_output_cycles"];
  json["tokens_per_s"] = static_cast<double>(result.tokens.size()) / seconds;
  json["simulation_wall_s"] = wall;
  YOKE_TRY(writeOutput(request.json ? dumpJson(json, 2) + "\n" : result.text + "\n"));
  if (!request.json)
    printNote(fmt::format("{} tokens on {}: {} cycles, {:.3f} ms; simulated in {:.2f} s", result.tokens.size(),
                          request.system, cycles, seconds * 1e3, wall));
  return 0;
}

} // namespace yoke::cli
