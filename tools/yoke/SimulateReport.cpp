#include "SimulateReport.h"

#include "Simulator/Plot.h"
#include "Simulator/Timeline.h"

#include <cmath>
#include <map>

namespace yoke::cli {

using namespace sim;

std::string iterationTable(const ModelShape &model, const std::vector<SystemIteration> &results) {
  std::string out = fmt::format("{}: {} layers, TP {}, PP {}\n", model.name, model.layers, model.tensorParallel,
                                model.pipelineParallel);
  out += fmt::format("{:<18} {:>10} {:>10} {:>6} {:>6} {:>6} {:>6} {:>10}  {:<17} {}\n", "system", "ms/token",
                     "tokens/s", "npu%", "pim%", "bw%", "roof%", "mJ/token", "limit", "plan");
  std::vector<std::string> ops;
  for (const auto &[system, iteration, spans] : results) {
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
  for (const auto &[system, iteration, spans] : results) {
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

namespace {

struct DevicePeaks {
  double flops, bandwidth;
};
DevicePeaks peaksOf(const System &system) {
  const Target &target = system.target;
  if (system.options.mode == Mode::Gpu)
    return {target.gpu->peakFlops, target.gpu->memoryBandwidth};
  return {target.npu->flopsPerCycle() * target.npu->clockMHz * 1e6, target.memory->bytesPerSecond()};
}

void addRoof(std::vector<Roof> &roofs, const std::string &name, double flops, double bandwidth) {
  for (const Roof &roof : roofs)
    if (roof.name == name)
      return;
  roofs.push_back({name, flops, bandwidth});
}

} // namespace

std::string rooflinePicture(const ModelShape &model, const std::vector<SystemIteration> &results) {
  std::vector<Roof> roofs;
  std::vector<RooflinePoint> points;
  for (const auto &[system, iteration, spans] : results) {
    const Target &target = system->target;
    DevicePeaks peaks = peaksOf(*system);
    bool gpu = system->options.mode == Mode::Gpu;
    addRoof(roofs, gpu ? target.name : "npu", peaks.flops, peaks.bandwidth);
    if (!gpu && target.pim) { // a COMP reads and multiplies one column of every bank
      const MemoryTarget &memory = *target.memory;
      double columns = double(memory.channels * memory.banksPerChannel()) * memory.clockMHz * 1e6 /
                       double(std::max(memory.burst, memory.timing.CCD_S));
      double elements = columns * double(target.pim->macsPerBank);
      addRoof(roofs, "pim", 2 * elements, elements * double(target.pim->elementBytes));
    }
    double flops = iteration.block.npuUtilisation * peaks.flops;
    double bytes = iteration.block.bandwidthUtilisation * peaks.bandwidth;
    if (bytes > 0)
      points.push_back({system->name, flops / bytes, flops});
  }
  return rooflineChart(fmt::format("{}: a decoder block below the roofs", model.name), roofs, points);
}

std::string iterationPage(const ModelShape &model, const std::vector<SystemIteration> &results) {
  BarPanel panel{"time on the critical path", {}, {}};
  for (const auto &[system, iteration, spans] : results)
    for (const OpShare &share : iteration.breakdown)
      if (std::find(panel.groups.begin(), panel.groups.end(), share.op) == panel.groups.end())
        panel.groups.push_back(share.op);
  std::string reasons;
  for (const auto &[system, iteration, spans] : results) {
    Series series{system->name, std::vector<double>(panel.groups.size(), 0)};
    for (const OpShare &share : iteration.breakdown)
      series.values[size_t(std::find(panel.groups.begin(), panel.groups.end(), share.op) - panel.groups.begin())] +=
          share.seconds * 1e3;
    panel.series.push_back(std::move(series));
    reasons += fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n", escapeXml(system->name),
                           escapeXml(system->target.name), escapeXml(iteration.block.plan),
                           escapeXml(limitingResource(iteration.breakdown)));
  }
  std::string timelines;
  for (size_t i = 0; i < results.size(); ++i)
    if (const auto &[system, iteration, spans] = results[i]; !spans.empty())
      timelines += timelineHtml(fmt::format("timeline{}", i), system->name + ": blocks as simulated", spans,
                                system->target.npu->clockMHz);
  return fmt::format("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{0}</title>"
                     "<style>body{{font-family:sans-serif;margin:2em}}td,th{{padding:2px 12px;text-align:left}}"
                     "</style></head><body>\n<h1>{0}</h1>\n<table><tr><th>system</th><th>hardware</th><th>placement"
                     "</th><th>limited by</th></tr>\n{1}</table>\n<pre>{2}</pre>\n{3}\n{4}\n{5}\n</body></html>\n",
                     escapeXml(model.name), reasons, escapeXml(iterationTable(model, results)),
                     barChart("Where the time goes", "ms", {panel}), rooflinePicture(model, results), timelines);
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
