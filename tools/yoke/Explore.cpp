#include "Commands.h"
#include "Console.h"
#include "SimulatedModel.h"
#include "Simulator/Dataset.h"
#include "Simulator/Iteration.h"
#include "Simulator/Plot.h"
#include "Simulator/Systems.h"
#include "Support/File.h"
#include "Support/Split.h"
#include "Target/Builtin.h"

#include <cmath>
#include <fmt/ranges.h>
#include <map>
#include <memory>

namespace yoke::cli {
namespace {

using namespace sim;

struct ExploreFlags {
  std::string model, system = "neupims", gpu = "a100", modes = "npu,yoke", csv, bars, pareto;
  std::vector<std::string> vary;
  uint64_t seed = 1;
};

struct Axis {
  std::string key;
  std::vector<std::string> values;
};
using Setting = std::map<std::string, std::string>;

struct Row {
  Setting setting;
  std::string mode;
  Iteration iteration;
};

std::vector<std::string> splitList(std::string_view text) {
  std::vector<std::string_view> parts = splitAtCommas(text);
  return {parts.begin(), parts.end()};
}

Result<std::vector<Axis>> axesOf(const ExploreFlags &flags) {
  std::vector<Axis> axes = {{"model", splitList(flags.model)}};
  for (const std::string &text : flags.vary) {
    size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == text.size())
      return usageError("--vary: expected KEY=V1,V2,..., found '{}'", text);
    axes.push_back({text.substr(0, equals), splitList(text.substr(equals + 1))});
  }
  size_t settings = 1;
  for (const Axis &axis : axes)
    if ((settings *= axis.values.size()) > 10000)
      return usageError("--vary: more than 10000 combinations");
  return axes;
}

Result<int64_t> wholeNumber(const Setting &setting, const std::string &key, int64_t otherwise, int64_t high) {
  auto found = setting.find(key);
  if (found == setting.end())
    return otherwise;
  int64_t value = 0;
  if (!CLI::detail::lexical_cast(found->second, value) || value < 1 || value > high)
    return usageError("--vary: {} must be a whole number in [1, {}], found '{}'", key, high, found->second);
  return value;
}

/// The description with the parameters of the setting that are dotted paths.
Result<Target> targetOf(const ExploreFlags &flags, const Setting &setting) {
  Json json = YOKE_TRY(parseJson(YOKE_TRY(findTargetText(flags.system)), flags.system));
  for (const auto &[key, value] : setting) {
    size_t dot = key.find('.');
    if (dot == std::string::npos)
      continue;
    Json *place = &json;
    std::string_view rest = key;
    while ((dot = rest.find('.')) != std::string_view::npos) {
      std::string part(rest.substr(0, dot));
      if (!place->is_object() || !place->contains(part))
        return usageError("--vary: {} has no {}", flags.system, key);
      place = &(*place)[part];
      rest.remove_prefix(dot + 1);
    }
    if (!place->is_object() || !place->contains(std::string(rest)))
      return usageError("--vary: {} has no {}", flags.system, key);
    (*place)[std::string(rest)] = YOKE_TRY(parseJson(value, "--vary " + key));
  }
  return parseTarget(dumpJson(json), flags.system);
}

Status runSetting(const ExploreFlags &flags, const Setting &setting, std::vector<Row> &rows) {
  for (const auto &[key, value] : setting)
    if (key.find('.') == std::string::npos && key != "model" && key != "batch" && key != "context" &&
        key != "dataset" && key != "tp" && key != "pp")
      return usageError("--vary: unknown key '{}'; known are batch, context, dataset, tp, pp and dotted paths of the "
                        "target, as memory.channels",
                        key);
  int64_t tensors = setting.contains("tp") ? YOKE_TRY(wholeNumber(setting, "tp", 1, 4096)) : 0;
  int64_t stages = setting.contains("pp") ? YOKE_TRY(wholeNumber(setting, "pp", 1, 4096)) : 0;
  ModelShape model = YOKE_TRY(readShape(setting.at("model"), tensors, stages));
  Target target = YOKE_TRY(targetOf(flags, setting)), gpu = YOKE_TRY(findTarget(flags.gpu));
  int64_t count = YOKE_TRY(wholeNumber(setting, "batch", 64, 1 << 16));
  std::vector<Request> batch;
  if (setting.contains("dataset"))
    batch = drawSteadyBatch(YOKE_TRY(findDataset(setting.at("dataset"))), count, flags.seed);
  else
    batch.assign(size_t(count), {YOKE_TRY(wholeNumber(setting, "context", 512, 1 << 20))});
  for (const System &system : YOKE_TRY(chooseSystems(flags.modes, {target}, gpu, Interleave::Auto))) {
    Result<Iteration> iteration = simulateIteration(system.target, model, batch, count, system.options);
    if (iteration)
      rows.push_back({setting, system.name, *iteration});
    else if (iteration.error().kind == ErrorKind::Failed)
      printWarning(fmt::format("{} of {}: {}", system.name, model.name, iteration.error().message));
    else
      return tl::unexpected(iteration.error());
  }
  return {};
}

std::string csvOf(const std::vector<Axis> &axes, const std::vector<Row> &rows) {
  std::string out;
  for (const Axis &axis : axes)
    out += axis.key + ",";
  out += "mode,tokens_per_s,time_s,energy_per_token_j,npu_utilisation,pim_utilisation,bandwidth_utilisation,"
         "roof_percent,limit,plan\n";
  for (const Row &row : rows) {
    for (const Axis &axis : axes)
      out += row.setting.at(axis.key) + ",";
    const Iteration &i = row.iteration;
    out += fmt::format("{},{:.2f},{:.8f},{:.8f},{:.4f},{:.4f},{:.4f},{:.2f},{},\"{}\"\n", row.mode, i.tokensPerSecond,
                       i.seconds, i.energyJoules / (i.tokensPerSecond * i.seconds), i.npuUtilisation, i.pimUtilisation,
                       i.bandwidthUtilisation, i.roofPercent, limitingResource(i.breakdown), i.block.plan);
  }
  return out;
}

std::vector<std::string> modesOf(const std::vector<Row> &rows) {
  std::vector<std::string> modes;
  for (const Row &row : rows)
    if (std::find(modes.begin(), modes.end(), row.mode) == modes.end())
      modes.push_back(row.mode);
  return modes;
}

double throughput(const std::vector<Row> &rows, const Setting &setting, const std::string &mode) {
  for (const Row &row : rows)
    if (row.mode == mode && row.setting == setting)
      return row.iteration.tokensPerSecond;
  return NAN;
}

/// Average, least and largest ratio of throughputs of every mode over every other, over the settings that ran both.
std::string ratios(const std::vector<Row> &rows) {
  std::string out =
      fmt::format("{:<40} {:>8} {:>8} {:>8} {:>9}\n", "throughput ratio", "average", "least", "most", "settings");
  std::vector<std::string> modes = modesOf(rows);
  for (size_t above = modes.size(); above-- > 0;)
    for (size_t below = 0; below < modes.size(); ++below) {
      double sum = 0, least = INFINITY, most = 0;
      int64_t count = 0;
      for (const Row &row : rows) {
        if (above == below || row.mode != modes[above])
          continue;
        double ratio = row.iteration.tokensPerSecond / throughput(rows, row.setting, modes[below]);
        if (!std::isfinite(ratio))
          continue;
        sum += ratio;
        least = std::min(least, ratio);
        most = std::max(most, ratio);
        ++count;
      }
      if (count)
        out += fmt::format("{:<40} {:>8.2f} {:>8.2f} {:>8.2f} {:>9}\n", modes[above] + " / " + modes[below],
                           sum / double(count), least, most, count);
    }
  return out;
}

/// The values of a setting, without the key of the groups.
std::string labelOf(const Setting &setting, const std::string &without) {
  std::vector<std::string> parts;
  for (const auto &[key, value] : setting)
    if (key != without)
      parts.push_back(key == "model" || key == "dataset" ? value : key + " " + value);
  return fmt::format("{}", fmt::join(parts, ", "));
}

/// A panel for every setting of the other axes; the last axis gives the groups.
std::string barsOf(const std::vector<Axis> &axes, const std::vector<Row> &rows) {
  const Axis &last = axes.back();
  std::vector<std::string> modes = modesOf(rows);
  std::vector<BarPanel> panels;
  for (const Row &row : rows) {
    std::string title = labelOf(row.setting, last.key);
    if (std::any_of(panels.begin(), panels.end(), [&](const BarPanel &panel) { return panel.title == title; }))
      continue;
    BarPanel panel{title, {}, {}};
    for (const std::string &mode : modes)
      panel.series.push_back({mode, {}});
    for (const std::string &value : last.values) {
      Setting setting = row.setting;
      setting[last.key] = value;
      panel.groups.push_back(last.key + " " + value);
      for (size_t i = 0; i < modes.size(); ++i)
        panel.series[i].values.push_back(throughput(rows, setting, modes[i]));
    }
    panels.push_back(std::move(panel));
  }
  return barChart("Throughput of decoding", "tokens/s", panels);
}

std::string paretoOf(const std::vector<Row> &rows) {
  std::vector<PlotPoint> points;
  for (const Row &row : rows) {
    const Iteration &i = row.iteration;
    points.push_back({i.tokensPerSecond, i.energyJoules / (i.tokensPerSecond * i.seconds) * 1e3, row.mode,
                      row.mode + ", " + labelOf(row.setting, "")});
  }
  return paretoChart("Throughput against energy", "tokens/s", "mJ per token", points);
}

Status writeText(const std::string &path, std::string_view text) {
  AtomicFile file = YOKE_TRY(AtomicFile::create(path));
  YOKE_TRY(file.append(text));
  return file.commit();
}

Result<int> explore(const ExploreFlags &flags) {
  std::vector<Axis> axes = YOKE_TRY(axesOf(flags));
  std::vector<Row> rows;
  size_t settings = 1;
  for (const Axis &axis : axes)
    settings *= axis.values.size();
  ProgressBar bar;
  for (size_t number = 0; number < settings; ++number) {
    bar.update("simulating", double(number) / double(settings));
    Setting setting;
    size_t rest = number;
    for (auto axis = axes.rbegin(); axis != axes.rend(); ++axis) {
      setting[axis->key] = axis->values[rest % axis->values.size()];
      rest /= axis->values.size();
    }
    YOKE_TRY(runSetting(flags, setting, rows));
    if (!flags.csv.empty()) // what is done so far, for long runs
      YOKE_TRY(writeText(flags.csv, csvOf(axes, rows)));
  }
  bar.clear();
  if (rows.empty())
    return failed("nothing fits");
  if (!flags.bars.empty())
    YOKE_TRY(writeText(flags.bars, barsOf(axes, rows)));
  if (!flags.pareto.empty())
    YOKE_TRY(writeText(flags.pareto, paretoOf(rows)));
  YOKE_TRY(writeOutput((flags.csv.empty() ? csvOf(axes, rows) + "\n" : "") + ratios(rows)));
  return 0;
}

} // namespace

void addExploreCommand(CLI::App &app, Action &action) {
  auto flags = std::make_shared<ExploreFlags>();
  CLI::App *command = app.add_subcommand("explore", "Sweep batches, models and a target's parameters");
  command->add_option("-m,--model,model", flags->model, "Models as of `yoke simulate`, a list")
      ->required()
      ->option_text("MODEL,...");
  command->add_option("--system", flags->system, "Built-in target or description")->capture_default_str();
  command->add_option("--gpu-system", flags->gpu, "Target of mode gpu when the system has none")->capture_default_str();
  command->add_option("--mode", flags->modes, "As of `yoke simulate`")->capture_default_str();
  command
      ->add_option("--vary", flags->vary,
                   "batch, context, dataset, tp, pp, or a parameter of the target by its dotted path")
      ->option_text("KEY=V1,V2,...");
  command->add_option("--csv", flags->csv, "Write the table here, row by row [stdout]")->option_text("FILE.csv");
  command->add_option("--svg", flags->pareto, "Throughput against energy, with the Pareto front")
      ->option_text("FILE.svg");
  command->add_option("--bars", flags->bars, "Throughput as bars, grouped by the last --vary")->option_text("FILE.svg");
  command->add_option("--seed", flags->seed, "Of drawn batches")->capture_default_str();
  command->footer(
      "Examples:\n  yoke explore gpt3-7b --mode yoke --vary batch=64 --vary memory.channels=16,32,64 --svg p.svg\n"
      "  tools/yoke-sim/paper-ratios.sh regenerates the published comparison");
  command->callback([flags, &action] { action = [flags] { return explore(*flags); }; });
}

} // namespace yoke::cli
