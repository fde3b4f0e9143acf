#include "runtime/Speculation/Heads/EagleDrafter.h"

#include <algorithm>

namespace yoke {

EagleDrafter::EagleDrafter(HeadRunner &heads, const CostModel &cost, const RequestAcceptance &acceptance,
                           HeadKinds kinds)
    : LevelDrafter(heads, cost, acceptance, kinds), pending(heads.featureColumns()), layer(heads.find("eagle_layer")),
      reduce(heads.find("eagle_features")), sequence(heads.cache().addSequence()) {}

EagleDrafter::~EagleDrafter() { heads.cache().removeSequence(sequence); }

bool EagleDrafter::begin(std::span<const int32_t> history) {
  if (pending.count() > 0) {
    // Rows of tokens whose successor is not known are not read.
    if (pending.end() != static_cast<int64_t>(history.size()) - 1 || !readText(history))
      return false;
    rows = pending.end();
    pending.taken();
  }
  return rows == static_cast<int64_t>(history.size()) - 1;
}

/// Takes the pending rows through the layer; leaves the logits and the output of the last.
bool EagleDrafter::readText(std::span<const int32_t> history) {
  const int64_t size = heads.hiddenSize(), vocabulary = heads.description().vocabulary;
  for (int64_t done = 0; done < pending.count();) {
    const int64_t count = std::min(pending.count() - done, heads.maxRows()), start = pending.first() + done;
    if (!heads.cache().prepareWrite(sequence, start, start + count))
      return false;
    batch.clear();
    const int32_t table = batch.addSequence(heads.cache().blockTable(sequence));
    const int32_t first = batch.addCausal(table, history.subspan(start + 1, count), start);
    std::span<const float> features = pending.slice(done, count);
    if (reduce >= 0) {
      inputs.resize(count * size);
      heads.run(reduce, batch, features, inputs);
      features = inputs;
    }
    batch.wantOutput(first + static_cast<int32_t>(count) - 1);
    result.resize(vocabulary + count * size);
    heads.run(layer, batch, features, result);
    done += count;
  }
  rootLogits.assign(result.begin(), result.begin() + vocabulary);
  hidden.assign(1, {result.end() - size, result.end()});
  return true;
}

std::span<const float> EagleDrafter::evaluate(const DraftTree &tree, std::span<const int32_t> nodes) {
  hidden.resize(nodes.front() == 0 ? 1 : tree.size());
  if (nodes.front() == 0)
    return rootLogits;
  // The nodes and what leads to them: each call sees only the branches that are in it.
  std::vector<int32_t> all;
  for (int32_t node : nodes)
    for (int32_t at = node; at > 0; at = tree[at].parent)
      all.push_back(at);
  std::ranges::sort(all);
  all.erase(std::ranges::unique(all).begin(), all.end());
  const auto count = static_cast<int64_t>(all.size()), size = heads.hiddenSize();
  if (!heads.cache().prepareWrite(sequence, rows, rows + count))
    return {};
  batch.clear();
  inputs.clear();
  const int32_t table = batch.addSequence(heads.cache().blockTable(sequence));
  for (int32_t i = 0; i < count; ++i) {
    const DraftNode &node = tree[all[i]];
    const auto parent = static_cast<int32_t>(std::ranges::lower_bound(all, node.parent) - all.begin());
    const auto root = static_cast<int32_t>(rows);
    batch.add(table, {node.token, root + node.depth - 1, root + i, root + i + 1, node.parent == 0 ? -1 : parent});
    inputs.insert(inputs.end(), hidden[node.parent].begin(), hidden[node.parent].end());
  }
  for (int32_t node : nodes)
    batch.wantOutput(static_cast<int32_t>(std::ranges::lower_bound(all, node) - all.begin()));
  const int64_t logits = static_cast<int64_t>(nodes.size()) * heads.description().vocabulary;
  result.resize(logits + count * size);
  heads.run(layer, batch, inputs, result);
  for (int32_t i = 0; i < count; ++i)
    hidden[all[i]].assign(result.begin() + logits + i * size, result.begin() + logits + (i + 1) * size);
  return std::span(result).first(logits);
}

} // namespace yoke
