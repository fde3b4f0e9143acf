#include "Target/Target.h"

#include "Support/File.h"
#include "Support/Json.h"
#include "Target/Validate.h"

namespace yoke {
namespace {

constexpr int64_t maxCount = 1 << 20;
constexpr int64_t maxCycles = int64_t(1) << 32;
constexpr double huge = 1e30;

Result<DramTiming> readTiming(const JsonObject &memory) {
  JsonObject object = YOKE_TRY(memory.object("timing"));
  YOKE_TRY(object.expectOnly({"tCL", "tCWL", "tRCDRD", "tRCDWR", "tRP", "tRAS", "tRC", "tRRD_S", "tRRD_L", "tFAW",
                              "tCCD_S", "tCCD_L", "tWTR_S", "tWTR_L", "tWR", "tRTP", "tRTRS", "tRFC", "tREFI"}));
  DramTiming timing;
  const std::pair<const char *, int64_t DramTiming::*> fields[] = {
      {"tCL", &DramTiming::CL},       {"tCWL", &DramTiming::CWL},     {"tRCDRD", &DramTiming::RCDRD},
      {"tRCDWR", &DramTiming::RCDWR}, {"tRP", &DramTiming::RP},       {"tRAS", &DramTiming::RAS},
      {"tRC", &DramTiming::RC},       {"tRRD_S", &DramTiming::RRD_S}, {"tRRD_L", &DramTiming::RRD_L},
      {"tFAW", &DramTiming::FAW},     {"tCCD_S", &DramTiming::CCD_S}, {"tCCD_L", &DramTiming::CCD_L},
      {"tWTR_S", &DramTiming::WTR_S}, {"tWTR_L", &DramTiming::WTR_L}, {"tWR", &DramTiming::WR},
      {"tRTP", &DramTiming::RTP},     {"tRTRS", &DramTiming::RTRS},   {"tRFC", &DramTiming::RFC},
      {"tREFI", &DramTiming::REFI},
  };
  for (const auto &[key, field] : fields)
    timing.*field = YOKE_TRY(object.integer(key, -maxCycles, maxCycles));
  YOKE_TRY(validateTiming(timing, object));
  return timing;
}

Result<DramPower> readPower(const JsonObject &memory) {
  JsonObject object = YOKE_TRY(memory.object("power"));
  YOKE_TRY(object.expectOnly({"vdd", "idd0", "idd2n", "idd3n", "idd4r", "idd4w", "idd5"}));
  DramPower power;
  const std::pair<const char *, double DramPower::*> fields[] = {
      {"vdd", &DramPower::vdd},     {"idd0", &DramPower::idd0},   {"idd2n", &DramPower::idd2n},
      {"idd3n", &DramPower::idd3n}, {"idd4r", &DramPower::idd4r}, {"idd4w", &DramPower::idd4w},
      {"idd5", &DramPower::idd5}};
  for (const auto &[key, field] : fields)
    power.*field = YOKE_TRY(object.number(key, -huge, huge));
  YOKE_TRY(validatePower(power, object));
  return power;
}

Result<MemoryTarget> readMemory(const JsonObject &object) {
  YOKE_TRY(object.expectOnly({"clock_mhz", "channels", "ranks", "bank_groups", "banks_per_group", "rows", "row_bytes",
                              "access_bytes", "burst_cycles", "timing", "power"}));
  MemoryTarget memory;
  memory.clockMHz = YOKE_TRY(object.number("clock_mhz", -huge, huge));
  memory.channels = YOKE_TRY(object.integer("channels", -maxCount, maxCount));
  memory.ranks = YOKE_TRY(object.integer("ranks", -maxCount, maxCount));
  memory.bankGroups = YOKE_TRY(object.integer("bank_groups", -maxCount, maxCount));
  memory.banksPerGroup = YOKE_TRY(object.integer("banks_per_group", -maxCount, maxCount));
  memory.rows = YOKE_TRY(object.integer("rows", -maxCycles, maxCycles));
  memory.rowBytes = YOKE_TRY(object.integer("row_bytes", -maxCount, maxCount));
  memory.accessBytes = YOKE_TRY(object.integer("access_bytes", -maxCount, maxCount));
  memory.burst = YOKE_TRY(object.integer("burst_cycles", -maxCount, maxCount));
  YOKE_TRY(validateMemory(memory, object));
  memory.timing = YOKE_TRY(readTiming(object));
  memory.power = YOKE_TRY(readPower(object));
  return memory;
}

Result<PimTarget> readPim(const JsonObject &object, const std::optional<MemoryTarget> &memory) {
  YOKE_TRY(object.expectOnly({"dual_row_buffer", "composite_commands", "all_bank_precharge", "activate_banks",
                              "macs_per_bank", "element_bytes", "gwrite_cycles", "pipeline_fill"}));
  PimTarget pim;
  pim.dualRowBuffer = YOKE_TRY(object.boolean("dual_row_buffer"));
  pim.compositeCommands = YOKE_TRY(object.boolean("composite_commands"));
  pim.allBankPrecharge = YOKE_TRY(object.boolean("all_bank_precharge"));
  pim.activateBanks = YOKE_TRY(object.integer("activate_banks", -maxCount, maxCount));
  pim.macsPerBank = YOKE_TRY(object.integer("macs_per_bank", -maxCount, maxCount));
  pim.elementBytes = YOKE_TRY(object.integer("element_bytes", -maxCount, maxCount));
  pim.gwriteCycles = YOKE_TRY(object.integer("gwrite_cycles", -maxCycles, maxCycles));
  pim.pipelineFill = YOKE_TRY(object.integer("pipeline_fill", -maxCount, maxCount));
  YOKE_TRY(validatePim(pim, memory, object));
  return pim;
}

Result<NpuTarget> readNpu(const JsonObject &object) {
  YOKE_TRY(object.expectOnly({"clock_mhz", "arrays", "array_rows", "array_columns", "vector_units", "vector_lanes",
                              "element_bytes", "scratchpad_bytes", "accumulator_bytes", "mac_pj",
                              "scratchpad_pj_per_byte", "static_w"}));
  NpuTarget npu;
  npu.clockMHz = YOKE_TRY(object.number("clock_mhz", -huge, huge));
  npu.arrays = YOKE_TRY(object.integer("arrays", -maxCount, maxCount));
  npu.arrayRows = YOKE_TRY(object.integer("array_rows", -maxCount, maxCount));
  npu.arrayColumns = YOKE_TRY(object.integer("array_columns", -maxCount, maxCount));
  npu.vectorUnits = YOKE_TRY(object.integer("vector_units", -maxCount, maxCount));
  npu.vectorLanes = YOKE_TRY(object.integer("vector_lanes", -maxCount, maxCount));
  npu.elementBytes = YOKE_TRY(object.integer("element_bytes", -maxCount, maxCount));
  npu.scratchpadBytes = YOKE_TRY(object.integer("scratchpad_bytes", -maxCycles, maxCycles));
  npu.accumulatorBytes = YOKE_TRY(object.integer("accumulator_bytes", -maxCycles, maxCycles));
  npu.macEnergy = YOKE_TRY(object.number("mac_pj", -huge, huge));
  npu.scratchpadEnergy = YOKE_TRY(object.number("scratchpad_pj_per_byte", -huge, huge));
  npu.staticPower = YOKE_TRY(object.number("static_w", -huge, huge));
  YOKE_TRY(validateNpu(npu, object));
  return npu;
}

Result<RooflineTarget> readRoofline(const JsonObject &object) {
  YOKE_TRY(object.expectOnly({"peak_flops", "memory_bytes_per_s", "capacity_bytes", "launch_s", "compute_efficiency",
                              "memory_efficiency", "power_w"}));
  RooflineTarget roofline;
  roofline.peakFlops = YOKE_TRY(object.number("peak_flops", -huge, huge));
  roofline.memoryBandwidth = YOKE_TRY(object.number("memory_bytes_per_s", -huge, huge));
  roofline.capacityBytes = YOKE_TRY(object.number("capacity_bytes", -huge, huge));
  roofline.launchSeconds = YOKE_TRY(object.number("launch_s", -huge, huge));
  roofline.computeEfficiency = YOKE_TRY(object.number("compute_efficiency", -huge, huge));
  roofline.memoryEfficiency = YOKE_TRY(object.number("memory_efficiency", -huge, huge));
  roofline.power = YOKE_TRY(object.number("power_w", -huge, huge));
  YOKE_TRY(validateRoofline(roofline, object));
  return roofline;
}

Result<LinkTarget> readLink(const JsonObject &object) {
  YOKE_TRY(object.expectOnly({"bytes_per_s", "latency_s", "nodes", "edges"}));
  LinkTarget link;
  link.bandwidth = YOKE_TRY(object.number("bytes_per_s", -huge, huge));
  link.latency = YOKE_TRY(object.number("latency_s", -huge, huge));
  link.nodes = YOKE_TRY(object.integer("nodes", -maxCount, maxCount, 0));
  if (const Json *edges = YOKE_TRY(object.optionalArray("edges", 4096)))
    for (const Json &edge : *edges) {
      if (!edge.is_array() || edge.size() != 2 || !edge[0].is_number_integer() || !edge[1].is_number_integer())
        return object.error("edges", "expected pairs of node numbers");
      link.edges.emplace_back(edge[0].get<int64_t>(), edge[1].get<int64_t>());
    }
  YOKE_TRY(validateLink(link, object));
  return link;
}

} // namespace

Result<Target> parseTarget(std::string_view text, std::string_view source) {
  Json document = YOKE_TRY(parseJson(text, source));
  JsonObject root = YOKE_TRY(JsonObject::from(document, std::string(source)));
  YOKE_TRY(root.expectOnly({"name", "description", "memory", "npu", "pim", "gpu", "cpu", "link"}));
  Target target;
  target.name = YOKE_TRY(root.string("name"));
  target.description = YOKE_TRY(root.string("description", ""));
  if (auto object = YOKE_TRY(root.optionalObject("memory")))
    target.memory = YOKE_TRY(readMemory(*object));
  if (auto object = YOKE_TRY(root.optionalObject("npu")))
    target.npu = YOKE_TRY(readNpu(*object));
  if (auto object = YOKE_TRY(root.optionalObject("pim")))
    target.pim = YOKE_TRY(readPim(*object, target.memory));
  if (auto object = YOKE_TRY(root.optionalObject("gpu")))
    target.gpu = YOKE_TRY(readRoofline(*object));
  if (auto object = YOKE_TRY(root.optionalObject("cpu")))
    target.cpu = YOKE_TRY(readRoofline(*object));
  if (auto object = YOKE_TRY(root.optionalObject("link")))
    target.link = YOKE_TRY(readLink(*object));
  if (!target.npu && !target.gpu && !target.cpu)
    return root.error("", "expected at least one device: npu, gpu or cpu");
  if (target.npu && !target.memory)
    return root.error("memory", "missing, and the npu needs it");
  return target;
}

Result<Target> loadTarget(const std::string &path) {
  std::string text = YOKE_TRY(readFile(path, 1 << 20));
  return parseTarget(text, path);
}

std::string describeTarget(const Target &target) {
  std::string text = fmt::format("{}: {}\n", target.name, target.description);
  if (target.memory)
    text += fmt::format("  memory: {} channels x {} ranks x {} banks, {:.1f} GB, {:.1f} GB/s\n",
                        target.memory->channels, target.memory->ranks, target.memory->banksPerRank(),
                        double(target.memory->capacityBytes()) / 1e9, target.memory->bytesPerSecond() / 1e9);
  if (target.npu)
    text += fmt::format("  npu: {} arrays of {}x{}, {:.1f} TFLOP/s, scratchpad {:.1f} MB\n", target.npu->arrays,
                        target.npu->arrayRows, target.npu->arrayColumns,
                        target.npu->flopsPerCycle() * target.npu->clockMHz * 1e-6,
                        double(target.npu->scratchpadBytes) / 1e6);
  if (target.pim)
    text += fmt::format("  pim: {} MACs per bank, {} row buffer, {} precharge\n", target.pim->macsPerBank,
                        target.pim->dualRowBuffer ? "dual" : "single",
                        target.pim->allBankPrecharge ? "all-bank" : "per-bank");
  for (const auto &[name, device] : {std::pair{"gpu", &target.gpu}, std::pair{"cpu", &target.cpu}})
    if (*device)
      text += fmt::format("  {}: {:.1f} TFLOP/s, {:.1f} GB/s, {:.1f} GB\n", name, (*device)->peakFlops / 1e12,
                          (*device)->memoryBandwidth / 1e9, (*device)->capacityBytes / 1e9);
  if (target.link)
    text += fmt::format("  link: {:.1f} GB/s, {:.2f} us\n", target.link->bandwidth / 1e9, target.link->latency * 1e6);
  return text;
}

} // namespace yoke
