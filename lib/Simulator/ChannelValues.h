// What the commands of a channel do to values: the rows of its banks, the vector buffer and the sums of the PIM units.
//
// Elements are fp16. A PIM unit multiplies exactly and adds in float32; READRES rounds its sum to fp16.
#pragma once

#include "Simulator/Command.h"
#include "Target/Target.h"

#include <span>
#include <unordered_map>
#include <vector>

namespace yoke::sim {

using Half = _Float16;

class ChannelValues {
public:
  ChannelValues(const MemoryTarget &memory, const PimTarget &pim);

  /// Executes ACT, PRE, GWRITE, G_ACT, COMP, READRES, COMPS_READRES and precharges of PIM; the others change no values.
  /// READRES appends one element a bank to `results`, bank 0 first. Error (Failed): a command that needs a row that is
  /// not open.
  Status execute(const Command &command, std::vector<Half> &results);
  /// A WRITE of one access: `values` go to the open row from element `first` on. Error (Failed): the row is not open.
  Status write(const Command &command, int64_t first, std::span<const Half> values);
  /// An element of a row; 0 where nothing was written.
  Half element(int64_t bank, int32_t row, int64_t index) const;

private:
  std::vector<Half> &rowOf(size_t bank, int32_t row);
  Status multiply(int64_t column);
  Status notOpen(const Command &command, size_t bank) const;

  const PimTarget &pim;
  int64_t rowElements;
  std::vector<int32_t> normalRow, pimRow; ///< open in each bank, -1: none
  std::vector<Half> vector;
  std::vector<float> sums;
  std::unordered_map<uint64_t, std::vector<Half>> rows;
};

} // namespace yoke::sim
