#include "runtime/Speculation/Heads/HydraDrafter.h"

#include <algorithm>

namespace yoke {

HydraDrafter::HydraDrafter(HeadRunner &heads, const CostModel &cost, const RequestAcceptance &acceptance,
                           HeadKinds kinds)
    : LevelDrafter(heads, cost, acceptance, kinds), pending(heads.featureColumns()),
      prefix(heads.find("hydra_prefix")) {
  for (int64_t head = 0; head < heads.description().heads; ++head)
    functions.push_back(heads.find(fmt::format("hydra_head_{}", head)));
  if (prefix >= 0)
    sequence = heads.cache().addSequence();
}

HydraDrafter::~HydraDrafter() {
  if (prefix >= 0)
    heads.cache().removeSequence(sequence);
}

bool HydraDrafter::begin(std::span<const int32_t> history) {
  if (pending.count() > 0) {
    position = pending.end() - 1;
    if (prefix < 0) {
      const auto last = pending.slice(pending.count() - 1, 1);
      features.assign(last.begin(), last.end());
    } else if (!readPrefix()) {
      return false;
    }
    pending.taken();
  }
  return position == static_cast<int64_t>(history.size()) - 2;
}

/// Takes the pending rows through the prefix layer; leaves its last row.
bool HydraDrafter::readPrefix() {
  const int64_t columns = heads.featureColumns();
  for (int64_t done = 0; done < pending.count();) {
    const int64_t count = std::min(pending.count() - done, heads.maxRows()), start = pending.first() + done;
    if (!heads.cache().prepareWrite(sequence, start, start + count))
      return false;
    batch.clear();
    const std::vector<int32_t> unread(count, 0);
    batch.addCausal(batch.addSequence(heads.cache().blockTable(sequence)), unread, start);
    result.resize(count * columns);
    heads.run(prefix, batch, pending.slice(done, count), result);
    done += count;
  }
  features.assign(result.end() - columns, result.end());
  return true;
}

std::span<const float> HydraDrafter::evaluate(const DraftTree &tree, std::span<const int32_t> nodes) {
  const auto depth = tree[nodes.front()].depth;
  batch.clear();
  inputs.clear();
  const int32_t row = batch.addSequence({});
  for (int32_t node : nodes) {
    const size_t first = batch.tokens.size();
    for (int32_t at = node; at >= 0; at = tree[at].parent)
      batch.add(row, {tree[at].token, 0, 0, 1});
    std::ranges::reverse(std::span(batch.tokens).subspan(first));
    inputs.insert(inputs.end(), features.begin(), features.end());
  }
  result.resize(nodes.size() * heads.description().vocabulary);
  heads.run(functions[depth], batch, inputs, result);
  return result;
}

} // namespace yoke
