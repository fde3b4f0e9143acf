// The values in the banks of all channels, and which rows are taken.
#pragma once

#include "Simulator/ChannelValues.h"
#include "Simulator/ProgramBuilder.h"

namespace yoke::sim {

/// Rows count upwards from the middle of the banks: what streams to the NPU takes those below, vectors those at the
/// end.
class DeviceValues {
public:
  explicit DeviceValues(const Target &target);

  ChannelValues &channel(int64_t index) { return channels[size_t(index)]; }
  const ChannelValues &channel(int64_t index) const { return channels[size_t(index)]; }
  int64_t channelCount() const { return int64_t(channels.size()); }

  /// `count` successive rows, of the same number in all banks of a channel. Error (Failed): there are no more.
  Result<int32_t> takeRows(int64_t channel, int64_t count);
  /// The channel with the fewest rows taken.
  int64_t emptiestChannel() const;

  const Target &target;
  const int64_t page;   ///< elements of a row
  const int64_t access; ///< elements of an access
  const int64_t banks;  ///< of a channel
  const int64_t lanes;  ///< elements of a COMP

private:
  int32_t endRow;
  std::vector<ChannelValues> channels;
  std::vector<int32_t> nextRow;
};

/// Whether a target computes with values: an NPU beside PIM with two row buffers, composite commands and fp16. Error:
/// Usage.
Status checkValueTarget(const Target &target);

} // namespace yoke::sim
