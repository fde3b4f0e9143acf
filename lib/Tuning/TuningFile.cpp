#include "Tuning/TuningFile.h"

#include "Support/File.h"
#include "Support/Json.h"

#include <algorithm>

namespace yoke {
namespace {

constexpr std::string_view format = "yoke-tuning-1";
constexpr size_t maxBytes = size_t(1) << 24, maxKernels = 10000, maxMeasured = 1000, maxName = 1000;
constexpr double leastTime = 1e-6, mostTime = 1e6;

Result<RelativeTimes> readTimes(const JsonObject &object, std::string_view key) {
  const std::vector<double> pair = YOKE_TRY(object.numbers(key, leastTime, mostTime, 2));
  if (pair.size() != 2)
    return object.error(key, fmt::format("expected 2 numbers, found {}", pair.size()));
  return RelativeTimes{pair[0], pair[1]};
}

Json timesJson(const RelativeTimes &times) { return Json::array({times.token, times.prompt}); }

/// A name without control characters and not too long.
Result<std::string> readName(const JsonObject &object, std::string_view key) {
  std::string name = YOKE_TRY(object.string(key));
  if (name.empty() || name.size() > maxName || std::ranges::any_of(name, [](char c) { return c < ' ' || c == ';'; }))
    return object.error(key, fmt::format("expected 1 to {} printable ASCII characters other than ;", maxName));
  return name;
}

Result<TunedKernel> readKernel(const JsonObject &object) {
  YOKE_TRY(object.expectOnly({"target", "version", "kernel", "threads", "choice", "times", "measured"}));
  TunedKernel kernel;
  kernel.target = YOKE_TRY(readName(object, "target"));
  kernel.version = YOKE_TRY(readName(object, "version"));
  kernel.kernel = YOKE_TRY(readName(object, "kernel"));
  kernel.threads = YOKE_TRY(object.integer("threads", 1, 4096));
  const std::string choice = YOKE_TRY(object.string("choice"));
  kernel.choice = YOKE_TRY(KernelChoice::parse(choice, object.source() + ": " + object.path()));
  kernel.times = YOKE_TRY(readTimes(object, "times"));
  if (auto measured = YOKE_TRY(object.optionalObject("measured"))) {
    if (measured->json().size() > maxMeasured)
      return object.error("measured", fmt::format("expected at most {} choices", maxMeasured));
    for (const auto &[text, unused] : measured->json().items()) {
      YOKE_TRY(KernelChoice::parse(text, object.source() + ": " + measured->path()));
      kernel.measured[text] = YOKE_TRY(readTimes(*measured, text));
    }
  }
  return kernel;
}

} // namespace

Result<TuningFile> TuningFile::parse(std::string_view text, std::string_view source) {
  const Json json = YOKE_TRY(parseJson(text, source, {.depth = 8, .bytes = maxBytes}));
  const JsonObject object = YOKE_TRY(JsonObject::from(json, std::string(source)));
  YOKE_TRY(object.expectOnly({"format", "kernels"}));
  YOKE_TRY(object.choice("format", {format}));
  TuningFile file;
  const std::vector<JsonObject> entries = YOKE_TRY(object.objects("kernels", maxKernels));
  for (const JsonObject &entry : entries) {
    TunedKernel kernel = YOKE_TRY(readKernel(entry));
    if (file.find(kernel.target, kernel.version, kernel.kernel))
      return entry.error("kernel", fmt::format("{} is there twice for the same target and version", kernel.kernel));
    file.kernels.push_back(std::move(kernel));
  }
  return file;
}

Result<TuningFile> TuningFile::read(const std::string &path) {
  const std::string text = YOKE_TRY(readFile(path, maxBytes));
  return parse(text, path);
}

std::string TuningFile::text() const {
  Json entries = Json::array();
  for (const TunedKernel &kernel : kernels) {
    Json measured = Json::object();
    for (const auto &[text, times] : kernel.measured)
      measured[text] = timesJson(times);
    entries.push_back({{"target", kernel.target},
                       {"version", kernel.version},
                       {"kernel", kernel.kernel},
                       {"threads", kernel.threads},
                       {"choice", kernel.choice.text()},
                       {"times", timesJson(kernel.times)},
                       {"measured", measured}});
  }
  return dumpJson({{"format", format}, {"kernels", entries}}, 1) + "\n";
}

Status TuningFile::write(const std::string &path) const {
  AtomicFile file = YOKE_TRY(AtomicFile::create(path));
  YOKE_TRY(file.append(text()));
  return file.commit();
}

std::string TuningFile::targetName(std::string_view processor, std::string_view level) {
  return fmt::format("{}/{}", processor, level);
}

TunedKernel *TuningFile::find(std::string_view target, std::string_view version, std::string_view kernel) {
  auto found = std::ranges::find_if(kernels, [&](const TunedKernel &entry) {
    return entry.target == target && entry.version == version && entry.kernel == kernel;
  });
  return found == kernels.end() ? nullptr : &*found;
}

TunedKernel &TuningFile::at(std::string_view target, std::string_view version, std::string_view kernel) {
  if (TunedKernel *found = find(target, version, kernel))
    return *found;
  TunedKernel &added = kernels.emplace_back();
  added.target = target;
  added.version = version;
  added.kernel = kernel;
  return added;
}

} // namespace yoke
