#include "ProbeRun.h"

#include "CompilerLibrary.h"
#include "Support/TemporaryFolder.h"
#include "runtime/Evaluator.h"
#include "runtime/Sampler.h"

#include <algorithm>
#include <cmath>

namespace yoke::cli {

Result<ProbeRun> ProbeRun::open(const std::string &model, const std::string &norm, int threads) {
  const CompilerLibrary *compiler = YOKE_TRY(CompilerLibrary::load());
  TemporaryFolder folder = YOKE_TRY(TemporaryFolder::create());
  std::string package = folder.path() + "/probe.yoke";
  yoke_compile_options options = {};
  options.size = sizeof options;
  options.model_path = model.c_str();
  options.output_path = package.c_str();
  options.probe = norm.c_str();
  YOKE_TRY(compiler->compile(options));
  ProbeRun run;
  // The mapped file stays readable after its name is gone.
  run.running = YOKE_TRY(Session::create(YOKE_TRY(Model::open(package)), {.threads = threads}));
  return run;
}

Status ProbeRun::forRows(const TokenWindows &windows, const RowFunction &take, const std::atomic<bool> *cancelled) {
  for (int64_t window = 0; window < windows.count(); ++window) {
    auto sink = [&](int64_t token, std::span<const float> row) -> Status {
      take(window * windows.size + token, row);
      return {};
    };
    YOKE_TRY(evaluateLogits(*running, windows.window(window), 0, sink, cancelled));
  }
  return {};
}

Result<Agreement> compareModels(ProbeRun &reference, ProbeRun &other, const TokenWindows &windows,
                                const std::atomic<bool> *cancelled) {
  std::vector<int64_t> choices;
  double nats[2] = {};
  int64_t same = 0, scored = 0, total = windows.count() * windows.size;
  auto score = [&](double &sum, int64_t token, std::span<const float> logits) {
    if ((token + 1) % windows.size != 0)
      sum += logSumExp(logits) - logits[windows.tokens[size_t(token + 1)]];
    return std::max_element(logits.begin(), logits.end()) - logits.begin();
  };
  YOKE_TRY(reference.forRows(
      windows, [&](int64_t token, std::span<const float> logits) { choices.push_back(score(nats[0], token, logits)); },
      cancelled));
  YOKE_TRY(other.forRows(
      windows,
      [&](int64_t token, std::span<const float> logits) {
        same += score(nats[1], token, logits) == choices[size_t(token)];
      },
      cancelled));
  scored = total - windows.count();
  return Agreement{double(same) / double(total), std::exp(nats[1] / double(scored)),
                   std::exp(nats[0] / double(scored))};
}

} // namespace yoke::cli
