// What a machine is made of, read from a JSON file: the numbers that placement, scheduling and simulation work from.
#pragma once

#include "Support/Error.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace yoke {

/// DRAM timing in cycles of the memory clock, by the names of the JEDEC standards.
struct DramTiming {
  int64_t CL, CWL, RCDRD, RCDWR, RP, RAS, RC, RRD_S, RRD_L, FAW, CCD_S, CCD_L, WTR_S, WTR_L, WR, RTP, RTRS, RFC, REFI;
};

/// IDD currents in mA and the supply voltage in V.
struct DramPower {
  double vdd, idd0, idd2n, idd3n, idd4r, idd4w, idd5;
};

struct MemoryTarget {
  double clockMHz;
  int64_t channels, ranks, bankGroups, banksPerGroup;
  int64_t rows;
  int64_t rowBytes;    ///< bytes of a bank's row buffer
  int64_t accessBytes; ///< bytes moved by one READ or WRITE
  int64_t burst;       ///< data bus cycles of one access
  DramTiming timing;
  DramPower power;

  int64_t banksPerRank() const { return bankGroups * banksPerGroup; }
  int64_t banksPerChannel() const { return ranks * banksPerRank(); }
  int64_t accessesPerRow() const { return rowBytes / accessBytes; }
  /// Bytes per cycle of the memory clock, all channels.
  double bytesPerCycle() const { return double(channels) * double(accessBytes) / double(burst); }
  double bytesPerSecond() const { return bytesPerCycle() * clockMHz * 1e6; }
  int64_t capacityBytes() const { return channels * banksPerChannel() * rows * rowBytes; }
};

struct PimTarget {
  bool dualRowBuffer;     ///< a second row buffer per bank, so that normal accesses go on beside PIM
  bool compositeCommands; ///< COMPS_READRES: several COMPs and a READRES under one command slot
  bool allBankPrecharge;  ///< one command closes the PIM buffers of all banks of a channel
  int64_t activateBanks;  ///< banks opened by one G_ACT: a whole number of bank groups' worth, or one group
  int64_t macsPerBank;    ///< elements multiplied per COMP in each bank
  int64_t elementBytes;
  int64_t gwriteCycles; ///< a row from a bank into the channel's vector buffer
  int64_t pipelineFill; ///< COMPs' worth of time that the adder tree needs before a READRES
};

struct NpuTarget {
  double clockMHz;
  int64_t arrays, arrayRows, arrayColumns;
  int64_t vectorUnits, vectorLanes;
  int64_t elementBytes;
  int64_t scratchpadBytes, accumulatorBytes;
  double macEnergy;        ///< pJ
  double scratchpadEnergy; ///< pJ per byte
  double staticPower;      ///< W

  double flopsPerCycle() const { return 2.0 * double(arrays * arrayRows * arrayColumns); }
};

/// A device known only by its roof: GPUs and CPUs.
struct RooflineTarget {
  double peakFlops;         ///< per second, in the element type used
  double memoryBandwidth;   ///< bytes per second
  double capacityBytes;     ///< of its memory
  double launchSeconds;     ///< fixed cost of one kernel
  double computeEfficiency; ///< reachable share of peakFlops
  double memoryEfficiency;  ///< reachable share of memoryBandwidth
  double power;             ///< W, busy
};

struct LinkTarget {
  double bandwidth; ///< bytes per second, each direction
  double latency;   ///< seconds per message
  int64_t nodes;    ///< 0: any number, all connected to all
  std::vector<std::pair<int64_t, int64_t>> edges;
};

struct Target {
  std::string name, description;
  std::optional<MemoryTarget> memory;
  std::optional<NpuTarget> npu;
  std::optional<PimTarget> pim;
  std::optional<RooflineTarget> gpu, cpu;
  std::optional<LinkTarget> link;
};

/// Reads a target description. `source` names the text in messages.
/// Error (Malformed): names the file, the key and the inequality that does not hold.
Result<Target> parseTarget(std::string_view text, std::string_view source);
Result<Target> loadTarget(const std::string &path);

/// A page for people: devices, peaks, bandwidths and capacities.
std::string describeTarget(const Target &target);

} // namespace yoke
