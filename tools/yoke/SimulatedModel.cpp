#include "SimulatedModel.h"

#include "Package/Package.h"

#include <filesystem>

namespace yoke::cli {
namespace {

constexpr size_t maxConfigBytes = 16 << 20;

Result<sim::ModelShape> fromPath(const std::filesystem::path &path) {
  std::string name = path.stem().string();
  if (path.extension() == ".yoke") {
    Package package = YOKE_TRY(Package::open(path.string()));
    for (const PackageSection &section : package.sections())
      if (section.name == section_names::config)
        return sim::parseModelConfig(section.text(), path.string() + ": config", name);
    return malformed("{}: the package holds no config.json to read the model's shape from", path.string());
  }
  std::error_code ignored;
  std::filesystem::path file = std::filesystem::is_directory(path, ignored) ? path / "config.json" : path;
  std::string text = YOKE_TRY(readFile(file.string(), maxConfigBytes));
  return sim::parseModelConfig(text, file.string(), name.empty() ? path.parent_path().stem().string() : name);
}

} // namespace

Result<sim::ModelShape> readShape(const std::string &model, int64_t tensors, int64_t stages) {
  std::error_code ignored;
  bool named = model.find_first_of("/.") == std::string::npos && !std::filesystem::exists(model, ignored);
  sim::ModelShape shape = YOKE_TRY(named ? sim::findModel(model) : fromPath(model));
  if (tensors)
    shape.tensorParallel = tensors;
  if (stages)
    shape.pipelineParallel = stages;
  YOKE_TRY(sim::checkParallelism(shape));
  return shape;
}

} // namespace yoke::cli
