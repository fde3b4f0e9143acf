// Models and packages around the step function of FakeStep.h.
#pragma once

#include "FakeStep.h"
#include "runtime/Session.h"

#include <map>

namespace yoke::test {

/// What the fake model predicts after `tokens`.
int32_t fakeNext(std::span<const int32_t> tokens);
/// Its greedy continuation of `tokens`.
std::vector<int32_t> fakeContinuation(std::vector<int32_t> tokens, size_t count);

struct FakeOptions {
  int64_t maxTokens = 8;
  int64_t maxPositions = 64;
  std::vector<int32_t> endTokens = {};
  int32_t nanFrom = -1;
};

Manifest fakeManifest(const FakeOptions &options);

/// Resets the counters of FakeStep.h.
std::shared_ptr<Model> makeFakeModel(const FakeOptions &options = {});

/// An encoder whose output row is {sum of tokens, number of tokens}.
std::shared_ptr<Model> makeFakeEncoder(int64_t maxTokens, int64_t maxPositions);

/// Writes a package with the step function as a shared object, and a tokenizer whose token i is the printable
/// character number i (space is token 0), with token 95 "<s>" and token 96 "</s>" special; and `texts`, further
/// sections by name.
Status writeFakePackage(const std::string &path, const FakeOptions &options, const std::string &generationConfig = "{}",
                        std::optional<Manifest> manifest = {},
                        const std::map<std::string_view, std::string> &texts = {});

} // namespace yoke::test
