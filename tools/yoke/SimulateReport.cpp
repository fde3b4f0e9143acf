#include "SimulateReport.h"

#include <map>

namespace yoke::cli {

using namespace sim;

std::string iterationTable(const ModelShape &model, const std::vector<SystemIteration> &results) {
  std::string out = fmt::format("{}: {} layers, TP {}, PP {}\n", model.name, model.layers, model.tensorParallel,
                                model.pipelineParallel);
  out += fmt::format("{:<18} {:>10} {:>10} {:>6} {:>6} {:>6} {:>6} {:>10}  {:<17} {}\n", "system", "ms/token",
                     "tokens/s", "npu%", "pim%", "bw%", "roof%", "mJ/token", "limit", "plan");
  std::vector<std::string> ops;
  for (const auto &[system, iteration] : results) {
    double tokens = iteration.tokensPerSecond * iteration.seconds;
    out += fmt::format("{:<18} {:>10.3f} {:>10.1f} {:>6.1f} {:>6.1f} {:>6.1f} {:>6.1f} {:>10.2f}  {:<17} {}\n",
                       system->name, iteration.seconds * 1e3, iteration.tokensPerSecond, 100 * iteration.npuUtilisation,
                       100 * iteration.pimUtilisation, 100 * iteration.bandwidthUtilisation, iteration.roofPercent,
                       tokens > 0 ? iteration.energyJoules / tokens * 1e3 : 0, limitingResource(iteration.breakdown),
                       iteration.block.plan);
    for (const OpShare &share : iteration.breakdown)
      if (std::find(ops.begin(), ops.end(), share.op) == ops.end())
        ops.push_back(share.op);
  }
  out += fmt::format("\nms on the critical path\n{:<18}", "system");
  for (const std::string &op : ops)
    out += fmt::format(" {:>12}", op);
  out += '\n';
  for (const auto &[system, iteration] : results) {
    std::map<std::string, double> seconds;
    for (const OpShare &share : iteration.breakdown)
      seconds[share.op] += share.seconds;
    out += fmt::format("{:<18}", system->name);
    for (const std::string &op : ops)
      out += fmt::format(" {:>12.3f}", seconds[op] * 1e3);
    out += '\n';
  }
  return out;
}

std::string servingTable(const ModelShape &model, const std::vector<SystemServing> &results) {
  const ServingResult &first = results.front().result;
  std::string out = fmt::format("{}: {} requests, {} tokens in, {} out, TP {}, PP {}\n", model.name, first.requests,
                                first.inputTokens, first.outputTokens, model.tensorParallel, model.pipelineParallel);
  out += fmt::format("{:<18} {:>9} {:>10} {:>6} {:>21} {:>21} {:>19} {:>6} {:>9}  {}\n", "system", "time s", "tokens/s",
                     "batch", "first token p50/99 s", "per token p50/99 ms", "latency p50/99 s", "kv%", "mJ/token",
                     "limit");
  auto pair = [](const Percentiles &p, double scale) {
    return fmt::format("{:.2f} / {:.2f}", p.p50 * scale, p.p99 * scale);
  };
  for (const auto &[system, result] : results)
    out += fmt::format("{:<18} {:>9.2f} {:>10.1f} {:>6.1f} {:>21} {:>21} {:>19} {:>6.1f} {:>9.2f}  {}\n", system->name,
                       result.seconds, double(result.outputTokens) / result.seconds, result.meanBatch,
                       pair(result.firstToken, 1), pair(result.perToken, 1e3), pair(result.endToEnd, 1),
                       100 * result.peakKeyValueShare, result.total.joules / double(result.outputTokens) * 1e3,
                       limitingResource(result.total.ops));
  for (const auto &[system, result] : results)
    out += fmt::format("{}: {} steps, {} of them simulated; interpolated steps differ by {:.1f} % (worst {:.1f} %)\n",
                       system->name, result.decodeSteps + result.prefillSteps, result.simulatedSteps,
                       100 * result.meanDeviation, 100 * result.worstDeviation);
  return out;
}

} // namespace yoke::cli
