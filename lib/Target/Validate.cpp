#include "Target/Validate.h"

#include <bit>
#include <functional>
#include <numeric>

namespace yoke {
namespace {

Status atLeast(const JsonObject &object, std::string_view key, double value, double bound) {
  if (value >= bound)
    return {};
  return object.error(key, fmt::format("violates {} >= {} (is {})", key, bound, value));
}

Status above(const JsonObject &object, std::string_view key, double value, double bound) {
  if (value > bound)
    return {};
  return object.error(key, fmt::format("violates {} > {} (is {})", key, bound, value));
}

Status atMost(const JsonObject &object, std::string_view key, double value, double bound) {
  if (value <= bound)
    return {};
  return object.error(key, fmt::format("violates {} <= {} (is {})", key, bound, value));
}

/// `left >= right`, where `rule` spells both sides.
Status inequality(const JsonObject &object, std::string_view key, std::string_view rule, int64_t left, int64_t right) {
  if (left >= right)
    return {};
  return object.error(key, fmt::format("violates {} ({} < {})", rule, left, right));
}

Status powerOfTwo(const JsonObject &object, std::string_view key, int64_t value) {
  if (value > 0 && std::has_single_bit(uint64_t(value)))
    return {};
  return object.error(key, fmt::format("violates {} = 2^n with n >= 0 (is {})", key, value));
}

} // namespace

Status validateTiming(const DramTiming &t, const JsonObject &object) {
  const std::pair<const char *, int64_t> positive[] = {
      {"tCL", t.CL}, {"tRCDRD", t.RCDRD}, {"tRCDWR", t.RCDWR}, {"tRP", t.RP},   {"tRAS", t.RAS},
      {"tRC", t.RC}, {"tCCD_S", t.CCD_S}, {"tCCD_L", t.CCD_L}, {"tRFC", t.RFC}, {"tREFI", t.REFI}};
  for (const auto &[key, value] : positive)
    YOKE_TRY(above(object, key, double(value), 0));
  const std::pair<const char *, int64_t> notNegative[] = {{"tCWL", t.CWL}, {"tRRD_S", t.RRD_S}, {"tRRD_L", t.RRD_L},
                                                          {"tFAW", t.FAW}, {"tWTR_S", t.WTR_S}, {"tWTR_L", t.WTR_L},
                                                          {"tWR", t.WR},   {"tRTP", t.RTP},     {"tRTRS", t.RTRS}};
  for (const auto &[key, value] : notNegative)
    YOKE_TRY(atLeast(object, key, double(value), 0));
  YOKE_TRY(inequality(object, "tRC", "tRC >= tRAS + tRP", t.RC, t.RAS + t.RP));
  YOKE_TRY(inequality(object, "tRAS", "tRAS >= tRCDRD", t.RAS, t.RCDRD));
  YOKE_TRY(inequality(object, "tRRD_L", "tRRD_L >= tRRD_S", t.RRD_L, t.RRD_S));
  YOKE_TRY(inequality(object, "tCCD_L", "tCCD_L >= tCCD_S", t.CCD_L, t.CCD_S));
  YOKE_TRY(inequality(object, "tWTR_L", "tWTR_L >= tWTR_S", t.WTR_L, t.WTR_S));
  YOKE_TRY(inequality(object, "tFAW", "tFAW >= tRRD_S", t.FAW, t.RRD_S));
  YOKE_TRY(inequality(object, "tRFC", "tRFC >= tRP", t.RFC, t.RP));
  YOKE_TRY(inequality(object, "tREFI", "tREFI > tRFC + tRC", t.REFI, t.RFC + t.RC + 1));
  return {};
}

Status validatePower(const DramPower &power, const JsonObject &object) {
  YOKE_TRY(above(object, "vdd", power.vdd, 0));
  YOKE_TRY(atLeast(object, "idd2n", power.idd2n, 0));
  YOKE_TRY(atLeast(object, "idd3n", power.idd3n, power.idd2n));
  YOKE_TRY(atLeast(object, "idd0", power.idd0, power.idd3n));
  YOKE_TRY(atLeast(object, "idd4r", power.idd4r, power.idd3n));
  YOKE_TRY(atLeast(object, "idd4w", power.idd4w, power.idd3n));
  YOKE_TRY(atLeast(object, "idd5", power.idd5, power.idd3n));
  return {};
}

Status validateMemory(const MemoryTarget &memory, const JsonObject &object) {
  YOKE_TRY(above(object, "clock_mhz", memory.clockMHz, 0));
  YOKE_TRY(atMost(object, "clock_mhz", memory.clockMHz, 1e6));
  const std::pair<const char *, int64_t> counts[] = {{"channels", memory.channels},
                                                     {"ranks", memory.ranks},
                                                     {"bank_groups", memory.bankGroups},
                                                     {"banks_per_group", memory.banksPerGroup},
                                                     {"rows", memory.rows},
                                                     {"row_bytes", memory.rowBytes},
                                                     {"access_bytes", memory.accessBytes}};
  for (const auto &[key, value] : counts) {
    YOKE_TRY(above(object, key, double(value), 0));
    YOKE_TRY(powerOfTwo(object, key, value));
  }
  YOKE_TRY(above(object, "burst_cycles", double(memory.burst), 0));
  YOKE_TRY(atMost(object, "burst_cycles", double(memory.burst), 64));
  YOKE_TRY(atMost(object, "channels", double(memory.channels), 1024));
  YOKE_TRY(inequality(object, "row_bytes", "row_bytes >= access_bytes", memory.rowBytes, memory.accessBytes));
  YOKE_TRY(inequality(object, "ranks", "ranks * bank_groups * banks_per_group <= 64", 64,
                      std::min<int64_t>(memory.ranks, 128) * std::min<int64_t>(memory.bankGroups, 128) *
                          std::min<int64_t>(memory.banksPerGroup, 128)));
  return {};
}

Status validatePim(const PimTarget &pim, const std::optional<MemoryTarget> &memory, const JsonObject &object) {
  if (!memory)
    return object.error("", "needs a memory to compute in");
  YOKE_TRY(powerOfTwo(object, "activate_banks", pim.activateBanks));
  YOKE_TRY(powerOfTwo(object, "macs_per_bank", pim.macsPerBank));
  YOKE_TRY(powerOfTwo(object, "element_bytes", pim.elementBytes));
  YOKE_TRY(above(object, "gwrite_cycles", double(pim.gwriteCycles), 0));
  YOKE_TRY(atLeast(object, "pipeline_fill", double(pim.pipelineFill), 0));
  YOKE_TRY(inequality(object, "activate_banks", "activate_banks >= banks_per_group", pim.activateBanks,
                      memory->banksPerGroup));
  YOKE_TRY(inequality(object, "activate_banks", "activate_banks <= banks of a rank", memory->banksPerRank(),
                      pim.activateBanks));
  YOKE_TRY(inequality(object, "macs_per_bank", "macs_per_bank * element_bytes <= row_bytes",
                      memory->rowBytes / pim.elementBytes, pim.macsPerBank));
  return {};
}

Status validateNpu(const NpuTarget &npu, const JsonObject &object) {
  YOKE_TRY(above(object, "clock_mhz", npu.clockMHz, 0));
  YOKE_TRY(atMost(object, "clock_mhz", npu.clockMHz, 1e6));
  const std::pair<const char *, int64_t> counts[] = {{"arrays", npu.arrays},
                                                     {"array_rows", npu.arrayRows},
                                                     {"array_columns", npu.arrayColumns},
                                                     {"vector_units", npu.vectorUnits},
                                                     {"vector_lanes", npu.vectorLanes},
                                                     {"element_bytes", npu.elementBytes}};
  for (const auto &[key, value] : counts)
    YOKE_TRY(above(object, key, double(value), 0));
  YOKE_TRY(atMost(object, "array_rows", double(npu.arrayRows), 4096));
  YOKE_TRY(atMost(object, "array_columns", double(npu.arrayColumns), 4096));
  YOKE_TRY(atMost(object, "arrays", double(npu.arrays), 4096));
  YOKE_TRY(inequality(object, "scratchpad_bytes", "scratchpad_bytes >= 4 * array_rows * array_columns * element_bytes",
                      npu.scratchpadBytes, 4 * npu.arrayRows * npu.arrayColumns * npu.elementBytes));
  YOKE_TRY(inequality(object, "accumulator_bytes",
                      "accumulator_bytes >= 2 * array_rows * array_columns * element_bytes", npu.accumulatorBytes,
                      2 * npu.arrayRows * npu.arrayColumns * npu.elementBytes));
  YOKE_TRY(atLeast(object, "mac_pj", npu.macEnergy, 0));
  YOKE_TRY(atLeast(object, "scratchpad_pj_per_byte", npu.scratchpadEnergy, 0));
  YOKE_TRY(atLeast(object, "static_w", npu.staticPower, 0));
  return {};
}

Status validateRoofline(const RooflineTarget &roofline, const JsonObject &object) {
  YOKE_TRY(above(object, "peak_flops", roofline.peakFlops, 0));
  YOKE_TRY(above(object, "memory_bytes_per_s", roofline.memoryBandwidth, 0));
  YOKE_TRY(above(object, "capacity_bytes", roofline.capacityBytes, 0));
  YOKE_TRY(atLeast(object, "launch_s", roofline.launchSeconds, 0));
  YOKE_TRY(above(object, "compute_efficiency", roofline.computeEfficiency, 0));
  YOKE_TRY(atMost(object, "compute_efficiency", roofline.computeEfficiency, 1));
  YOKE_TRY(above(object, "memory_efficiency", roofline.memoryEfficiency, 0));
  YOKE_TRY(atMost(object, "memory_efficiency", roofline.memoryEfficiency, 1));
  YOKE_TRY(atLeast(object, "power_w", roofline.power, 0));
  return {};
}

Status validateLink(const LinkTarget &link, const JsonObject &object) {
  YOKE_TRY(above(object, "bytes_per_s", link.bandwidth, 0));
  YOKE_TRY(atLeast(object, "latency_s", link.latency, 0));
  YOKE_TRY(atLeast(object, "nodes", double(link.nodes), 0));
  std::vector<int64_t> parent(size_t(link.nodes), 0);
  std::iota(parent.begin(), parent.end(), 0);
  std::function<int64_t(int64_t)> root = [&](int64_t node) {
    while (parent[size_t(node)] != node)
      node = parent[size_t(node)] = parent[size_t(parent[size_t(node)])];
    return node;
  };
  for (const auto &[from, to] : link.edges) {
    if (from < 0 || to < 0 || from >= link.nodes || to >= link.nodes)
      return object.error("edges",
                          fmt::format("[{}, {}] violates 0 <= node < nodes (nodes is {})", from, to, link.nodes));
    int64_t a = root(from), b = root(to);
    if (a == b)
      return object.error("edges", fmt::format("[{}, {}] closes a cycle; the network must be a tree", from, to));
    parent[size_t(a)] = b;
  }
  return {};
}

} // namespace yoke
