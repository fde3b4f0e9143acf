#include "Simulator/Systems.h"

#include "Support/Split.h"

namespace yoke::sim {
namespace {

struct Named {
  std::string_view name;
  Mode mode;
  bool published;
};
constexpr Named knownSystems[] = {
    {"gpu", Mode::Gpu, false},
    {"npu", Mode::Npu, false},
    {"npu-pim", Mode::NpuPim, false},
    {"neupims", Mode::NeuPims, false},
    {"yoke", Mode::Yoke, false},
    {"published-npu", Mode::Npu, true},
    {"published-npu-pim", Mode::NpuPim, true},
    {"published-neupims", Mode::NeuPims, true},
};

Result<Target> hardwareOf(const Named &system, const std::vector<Target> &targets, const Target &gpu) {
  bool needsPim = system.mode == Mode::NpuPim || system.mode == Mode::NeuPims;
  for (Target target : targets) {
    if (system.mode == Mode::Gpu ? !target.gpu : !target.npu || (needsPim && !target.pim))
      continue;
    if (system.mode == Mode::NpuPim)
      target.pim->dualRowBuffer = target.pim->compositeCommands = false;
    return target;
  }
  if (system.mode == Mode::Gpu)
    return gpu;
  return usageError("mode {} needs a system with {}", system.name, needsPim ? "an npu and a pim" : "an npu");
}

} // namespace

Result<std::vector<System>> chooseSystems(std::string_view modes, const std::vector<Target> &targets, const Target &gpu,
                                          Interleave interleave) {
  std::vector<System> systems;
  for (std::string_view wanted : splitAtCommas(modes)) {
    bool found = false;
    for (const Named &known : knownSystems) {
      if (wanted != "all" && (wanted == "published" ? !known.published : wanted != known.name))
        continue;
      found = true;
      System system{std::string(known.name), YOKE_TRY(hardwareOf(known, targets, gpu)), {}};
      system.options.mode = known.mode;
      system.options.published = known.published;
      system.options.interleave = interleave;
      system.options.links = true;
      systems.push_back(std::move(system));
    }
    if (!found)
      return usageError("unknown mode '{}'; known are gpu, npu, npu-pim, neupims, yoke, published-npu, "
                        "published-npu-pim, published-neupims, published, all",
                        wanted);
  }
  return systems;
}

} // namespace yoke::sim
