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

class ChannelValues {
public:
  ChannelValues(const MemoryTarget &memory, const PimTarget &pim);

  /// Executes ACT, PRE, WR, GWRITE, G_ACT, COMP, READRES, COMPS_READRES and precharges of PIM; the others change no
  /// values, WR included (see `place`). READRES appends one element a bank to `results`, bank 0 first. Errors (Failed):
  /// a command that needs a row that is not open, a sum beyond fp16.
  Status execute(const Command &command, std::vector<float> &results);

  /// An element of a row; 0 where nothing was written.
  float element(int64_t bank, int32_t row, int64_t index) const;
  /// Puts `values`, rounded to fp16, into a row from element `first` on: what a write holds from when the controller
  /// has accepted it, and what lies in memory before a simulation begins. Errors (Failed): a value beyond fp16, an
  /// element outside the row.
  Status place(int64_t bank, int32_t row, int64_t first, std::span<const float> values);

private:
  using Row = std::vector<float>;
  static uint64_t key(int64_t bank, int32_t row) { return uint64_t(uint32_t(row)) << 8 | uint64_t(bank); }
  Row &rowOf(size_t bank, int32_t row);
  Status multiply(int64_t column);
  Status read(std::vector<float> &results);
  Status notOpen(const Command &command, size_t bank) const;

  const PimTarget &pim;
  int64_t rowElements;
  std::vector<int32_t> normalRow;  ///< open in each bank, -1: none
  std::vector<const Row *> pimRow; ///< open in each bank, nullptr: none
  Row vector;
  std::vector<float> sums;
  std::unordered_map<uint64_t, Row> rows;
};

} // namespace yoke::sim
