#include "Simulator/ChannelValues.h"

#include "Simulator/Half.h"

namespace yoke::sim {

ChannelValues::ChannelValues(const MemoryTarget &memory, const PimTarget &pim)
    : pim(pim), rowElements(memory.rowBytes / pim.elementBytes), normalRow(size_t(memory.banksPerChannel()), -1),
      pimRow(normalRow.size(), nullptr), vector(size_t(rowElements), 0), sums(normalRow.size(), 0) {}

ChannelValues::Row &ChannelValues::rowOf(size_t bank, int32_t row) {
  Row &values = rows[key(int64_t(bank), row)];
  if (values.empty())
    values.assign(size_t(rowElements), 0);
  return values;
}

float ChannelValues::element(int64_t bank, int32_t row, int64_t index) const {
  auto found = rows.find(key(bank, row));
  return found == rows.end() ? 0 : found->second[size_t(index)];
}

Status ChannelValues::notOpen(const Command &command, size_t bank) const {
  return failed("{} of row {} in bank {} finds it closed", commandName(command.kind), command.row, bank);
}

Status ChannelValues::place(int64_t bank, int32_t row, int64_t first, std::span<const float> values) {
  if (first < 0 || first + int64_t(values.size()) > rowElements)
    return failed("elements {} to {} are outside a row of {}", first, first + int64_t(values.size()), rowElements);
  Row &to = rowOf(size_t(bank), row);
  for (size_t i = 0; i < values.size(); ++i) {
    float stored = roundToHalf(values[i]);
    if (!std::isfinite(stored))
      return failed("a value of {} does not fit in fp16", values[i]);
    to[size_t(first) + i] = stored;
  }
  return {};
}

Status ChannelValues::multiply(int64_t column) {
  int64_t lanes = pim.macsPerBank, first = column * lanes;
  if (first + lanes > rowElements)
    return failed("COMP of column {} is outside a row of {} elements", column, rowElements);
  for (size_t bank = 0; bank < sums.size(); ++bank) {
    if (!pimRow[bank])
      return failed("COMP finds no row open in bank {}", bank);
    const float *row = pimRow[bank]->data() + first, *other = vector.data() + first;
    float sum = 0;
    for (int64_t lane = 0; lane < lanes; ++lane)
      sum += row[lane] * other[lane];
    sums[bank] += sum;
  }
  return {};
}

Status ChannelValues::read(std::vector<float> &results) {
  for (float &sum : sums) {
    float result = roundToHalf(sum);
    if (!std::isfinite(result))
      return failed("a sum of {} in a bank does not fit in fp16", sum);
    results.push_back(result);
    sum = 0;
  }
  return {};
}

Status ChannelValues::execute(const Command &command, std::vector<float> &results) {
  switch (command.kind) {
  case CommandKind::Activate:
    normalRow[command.bank] = command.row;
    break;
  case CommandKind::Precharge:
    normalRow[command.bank] = -1;
    break;
  case CommandKind::Write:
    if (normalRow[command.bank] != command.row)
      return notOpen(command, command.bank);
    break;
  case CommandKind::Gwrite:
    if (normalRow[command.bank] != command.row)
      return notOpen(command, command.bank);
    vector = rowOf(command.bank, command.row);
    break;
  case CommandKind::GroupActivate:
    for (int64_t i = 0; i < pim.activateBanks; ++i)
      pimRow[size_t(command.bank + i)] = &rowOf(size_t(command.bank + i), command.row);
    break;
  case CommandKind::PimPrecharge:
    pimRow[command.bank] = nullptr;
    break;
  case CommandKind::PimPrechargeAll:
    std::fill(pimRow.begin(), pimRow.end(), nullptr);
    break;
  case CommandKind::Comp:
    return multiply(command.column);
  case CommandKind::CompsReadResult:
    for (int64_t column = command.column; column < command.column + command.count; ++column)
      YOKE_TRY(multiply(column));
    return read(results);
  case CommandKind::ReadResult:
    return read(results);
  default:
    break;
  }
  return {};
}

} // namespace yoke::sim
