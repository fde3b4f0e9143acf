#include "runtime/Speculation/Parity.h"

#include "Support/Hash.h"
#include "runtime/CompiledLoop.h"
#include "runtime/Philox.h"
#include "runtime/Speculation/CreateSpeculation.h"

#include <algorithm>

namespace yoke {
namespace {

constexpr int32_t treeRows = 24;

/// Random trees that hold the right continuation up to a random depth.
class RandomTrees : public Drafter {
public:
  RandomTrees(std::span<const int32_t> truth, int64_t vocabulary) : truth(truth), vocabulary(vocabulary) {}

  void draft(std::span<const int32_t> history, const DraftLimits &limits, DraftTree &tree) override {
    int32_t node = 0;
    const int64_t known = below(limits.depth + 1);
    for (int64_t i = history.size(); i < static_cast<int64_t>(history.size()) + known; ++i)
      if (i < static_cast<int64_t>(truth.size()) && tree.size() <= limits.nodes)
        node = tree.add(node, truth[i], 0, chance());
    for (int32_t tries = 0; tries < 4 * limits.nodes && tree.size() <= limits.nodes; ++tries) {
      const auto parent = static_cast<int32_t>(below(tree.size()));
      if (tree[parent].depth < limits.depth)
        tree.add(parent, static_cast<int32_t>(below(vocabulary)), 0, chance());
    }
  }

private:
  int64_t below(int64_t limit) {
    return static_cast<int64_t>(philoxUniform(1, 0, draws++) * static_cast<double>(limit));
  }
  float chance() { return static_cast<float>(philoxUniform(1, 1, draws++)); }

  std::span<const int32_t> truth;
  int64_t vocabulary;
  uint64_t draws = 0;
};

struct Trace {
  std::vector<int32_t> tokens;
  std::vector<uint64_t> rows; ///< hashes of the logits that the tokens were chosen from
};

class Checker {
public:
  Checker(Session &session, const ParityOptions &options) : session(session), options(options) {}

  Status check(const std::vector<int32_t> &prompt) {
    const Trace plain = YOKE_TRY(decode(prompt, nullptr, Way::Interpreted));
    ++result.prompts;
    result.tokens += static_cast<int64_t>(plain.tokens.size());
    for (const auto &[name, speculation] : drafters)
      YOKE_TRY(compare(plain, YOKE_TRY(decode(prompt, speculation.get(), Way::Interpreted)), name));
    if (session.model().manifest.loop) {
      YOKE_TRY(compare(plain, YOKE_TRY(decode(prompt, ofLoop.get(), Way::Compiled)), "compiled loop"));
      YOKE_TRY(compare(plain, YOKE_TRY(decode(prompt, ofLoop.get(), Way::CompiledGreedy)), "compiled greedy loop"));
    }
    std::vector<int32_t> truth = prompt;
    truth.insert(truth.end(), plain.tokens.begin(), plain.tokens.end());
    auto acceptance = std::make_unique<AcceptanceModel>();
    acceptance->addKinds({0.5f});
    Speculation random({treeRows, false}, CostModel({{1, 1.0}}), std::move(acceptance), [&](const DraftRequest &) {
      Drafters made;
      made.push_back(std::make_unique<RandomTrees>(truth, session.model().manifest.vocabSize));
      return made;
    });
    return compare(plain, YOKE_TRY(decode(prompt, &random, Way::Interpreted)), "random trees");
  }

  Status addDrafters() {
    std::vector<std::string> names = {"prompt-lookup", "ngram", "token-recycling", "aded"};
    if (const auto &draft = session.model().manifest.draft; draft && session.featureColumns() > 0)
      names.push_back(draft->kind);
    for (const std::string &name : names) {
      DecodeSpec spec = YOKE_TRY(DecodeSpec::parse(name));
      spec.keepState = spec.sized = false;
      spec.rows = treeRows;
      drafters.emplace_back(name, YOKE_TRY(createSpeculation(session, spec)));
    }
    if (!session.model().manifest.loop)
      return {};
    DecodeSpec spec = YOKE_TRY(CompiledLoop::spec(session.model()));
    spec.keepState = spec.sized = false;
    if (spec.speculates())
      ofLoop = YOKE_TRY(createSpeculation(session, spec));
    return {};
  }

  ParityResult result;

private:
  enum class Way { Interpreted, Compiled, CompiledGreedy };

  Result<Trace> decode(const std::vector<int32_t> &prompt, Speculation *speculation, Way way) {
    Trace trace;
    GenerateRequest request;
    request.prompt = prompt;
    request.maxNewTokens = options.maxNewTokens;
    request.ignoreEndTokens = true;
    request.interpreted = way == Way::Interpreted;
    if (way != Way::CompiledGreedy) // which has no logits
      request.onLogits = [&](std::span<const float> row) { trace.rows.push_back(xxh3(std::as_bytes(row))); };
    GenerateResult generated = YOKE_TRY(generate(session, std::move(request), {}, options.cancelled, speculation));
    if (generated.finishReason == FinishReason::Cancelled)
      return failed("interrupted");
    trace.tokens = std::move(generated.tokens);
    if (generated.stats.speculation) {
      result.steps += generated.stats.speculation->drafts;
      result.guesses += generated.stats.speculation->guesses;
      result.accepted += generated.stats.speculation->accepted;
    }
    return trace;
  }

  Status compare(const Trace &plain, const Trace &guessed, std::string_view name) const {
    for (size_t i = 0; i < std::min(plain.tokens.size(), guessed.tokens.size()); ++i)
      if (plain.tokens[i] != guessed.tokens[i] || (!guessed.rows.empty() && plain.rows[i] != guessed.rows[i]))
        return failed("{}: decoding with guesses ({}) differs from decoding without: prompt {}, generated token {}: {}",
                      session.model().path, name, result.prompts, i,
                      plain.tokens[i] == guessed.tokens[i]
                          ? "the logits differ"
                          : fmt::format("{} instead of {}", guessed.tokens[i], plain.tokens[i]));
    if (plain.tokens.size() != guessed.tokens.size())
      return failed("{}: decoding with guesses ({}) differs from decoding without: prompt {}: {} tokens instead of {}",
                    session.model().path, name, result.prompts, guessed.tokens.size(), plain.tokens.size());
    return {};
  }

  Session &session;
  const ParityOptions &options;
  std::vector<std::pair<std::string, std::unique_ptr<Speculation>>> drafters;
  std::unique_ptr<Speculation> ofLoop; ///< that the package's loop was compiled for
};

} // namespace

Result<ParityResult> checkParity(Session &session, const std::vector<std::vector<int32_t>> &prompts,
                                 const ParityOptions &options) {
  Checker checker(session, options);
  YOKE_TRY(checker.addDrafters());
  for (const std::vector<int32_t> &prompt : prompts)
    YOKE_TRY(checker.check(prompt));
  return checker.result;
}

std::vector<std::vector<int32_t>> parityPrompts(const Session &session) {
  const Manifest &manifest = session.model().manifest;
  const int64_t page = manifest.step.pageTokens, step = manifest.step.maxTokens;
  std::vector<std::vector<int32_t>> prompts;
  for (int64_t length : {int64_t(1), int64_t(7), page - 1, page + 1, 3 * page, step + 3}) {
    // Half of the positions are left for the text.
    length = std::clamp<int64_t>(length, 1, std::max<int64_t>(manifest.maxPositions / 2, 1));
    std::vector<int32_t> prompt;
    for (int64_t i = 0; i < length; ++i)
      prompt.push_back(
          static_cast<int32_t>(philoxUniform(2, length, i % 11) * static_cast<double>(manifest.vocabSize)));
    prompts.push_back(std::move(prompt));
  }
  return prompts;
}

} // namespace yoke
