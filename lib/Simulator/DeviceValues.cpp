#include "Simulator/DeviceValues.h"

namespace yoke::sim {

DeviceValues::DeviceValues(const Target &target)
    : target(target), page(target.memory->rowBytes / target.pim->elementBytes),
      access(target.memory->accessBytes / target.pim->elementBytes), banks(target.memory->banksPerChannel()),
      lanes(target.pim->macsPerBank), endRow(int32_t(target.memory->rows - ProgramBuilder::vectorRows)),
      channels(size_t(target.memory->channels), ChannelValues(*target.memory, *target.pim)),
      nextRow(channels.size(), int32_t(target.memory->rows / 2)) {}

Result<int32_t> DeviceValues::takeRows(int64_t channel, int64_t count) {
  int32_t &next = nextRow[size_t(channel)];
  if (count > endRow - next)
    return failed("{}: channel {} has {} rows left, {} more are needed", target.name, channel, endRow - next, count);
  int32_t first = next;
  next += int32_t(count);
  return first;
}

int64_t DeviceValues::emptiestChannel() const {
  return std::min_element(nextRow.begin(), nextRow.end()) - nextRow.begin();
}

Status checkValueTarget(const Target &target) {
  if (target.npu && target.memory && target.pim && target.pim->compositeCommands && target.pim->dualRowBuffer &&
      target.pim->elementBytes == 2 && target.memory->banksPerChannel() <= 256)
    return {};
  return usageError("{}: values need an npu and a pim with dual_row_buffer, composite_commands and element_bytes = 2",
                    target.name);
}

} // namespace yoke::sim
