// Running a model over a text to see what its layers, or its head, give for each token.
#pragma once

#include "runtime/Session.h"

#include <atomic>
#include <functional>
#include <span>
#include <string>

namespace yoke::cli {

/// A text cut into windows of equal size; what is left over is not used.
struct TokenWindows {
  std::vector<int32_t> tokens;
  int64_t size = 1;

  int64_t count() const { return static_cast<int64_t>(tokens.size()) / size; }
  std::span<const int32_t> window(int64_t i) const { return std::span(tokens).subspan(size_t(i * size), size_t(size)); }
};

/// Takes the row of a token, counted over all windows.
using RowFunction = std::function<void(int64_t token, std::span<const float> values)>;

class ProbeRun {
public:
  /// Compiles the checkpoint `model` such that a token's row is the input and the result of the norm whose weight is
  /// `norm`, side by side, or with an empty name its logits. Errors: those of the compiler, Resources.
  static Result<ProbeRun> open(const std::string &model, const std::string &norm, int threads);

  /// Error (Failed): cancelled.
  Status forRows(const TokenWindows &windows, const RowFunction &take, const std::atomic<bool> *cancelled);
  Session &session() { return *running; }

private:
  std::unique_ptr<Session> running;
};

struct Agreement {
  double sameToken = 0; ///< fraction of tokens after which both models find the same token most likely
  double perplexity = 0, referencePerplexity = 0;
};

Result<Agreement> compareModels(ProbeRun &reference, ProbeRun &other, const TokenWindows &windows,
                                const std::atomic<bool> *cancelled);

} // namespace yoke::cli
