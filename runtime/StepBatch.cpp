#include "runtime/StepBatch.h"

#include <algorithm>

namespace yoke {

void StepBatch::clear() {
  for (auto *list : {&tokens, &positions, &slots, &limits, &sequences, &parents, &outputs, &blocks})
    list->clear();
  rowStarts.clear();
  stride = 0;
  reached = 0;
}

int32_t StepBatch::addSequence(std::span<const int32_t> blockTable) {
  rowStarts.push_back(blocks.size());
  blocks.insert(blocks.end(), blockTable.begin(), blockTable.end());
  stride = std::max<int64_t>(stride, static_cast<int64_t>(blockTable.size()));
  return static_cast<int32_t>(rowStarts.size()) - 1;
}

int32_t StepBatch::add(int32_t sequence, const Token &token) {
  tokens.push_back(token.id);
  positions.push_back(token.position);
  slots.push_back(token.slot);
  limits.push_back(token.limit);
  sequences.push_back(sequence);
  parents.push_back(token.parent);
  return static_cast<int32_t>(tokens.size()) - 1;
}

int32_t StepBatch::addCausal(int32_t sequence, std::span<const int32_t> ids, int64_t start) {
  const int32_t first = static_cast<int32_t>(tokens.size());
  int32_t parent = -1;
  auto slot = static_cast<int32_t>(start);
  for (int32_t id : ids) {
    parent = add(sequence, {id, slot, slot, slot + 1, parent});
    ++slot;
  }
  return first;
}

void StepBatch::removeLast() {
  for (auto *list : {&tokens, &positions, &slots, &limits, &sequences, &parents})
    list->pop_back();
  blocks.resize(rowStarts.back());
  rowStarts.pop_back();
}

void StepBatch::addBidirectional(std::span<const int32_t> ids) {
  int32_t sequence = addSequence({});
  const auto length = static_cast<int32_t>(ids.size());
  wantOutput(static_cast<int32_t>(tokens.size()));
  for (int32_t i = 0; i < length; ++i)
    add(sequence, {ids[i], i, i, length});
}

std::span<const int32_t> StepBatch::blockTable() {
  padded.assign(rowStarts.size() * stride, 0);
  for (size_t row = 0; row < rowStarts.size(); ++row) {
    size_t end = row + 1 < rowStarts.size() ? rowStarts[row + 1] : blocks.size();
    std::copy(blocks.begin() + rowStarts[row], blocks.begin() + end, padded.begin() + row * stride);
  }
  return padded;
}

} // namespace yoke
