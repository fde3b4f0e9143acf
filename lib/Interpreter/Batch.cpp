#include "Interpreter/Batch.h"

#include <set>

using namespace yoke;

Status Batch::verify() const {
  for (const auto *field : {&positions, &slots, &limits, &sequences, &parents})
    if (field->size() != tokens.size())
      return usageError("batch: expected {} entries per field, found {}", tokens.size(), field->size());
  std::set<std::pair<int32_t, int32_t>> written;
  for (int64_t t = 0; t < size(); ++t) {
    if (positions[t] < 0 || slots[t] < 0 || sequences[t] < 0)
      return usageError("batch: token {}: position, slot and sequence must not be negative", t);
    if (limits[t] <= slots[t])
      return usageError("batch: token {}: limit {} hides its own slot {}", t, limits[t], slots[t]);
    if (parents[t] < -1 || parents[t] >= t)
      return usageError("batch: token {}: parent {} is not an earlier token", t, parents[t]);
    if (parents[t] >= 0 && sequences[parents[t]] != sequences[t])
      return usageError("batch: token {}: parent {} is in another sequence", t, parents[t]);
    if (!written.emplace(sequences[t], slots[t]).second)
      return usageError("batch: token {}: slot {} of sequence {} is written twice", t, slots[t], sequences[t]);
  }
  for (int32_t output : outputs)
    if (output < 0 || output >= size())
      return usageError("batch: output {} is not one of {} tokens", output, size());
  return {};
}

static void append(Batch &batch, int32_t sequence, int32_t token, int32_t position, int32_t slot, int32_t limit,
                   int32_t parent) {
  batch.tokens.push_back(token);
  batch.positions.push_back(position);
  batch.slots.push_back(slot);
  batch.limits.push_back(limit);
  batch.sequences.push_back(sequence);
  batch.parents.push_back(parent);
}

void yoke::appendChain(Batch &batch, int32_t sequence, int32_t committed, const std::vector<int32_t> &tokens,
                       Outputs outputs) {
  for (size_t i = 0; i < tokens.size(); ++i) {
    auto index = static_cast<int32_t>(batch.size());
    int32_t slot = committed + static_cast<int32_t>(i);
    append(batch, sequence, tokens[i], slot, slot, slot + 1, i == 0 ? -1 : index - 1);
    if (outputs == Outputs::All || (outputs == Outputs::Last && i + 1 == tokens.size()))
      batch.outputs.push_back(index);
  }
}

void yoke::appendTree(Batch &batch, int32_t sequence, int32_t committed, const std::vector<int32_t> &tokens,
                      const std::vector<int32_t> &parents) {
  auto first = static_cast<int32_t>(batch.size());
  for (size_t i = 0; i < tokens.size(); ++i) {
    int32_t parent = parents[i] < 0 ? -1 : first + parents[i];
    int32_t position = parent < 0 ? committed : batch.positions[parent] + 1;
    int32_t slot = committed + static_cast<int32_t>(i);
    batch.outputs.push_back(static_cast<int32_t>(batch.size()));
    append(batch, sequence, tokens[i], position, slot, slot + 1, parent);
  }
}

void yoke::appendEncoderSequence(Batch &batch, int32_t sequence, const std::vector<int32_t> &tokens) {
  auto first = static_cast<int32_t>(batch.size());
  auto length = static_cast<int32_t>(tokens.size());
  batch.outputs.push_back(first);
  for (int32_t i = 0; i < length; ++i)
    append(batch, sequence, tokens[i], i, i, length, i == 0 ? -1 : first + i - 1);
}
