// Calls of the functions of a package's draft heads.
#pragma once

#include "runtime/Session.h"
#include "runtime/Speculation/AcceptanceModel.h"

namespace yoke {

/// Draft heads of a session's model, shared by its requests. One call at a time, and none during a step.
class HeadRunner {
public:
  /// Errors: Malformed (the package holds no heads, or heads without a function that they need), Resources.
  static Result<std::shared_ptr<HeadRunner>> create(Session &session);

  const DraftDescription &description() const { return *session.model().manifest.draft; }
  int64_t hiddenSize() const { return session.model().manifest.hiddenSize; }
  int64_t featureColumns() const { return session.featureColumns(); }
  int64_t maxRows() const { return session.model().manifest.step.maxTokens; }
  /// Index of a function by its name, -1 when there is none.
  int find(std::string_view name) const;
  /// Runs a function on a batch of rows, see YokeDraftFunction. The result's size is the caller's to know.
  void run(int function, StepBatch &batch, std::span<const float> features, std::span<float> result);
  /// Of the layer with keys and values; only when hasCache().
  KvCache &cache() { return *kv; }
  bool hasCache() const { return kv.has_value(); }

  /// The model's token of a draft token.
  int32_t token(int64_t draftToken) const {
    const std::vector<int32_t> &tokens = session.model().draftVocabulary;
    return tokens.empty() ? static_cast<int32_t>(draftToken) : tokens[draftToken];
  }

private:
  explicit HeadRunner(Session &session) : session(session) {}

  Session &session;
  AnonymousMemory arena;
  std::optional<KvCache> kv;
};

/// A guess of a head.
struct HeadGuess {
  int32_t token;
  float share; ///< of the probability of the guesses of this row
};

/// The best guesses in a row of draft logits, best first, at most `width`. None when the row holds a NaN among them.
void bestGuesses(const HeadRunner &heads, std::span<const float> logits, int32_t width, std::vector<HeadGuess> &out);

/// Kinds of heads' guesses: by the share that they have in their row, and depth.
struct HeadKinds {
  static constexpr int32_t depths = 6;
  int32_t first = 0;

  static HeadKinds add(AcceptanceModel &acceptance);
  bool contains(int32_t kind) const;
  /// `depth` from 1.
  int32_t kind(float share, int32_t depth) const;
};

} // namespace yoke
