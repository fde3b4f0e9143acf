#include "TuneSearch.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <optional>

namespace yoke::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int64_t promptTokens = 128;
/// A choice has to save as much of a kernel's time to be tried with others, and must cost no more in the other steps.
constexpr double worthwhile = 0.98, tolerated = 1.01;

double scoreOf(const RelativeTimes &times) { return std::sqrt(times.token * times.prompt); }

bool isFaster(const RelativeTimes &times) {
  return scoreOf(times) < worthwhile && times.token < tolerated && times.prompt < tolerated;
}

std::vector<KernelChoice> candidatesFor(std::string_view level) {
  const bool wide = level.starts_with("x86-64-v4");
  std::vector<KernelChoice> all;
  auto add = [&](int64_t KernelChoice::*value, std::initializer_list<int64_t> values) {
    for (int64_t candidate : values) {
      KernelChoice choice;
      choice.*value = candidate;
      all.push_back(choice);
    }
  };
  add(&KernelChoice::prefetch, {1024, 2048, 4096});
  if (wide)
    add(&KernelChoice::rows, {4, 5, 7, 8});
  else
    add(&KernelChoice::rows, {1, 3});
  add(&KernelChoice::unroll, {2, 4});
  add(&KernelChoice::dealt, {1, 8});
  add(&KernelChoice::panels, {2, 4});
  return all;
}

/// A step of one token and one of a prompt that can be run over and over.
class Steps {
public:
  static Result<std::unique_ptr<Steps>> create(Session &session) {
    std::unique_ptr<Steps> steps(new Steps(session));
    const int64_t length = std::min({promptTokens, session.maxStepTokens(), session.model().manifest.maxPositions - 1});
    const std::vector<int32_t> tokens = steps->someTokens(length);
    KvCache &cache = session.kvCache();
    steps->sequence = cache.addSequence();
    YOKE_TRY(cache.prepareWrite(steps->sequence, 0, length + 1));
    auto table = cache.blockTable(steps->sequence);
    steps->prompt.wantOutput(steps->prompt.addCausal(steps->prompt.addSequence(table), tokens, 0) +
                             static_cast<int32_t>(length) - 1);
    steps->token.wantOutput(
        steps->token.addCausal(steps->token.addSequence(table), std::span(tokens).first(1), length));
    steps->rows.resize(static_cast<size_t>(session.outputColumns()));
    return steps;
  }
  ~Steps() { session.kvCache().removeSequence(sequence); }

  /// The output of both steps.
  std::vector<float> results(const TimedCode &code) {
    std::vector<float> both;
    for (StepBatch *batch : {&prompt, &token}) {
      code.run(session, *batch, rows);
      both.insert(both.end(), rows.begin(), rows.end());
    }
    return both;
  }
  KernelSeconds runToken(const TimedCode &code) { return code.run(session, token, rows); }
  KernelSeconds runPrompt(const TimedCode &code) { return code.run(session, prompt, rows); }

private:
  explicit Steps(Session &session) : session(session) {}

  std::vector<int32_t> someTokens(int64_t count) const {
    const int64_t vocabulary = session.model().manifest.vocabSize;
    std::vector<int32_t> tokens;
    for (int64_t i = 0; i < count; ++i)
      tokens.push_back(static_cast<int32_t>(i * 7919 % vocabulary));
    return tokens;
  }

  Session &session;
  KvCache::SequenceId sequence = 0;
  StepBatch token, prompt;
  std::vector<float> rows;
};

/// What two codes take, in turn.
class Comparison {
public:
  Comparison(Steps &steps, const TimedCode &base, const TimedCode &other) : steps(steps), codes{&base, &other} {}

  /// At least `rounds`, then until `until`.
  void run(int rounds, Clock::time_point until) {
    for (int round = 0; round < rounds || Clock::now() < until; ++round)
      for (int side : {round % 2, 1 - round % 2}) {
        addRound(tokenTimes[side], [&] { return steps.runToken(*codes[side]); });
        addRound(promptTimes[side], [&] { return steps.runPrompt(*codes[side]); });
      }
  }
  /// 1 for a step that did not call the kernel.
  RelativeTimes of(const std::string &kernel) const {
    auto relative = [&](const Samples(&times)[2]) {
      const bool called = times[0].contains(kernel) && times[1].contains(kernel);
      return called ? ratio(times[1].at(kernel), times[0].at(kernel)) : 1.0;
    };
    return {relative(tokenTimes), relative(promptTimes)};
  }

private:
  using Samples = std::map<std::string, std::vector<double>>;

  /// Short steps are repeated. Other work on the machine only ever adds to a time: the least of a round counts.
  template <class Run> static void addRound(Samples &samples, Run run) {
    constexpr int leastSteps = 2;
    constexpr auto length = std::chrono::milliseconds(20);
    KernelSeconds least;
    const auto start = Clock::now();
    for (int step = 0; step < leastSteps || Clock::now() - start < length; ++step)
      for (const auto &[kernel, seconds] : run()) {
        auto [place, isNew] = least.try_emplace(kernel, seconds);
        place->second = std::min(place->second, seconds);
      }
    for (const auto &[kernel, seconds] : least)
      samples[kernel].push_back(seconds);
  }

  /// The ratio of the least or of the medians, whichever says less for the first.
  static double ratio(std::vector<double> other, std::vector<double> base) {
    std::ranges::sort(other);
    std::ranges::sort(base);
    return std::max(other.front() / base.front(), other[other.size() / 2] / base[base.size() / 2]);
  }

  Steps &steps;
  const TimedCode *codes[2];
  Samples tokenTimes[2], promptTimes[2];
};

class Search {
public:
  Search(const CompilerLibrary &compiler, Session &session, TuningFile &file, const TuneOptions &options)
      : compiler(compiler), session(session), file(file), options(options), candidates(candidatesFor(options.level)) {}

  Result<TuneResult> run() {
    steps = YOKE_TRY(Steps::create(session));
    report("the default", 0);
    base.emplace(YOKE_TRY(compileWith({})));
    expected = steps->results(*base);
    for (const std::string &key : base->kernels())
      if (!key.empty() && std::ranges::find(result.kernels, key) == result.kernels.end())
        result.kernels.push_back(key);
    YOKE_TRY(measureSingles());
    YOKE_TRY(decide());
    return result;
  }

private:
  void report(std::string_view what, double fraction) const {
    if (options.progress)
      options.progress(what, fraction);
  }
  double elapsed() const { return std::chrono::duration<double>(Clock::now() - start).count(); }
  TunedKernel &entry(const std::string &kernel) {
    TunedKernel &found = file.at(options.targetName, options.version, kernel);
    found.threads = session.team().size();
    return found;
  }

  /// Choices by kernel, or by "*".
  Result<TimedCode> compileWith(const std::map<std::string, KernelChoice> &choices) {
    TuningFile trial;
    for (const auto &[kernel, choice] : choices) {
      TunedKernel &added = trial.at(options.targetName, options.version, kernel);
      added.choice = choice;
      added.threads = session.team().size();
    }
    const std::string tuning = options.folder + "/trial.json";
    YOKE_TRY(trial.write(tuning));
    return TimedCode::compile(compiler, options.program, options.target, tuning,
                              session.model().manifest.step.maxTokens, options.folder + "/trial.so");
  }

  bool sameResults(const TimedCode &code) {
    const std::vector<float> found = steps->results(code);
    return std::memcmp(found.data(), expected.data(), found.size() * sizeof(float)) == 0;
  }

  bool isMeasured(const std::string &text) {
    return std::ranges::all_of(result.kernels, [&](const std::string &kernel) {
      const TunedKernel *found = file.find(options.targetName, options.version, kernel);
      return found && found->measured.contains(text);
    });
  }

  /// Time to compare one code; as much again is for compiling.
  Clock::duration secondsEach() const {
    const double seconds = options.seconds / static_cast<double>(candidates.size() + 2) / 2;
    return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  }

  Status measureSingles() {
    constexpr int leastRounds = 3;
    for (const KernelChoice &candidate : candidates) {
      const std::string text = candidate.text();
      if (!options.again && isMeasured(text))
        continue;
      if (elapsed() > options.seconds) {
        ++result.remaining;
        continue;
      }
      if (options.interrupted && *options.interrupted)
        return failed("interrupted; what was measured is in {}", options.output);
      report(text, std::min(elapsed() / options.seconds, 1.0));
      const TimedCode code = YOKE_TRY(compileWith({{"*", candidate}}));
      const bool same = sameResults(code);
      Comparison comparison(*steps, *base, code);
      if (same)
        comparison.run(leastRounds, Clock::now() + secondsEach());
      for (const std::string &kernel : result.kernels)
        entry(kernel).measured[text] = same ? comparison.of(kernel) : RelativeTimes();
      ++result.measured;
      YOKE_TRY(file.write(options.output));
    }
    return {};
  }

  /// Measures the best of each kernel together and keeps what is faster still.
  Status decide() {
    constexpr int leastRounds = 6;
    std::map<std::string, KernelChoice> choices;
    for (const std::string &kernel : result.kernels)
      if (KernelChoice choice = combineChoices(entry(kernel).measured); !choice.isDefault())
        choices[kernel] = choice;
    for (const std::string &kernel : result.kernels) {
      entry(kernel).choice = {};
      entry(kernel).times = {};
    }
    if (!choices.empty()) {
      report("the best together", 0.95);
      const TimedCode code = YOKE_TRY(compileWith(choices));
      if (sameResults(code)) {
        Comparison comparison(*steps, *base, code);
        comparison.run(leastRounds, Clock::now() + secondsEach());
        for (const auto &[kernel, choice] : choices)
          if (RelativeTimes times = comparison.of(kernel); isFaster(times)) {
            entry(kernel).choice = choice;
            entry(kernel).times = times;
          }
      }
    }
    return file.write(options.output);
  }

  const CompilerLibrary &compiler;
  Session &session;
  TuningFile &file;
  const TuneOptions &options;
  const std::vector<KernelChoice> candidates;
  const Clock::time_point start = Clock::now();
  std::unique_ptr<Steps> steps;
  std::optional<TimedCode> base;
  std::vector<float> expected;
  TuneResult result;
};

} // namespace

KernelChoice combineChoices(const std::map<std::string, RelativeTimes> &measured) {
  KernelChoice combined;
  for (const KernelChoice::Parameter &parameter : KernelChoice::parameters()) {
    double best = 1;
    for (const auto &[text, times] : measured) {
      auto choice = KernelChoice::parse(text, "measured");
      if (!choice || choice->isDefault() || !isFaster(times) || scoreOf(times) >= best)
        continue;
      KernelChoice rest = *choice;
      rest.*parameter.value = KernelChoice().*parameter.value;
      if (!rest.isDefault())
        continue;
      best = scoreOf(times);
      combined.*parameter.value = (*choice).*parameter.value;
    }
  }
  return combined;
}

Result<TuneResult> tune(const CompilerLibrary &compiler, Session &session, TuningFile &file,
                        const TuneOptions &options) {
  return Search(compiler, session, file, options).run();
}

} // namespace yoke::cli
