#include "BenchDecode.h"

#include "Console.h"
#include "Input.h"
#include "Support/Json.h"
#include "runtime/CompiledLoop.h"
#include "runtime/Speculation/CreateSpeculation.h"

#include <algorithm>
#include <map>

namespace yoke::cli {
namespace {

struct Prompt {
  std::string group;
  std::vector<int32_t> tokens;
  double temperature; ///< 0: greedy
};

Result<std::vector<Prompt>> readPrompts(const Model &model, const std::string &path) {
  std::vector<Prompt> prompts;
  const std::string text = YOKE_TRY(readText(path));
  int64_t line = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string source = fmt::format("{}:{}", path, ++line);
    if (end > begin) {
      const Json json = YOKE_TRY(parseJson(std::string_view(text).substr(begin, end - begin), source));
      const JsonObject object = YOKE_TRY(JsonObject::from(json, source));
      Prompt prompt = {YOKE_TRY(object.string("class", "all")), {}, YOKE_TRY(object.number("temperature", 0, 10, 0))};
      prompt.tokens = YOKE_TRY(model.tokenize(YOKE_TRY(object.string("prompt"))));
      prompts.push_back(std::move(prompt));
    }
    begin = end + 1;
  }
  if (prompts.empty())
    return malformed("{}: holds no prompt", path);
  return prompts;
}

/// One way of decoding one prompt; times are the quickest of the repetitions.
struct Measurement {
  double seconds = 0;
  int64_t tokens = 0, calls = 0, guesses = 0, accepted = 0;

  void add(const Measurement &other) {
    seconds += other.seconds;
    tokens += other.tokens;
    calls += other.calls;
    guesses += other.guesses;
    accepted += other.accepted;
  }
};

class Bench {
public:
  Bench(Session &session, const DecodeBenchFlags &flags, const std::atomic<bool> &interrupted)
      : session(session), flags(flags), interrupted(interrupted) {}

  Status run() {
    prompts = YOKE_TRY(readPrompts(session.model(), flags.prompts));
    for (const std::string &text : flags.specs) {
      specs.push_back(YOKE_TRY(specOf(text)));
      // Each repetition starts without what an earlier one learned from the same prompts.
      specs.back().keepState = false;
    }
    results.assign(specs.size() + 1, std::vector<Measurement>(prompts.size()));
    ProgressBar bar;
    for (int repetition = 0; repetition < flags.repetitions; ++repetition) {
      std::vector<std::unique_ptr<Speculation>> speculations;
      for (const DecodeSpec &spec : specs)
        speculations.push_back(spec.speculates() ? YOKE_TRY(createSpeculation(session, spec)) : nullptr);
      for (size_t p = 0; p < prompts.size(); ++p) {
        bar.update("decoding", (repetition + double(p) / double(prompts.size())) / flags.repetitions);
        std::vector<int32_t> plain;
        YOKE_TRY(measure(p, 0, nullptr, /*compiled=*/false, plain));
        for (size_t s = 0; s < specs.size(); ++s) {
          std::vector<int32_t> tokens;
          YOKE_TRY(measure(p, s + 1, speculations[s].get(), flags.specs[s] == compiledWay, tokens));
          if (tokens != plain)
            return failed("{}: --decode {}: prompt {} gives other tokens than decoding without guesses",
                          session.model().path, flags.specs[s], p + 1);
        }
      }
    }
    return {};
  }

  std::string report() const {
    std::vector<std::string> groups;
    for (const Prompt &prompt : prompts)
      if (std::ranges::find(groups, prompt.group) == groups.end())
        groups.push_back(prompt.group);
    if (groups.size() > 1)
      groups.push_back("");
    Json rows = Json::array();
    for (const std::string &group : groups)
      for (size_t s = 0; s < results.size(); ++s)
        rows.push_back(row(group, s));
    if (flags.format == "json")
      return dumpJson(rows, 2) + "\n";
    return table(rows);
  }

private:
  /// The way of decoding that the package was compiled for, by its own loop. All others are the runtime's.
  static constexpr std::string_view compiledWay = "compiled";

  Result<DecodeSpec> specOf(const std::string &text) const {
    if (text != compiledWay)
      return DecodeSpec::parse(text);
    const Model &model = session.model();
    if (!model.manifest.loop)
      return failed("--decode compiled: {}: was compiled without --draft", model.path);
    return CompiledLoop::spec(model);
  }

  Status measure(size_t prompt, size_t way, Speculation *speculation, bool compiled, std::vector<int32_t> &tokens) {
    GenerateRequest request;
    request.interpreted = !compiled;
    request.prompt = prompts[prompt].tokens;
    request.maxNewTokens = flags.tokens;
    request.ignoreEndTokens = true;
    request.sampling.sample = prompts[prompt].temperature > 0;
    if (request.sampling.sample)
      request.sampling.temperature = static_cast<float>(prompts[prompt].temperature);
    request.sampling.seed = prompt;
    GenerateResult generated = YOKE_TRY(generate(session, std::move(request), {}, &interrupted, speculation));
    if (generated.finishReason == FinishReason::Cancelled)
      return failed("interrupted");
    tokens = std::move(generated.tokens);
    Measurement &result = results[way][prompt];
    const GenerateStats &stats = generated.stats;
    if (result.tokens && result.seconds <= stats.decodeSeconds)
      return {};
    // The first token comes from the prompt's last step.
    result = {stats.decodeSeconds, stats.generatedTokens - 1, stats.samplingCalls - 1, 0, 0};
    if (stats.speculation) {
      result.guesses = stats.speculation->guesses;
      result.accepted = stats.speculation->accepted;
    }
    return {};
  }

  Measurement total(const std::string &group, size_t way) const {
    Measurement sum;
    for (size_t p = 0; p < prompts.size(); ++p)
      if (group.empty() || prompts[p].group == group)
        sum.add(results[way][p]);
    return sum;
  }

  Json row(const std::string &group, size_t way) const {
    const Measurement plain = total(group, 0), sum = total(group, way);
    auto ratio = [](double a, double b) { return b > 0 ? a / b : 0; };
    return {{"class", group.empty() ? "all" : group},
            {"decode", way == 0 ? "greedy" : flags.specs[way - 1]},
            {"threads", session.team().size()},
            {"tokens", sum.tokens},
            {"tokens_per_call", ratio(double(sum.tokens), double(sum.calls))},
            {"acceptance", ratio(double(sum.accepted), double(sum.guesses))},
            {"tokens_per_s", ratio(double(sum.tokens), sum.seconds)},
            {"speedup", ratio(plain.seconds, sum.seconds)}};
  }

  static std::string table(const Json &rows) {
    std::string text = "| class | decode | tokens per call | accepted | t/s | speed-up |\n"
                       "| :---- | :----- | --------------: | -------: | --: | -------: |\n";
    for (const Json &row : rows)
      text += fmt::format("| {} | {} | {:.2f} | {:.0f} % | {:.0f} | {:.2f} |\n", row["class"].get<std::string>(),
                          row["decode"].get<std::string>(), row["tokens_per_call"].get<double>(),
                          100 * row["acceptance"].get<double>(), row["tokens_per_s"].get<double>(),
                          row["speedup"].get<double>());
    return text;
  }

  Session &session;
  const DecodeBenchFlags &flags;
  const std::atomic<bool> &interrupted;
  std::vector<Prompt> prompts;
  std::vector<DecodeSpec> specs;
  std::vector<std::vector<Measurement>> results; ///< [way][prompt]; way 0 is without guesses
};

} // namespace

Result<std::string> benchDecode(Session &session, const DecodeBenchFlags &flags, const std::atomic<bool> &interrupted) {
  Bench bench(session, flags, interrupted);
  YOKE_TRY(bench.run());
  return bench.report();
}

} // namespace yoke::cli
