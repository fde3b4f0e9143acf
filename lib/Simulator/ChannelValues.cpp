#include "Simulator/ChannelValues.h"

namespace yoke::sim {

ChannelValues::ChannelValues(const MemoryTarget &memory, const PimTarget &pim)
    : pim(pim), rowElements(memory.rowBytes / int64_t(sizeof(Half))), normalRow(size_t(memory.banksPerChannel()), -1),
      pimRow(normalRow), vector(size_t(rowElements), Half(0)), sums(normalRow.size(), 0) {}

std::vector<Half> &ChannelValues::rowOf(size_t bank, int32_t row) {
  std::vector<Half> &values = rows[uint64_t(uint32_t(row)) << 8 | bank];
  if (values.empty())
    values.assign(size_t(rowElements), Half(0));
  return values;
}

Half ChannelValues::element(int64_t bank, int32_t row, int64_t index) const {
  auto found = rows.find(uint64_t(uint32_t(row)) << 8 | uint64_t(bank));
  return found == rows.end() ? Half(0) : found->second[size_t(index)];
}

Status ChannelValues::notOpen(const Command &command, size_t bank) const {
  return failed("{} of row {} in bank {} finds it closed", commandName(command.kind), command.row, bank);
}

Status ChannelValues::write(const Command &command, int64_t first, std::span<const Half> values) {
  if (normalRow[command.bank] != command.row)
    return notOpen(command, command.bank);
  if (first < 0 || first + int64_t(values.size()) > rowElements)
    return failed("WR of elements {} to {} is outside a row of {}", first, first + int64_t(values.size()), rowElements);
  std::vector<Half> &row = rowOf(command.bank, command.row);
  std::copy(values.begin(), values.end(), row.begin() + first);
  return {};
}

Status ChannelValues::multiply(int64_t column) {
  int64_t lanes = pim.macsPerBank, first = column * lanes;
  if (first + lanes > rowElements)
    return failed("COMP of column {} is outside a row of {} elements", column, rowElements);
  for (size_t bank = 0; bank < sums.size(); ++bank) {
    if (pimRow[bank] < 0)
      return failed("COMP finds no row open in bank {}", bank);
    const std::vector<Half> &row = rowOf(bank, pimRow[bank]);
    float sum = 0;
    for (int64_t lane = first; lane < first + lanes; ++lane)
      sum += float(row[size_t(lane)]) * float(vector[size_t(lane)]);
    sums[bank] += sum;
  }
  return {};
}

Status ChannelValues::execute(const Command &command, std::vector<Half> &results) {
  auto read = [&] {
    for (float &sum : sums)
      results.push_back(Half(std::exchange(sum, 0.0f)));
  };
  switch (command.kind) {
  case CommandKind::Activate:
    normalRow[command.bank] = command.row;
    break;
  case CommandKind::Precharge:
    normalRow[command.bank] = -1;
    break;
  case CommandKind::Gwrite:
    if (normalRow[command.bank] != command.row)
      return notOpen(command, command.bank);
    vector = rowOf(command.bank, command.row);
    break;
  case CommandKind::GroupActivate:
    std::fill_n(pimRow.begin() + command.bank, pim.activateBanks, command.row);
    break;
  case CommandKind::PimPrecharge:
    pimRow[command.bank] = -1;
    break;
  case CommandKind::PimPrechargeAll:
    std::fill(pimRow.begin(), pimRow.end(), -1);
    break;
  case CommandKind::Comp:
    return multiply(command.column);
  case CommandKind::CompsReadResult:
    for (int64_t column = command.column; column < command.column + command.count; ++column)
      YOKE_TRY(multiply(column));
    read();
    break;
  case CommandKind::ReadResult:
    read();
    break;
  default:
    break;
  }
  return {};
}

} // namespace yoke::sim
