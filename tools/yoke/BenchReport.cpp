#include "BenchReport.h"

#include "Support/Json.h"
#include "runtime/HostCpu.h"

#include <cmath>
#include <ctime>
#include <filesystem>
#include <map>

namespace yoke::cli {
namespace {

double mean(const std::vector<double> &values) {
  double sum = 0;
  for (double value : values)
    sum += value;
  return sum / static_cast<double>(values.size());
}

double deviation(const std::vector<double> &values) {
  if (values.size() < 2)
    return 0;
  double middle = mean(values), sum = 0;
  for (double value : values)
    sum += (value - middle) * (value - middle);
  return std::sqrt(sum / static_cast<double>(values.size() - 1));
}

struct Figures {
  std::vector<double> nanoseconds, tokensPerSecond;
  double gigabytesPerSecond = 0; ///< weights read by a step of one token, generation only
  double gigaflops = 0;          ///< two per weight that a token is multiplied with, prompts only
  std::optional<double> percentOfRoof;
};

/// Weights that each token of a prompt is multiplied with: not the table of embeddings, nor the head, which works on
/// the last token alone, and of experts those that are chosen. Found from the bytes that a step of one token reads.
double weightsOfAToken(const Manifest &manifest) {
  static const std::map<std::string_view, double> elementBytes = {{"f32", 4},
                                                                  {"bf16", 2},
                                                                  {"f16", 2},
                                                                  {"q8", 34.0 / 32},
                                                                  {"q4", 18.0 / 32},
                                                                  {"q4-plain", 18.0 / 32},
                                                                  {"q4-asymmetric", 20.0 / 32}};
  const double head = double(manifest.vocabSize) * double(manifest.hiddenSize);
  auto bytes = elementBytes.find(manifest.weightType);
  if (!manifest.tokenBytes || bytes == elementBytes.end())
    return std::max(double(manifest.parameters) - head, 0.0);
  return std::max(double(*manifest.tokenBytes) / bytes->second - head, 0.0);
}

Figures figuresOf(const BenchContext &context, const BenchRow &row) {
  Figures figures;
  const auto tokens = double(row.batch * (row.prompt + row.generation));
  for (int64_t ns : row.nanoseconds) {
    figures.nanoseconds.push_back(double(ns));
    figures.tokensPerSecond.push_back(ns > 0 ? tokens * 1e9 / double(ns) : 0);
  }
  const double rate = mean(figures.tokensPerSecond);
  auto roof = context.roofs.find(row.threads);
  if (row.generation) {
    const auto stored = int64_t(context.model.weights.size());
    const double bytesPerSecond = rate / double(row.batch) * double(context.model.manifest.tokenBytes.value_or(stored));
    figures.gigabytesPerSecond = bytesPerSecond / 1e9;
    if (roof != context.roofs.end())
      figures.percentOfRoof = 100 * bytesPerSecond / roof->second.readBytesPerSecond;
  } else {
    const double flops = rate * 2 * weightsOfAToken(context.model.manifest);
    figures.gigaflops = flops / 1e9;
    if (roof != context.roofs.end())
      figures.percentOfRoof = 100 * flops / roof->second.flopsPerSecond;
  }
  return figures;
}

std::string describe(const Roof &roof) {
  std::string text =
      fmt::format("{:.1f} GB/s read, {:.0f} GFLOP/s f32", roof.readBytesPerSecond / 1e9, roof.flopsPerSecond / 1e9);
  if (roof.bf16FlopsPerSecond > 0)
    text += fmt::format(", {:.0f} bf16", roof.bf16FlopsPerSecond / 1e9);
  if (roof.int8OpsPerSecond > 0)
    text += fmt::format(", {:.0f} GOP/s int8", roof.int8OpsPerSecond / 1e9);
  return text;
}

std::string testName(const BenchRow &row) {
  std::string name = row.generation ? fmt::format("tg{}", row.generation) : fmt::format("pp{}", row.prompt);
  return row.depth ? fmt::format("{} @ d{}", name, row.depth) : name;
}

std::string modelName(const Model &model) {
  return fmt::format("{} {}", model.manifest.architecture, model.manifest.weightType);
}

std::string timestamp() {
  std::time_t now = std::time(nullptr);
  std::tm utc;
  gmtime_r(&now, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

using Fields = std::vector<std::pair<std::string, Json>>;

Fields fieldsOf(const BenchContext &context, const BenchRow &row, const std::string &time) {
  const Model &model = context.model;
  const Figures figures = figuresOf(context, row);
  auto roof = context.roofs.find(row.threads);
  const bool hasRoof = roof != context.roofs.end();
  return {
      {"build_commit", model.manifest.yokeVersion},
      {"cpu_info", hostCpuName()},
      {"backends", "CPU"},
      {"model_filename", model.path},
      {"model_type", modelName(model)},
      {"model_size", model.weights.size()},
      {"model_n_params", model.manifest.parameters},
      {"n_batch", row.batch},
      {"n_threads", row.threads},
      {"n_prompt", row.prompt},
      {"n_gen", row.generation},
      {"n_depth", row.depth},
      {"test", testName(row)},
      {"test_time", time},
      {"avg_ns", std::llround(mean(figures.nanoseconds))},
      {"stddev_ns", std::llround(deviation(figures.nanoseconds))},
      {"avg_ts", mean(figures.tokensPerSecond)},
      {"stddev_ts", deviation(figures.tokensPerSecond)},
      {"gb_per_s", row.generation ? Json(figures.gigabytesPerSecond) : Json(nullptr)},
      {"gflop_per_s", row.prompt ? Json(figures.gigaflops) : Json(nullptr)},
      {"roof_gb_per_s", hasRoof ? Json(roof->second.readBytesPerSecond / 1e9) : Json(nullptr)},
      {"roof_gflop_per_s", hasRoof ? Json(roof->second.flopsPerSecond / 1e9) : Json(nullptr)},
      {"roof_bf16_gflop_per_s", hasRoof ? Json(roof->second.bf16FlopsPerSecond / 1e9) : Json(nullptr)},
      {"roof_int8_gop_per_s", hasRoof ? Json(roof->second.int8OpsPerSecond / 1e9) : Json(nullptr)},
      {"percent_of_roof", figures.percentOfRoof ? Json(*figures.percentOfRoof) : Json(nullptr)},
  };
}

std::string formatJson(const BenchContext &context, const std::vector<BenchRow> &rows) {
  const std::string time = timestamp();
  Json list = Json::array();
  for (const BenchRow &row : rows) {
    Json object = Json::object();
    for (auto &[key, value] : fieldsOf(context, row, time))
      object[key] = value;
    object["samples_ns"] = row.nanoseconds;
    object["samples_ts"] = figuresOf(context, row).tokensPerSecond;
    list.push_back(std::move(object));
  }
  return dumpJson(list, 2) + "\n";
}

std::string csvValue(const Json &value) {
  if (value.is_null())
    return "";
  std::string text = value.is_string() ? value.get<std::string>() : dumpJson(value);
  std::string quoted = "\"";
  for (char c : text)
    quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

std::string formatCsv(const BenchContext &context, const std::vector<BenchRow> &rows) {
  const std::string time = timestamp();
  std::string out;
  for (const BenchRow &row : rows) {
    std::vector<std::string> names, values;
    for (auto &[key, value] : fieldsOf(context, row, time)) {
      names.push_back(key);
      values.push_back(csvValue(value));
    }
    if (out.empty())
      out = fmt::format("{}\n", fmt::join(names, ","));
    out += fmt::format("{}\n", fmt::join(values, ","));
  }
  return out;
}

std::string humanBytes(double bytes) {
  return bytes >= 1 << 30 ? fmt::format("{:.2f} GiB", bytes / (1 << 30)) : fmt::format("{:.2f} MiB", bytes / (1 << 20));
}

std::string humanCount(double count) {
  return count >= 1e9 ? fmt::format("{:.2f} B", count / 1e9) : fmt::format("{:.2f} M", count / 1e6);
}

std::string formatMarkdown(const BenchContext &context, const std::vector<BenchRow> &rows) {
  bool batched = false;
  for (const BenchRow &row : rows)
    batched |= row.batch != 1;
  std::vector<std::vector<std::string>> table = {{"model", "size", "params", "backend", "threads"}};
  if (batched)
    table[0].push_back("batch");
  for (const char *title : {"test", "t/s", "of roof"})
    table[0].push_back(title);
  for (const BenchRow &row : rows) {
    const Figures figures = figuresOf(context, row);
    std::vector<std::string> cells = {modelName(context.model), humanBytes(double(context.model.weights.size())),
                                      humanCount(double(context.model.manifest.parameters)), "CPU",
                                      std::to_string(row.threads)};
    if (batched)
      cells.push_back(std::to_string(row.batch));
    cells.push_back(testName(row));
    cells.push_back(fmt::format("{:.2f} ± {:.2f}", mean(figures.tokensPerSecond), deviation(figures.tokensPerSecond)));
    std::string share = figures.percentOfRoof ? fmt::format("{:.0f} %", *figures.percentOfRoof) : "-";
    cells.push_back(row.generation ? fmt::format("{} ({:.1f} GB/s)", share, figures.gigabytesPerSecond)
                                   : fmt::format("{} ({:.1f} GFLOP/s)", share, figures.gigaflops));
    table.push_back(std::move(cells));
  }
  std::vector<size_t> widths(table[0].size());
  auto length = [](const std::string &text) {
    size_t count = 0;
    for (char c : text)
      count += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    return count;
  };
  for (const auto &cells : table)
    for (size_t i = 0; i < cells.size(); ++i)
      widths[i] = std::max(widths[i], length(cells[i]));
  std::string out;
  for (size_t r = 0; r < table.size(); ++r) {
    for (size_t i = 0; i < widths.size(); ++i)
      out += "| " +
             (i == 0 ? table[r][i] + std::string(widths[i] - length(table[r][i]), ' ')
                     : std::string(widths[i] - length(table[r][i]), ' ') + table[r][i]) +
             " ";
    out += "|\n";
    if (r == 0) {
      for (size_t i = 0; i < widths.size(); ++i)
        out += "| " + (i == 0 ? std::string(widths[i], '-') : std::string(widths[i] - 1, '-') + ":") + " ";
      out += "|\n";
    }
  }
  for (const auto &[threads, roof] : context.roofs)
    out += fmt::format("\nroof with {} threads: {}\n", threads, describe(roof));
  return out;
}

} // namespace

std::string formatBench(const BenchContext &context, const std::vector<BenchRow> &rows, const std::string &format) {
  if (format == "json")
    return formatJson(context, rows);
  if (format == "csv")
    return formatCsv(context, rows);
  return formatMarkdown(context, rows);
}

} // namespace yoke::cli
