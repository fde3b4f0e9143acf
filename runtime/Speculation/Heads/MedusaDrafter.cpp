#include "runtime/Speculation/Heads/MedusaDrafter.h"

namespace yoke {

MedusaDrafter::MedusaDrafter(HeadRunner &heads, const TreeTopology *topology, const RequestAcceptance &acceptance,
                             HeadKinds kinds)
    : heads(heads), topology(topology), acceptance(acceptance), kinds(kinds), guesses(heads.description().heads),
      logits(heads.description().heads * heads.description().vocabulary) {
  if (!topology)
    return;
  children.resize(topology->size());
  for (int32_t node = 1; node < topology->size(); ++node)
    children[topology->parents[node]].push_back(node);
}

void MedusaDrafter::read(int64_t start, std::span<const float> rows) {
  const auto columns = static_cast<size_t>(heads.featureColumns());
  last.assign(rows.end() - static_cast<std::ptrdiff_t>(columns), rows.end());
  position = start + static_cast<int64_t>(rows.size() / columns) - 1;
}

/// Evaluates all heads at the last row. False when a head made no sense.
bool MedusaDrafter::guess() {
  batch.clear();
  batch.add(batch.addSequence({}), {0, 0, 0, 1});
  heads.run(heads.find("medusa_heads"), batch, last, logits);
  const auto vocabulary = static_cast<size_t>(heads.description().vocabulary);
  for (size_t head = 0; head < guesses.size(); ++head) {
    bestGuesses(heads, std::span(logits).subspan(head * vocabulary, vocabulary), width, guesses[head]);
    if (guesses[head].empty())
      return false;
  }
  return true;
}

void MedusaDrafter::draft(std::span<const int32_t> history, const DraftLimits &limits, DraftTree &tree) {
  // The last token has been chosen, but the model has not seen it yet.
  if (position != static_cast<int64_t>(history.size()) - 2 || !guess())
    return;
  expandBestFirst(tree, acceptance, limits, int32_t(0), [&](int32_t node, int32_t depth, auto &&emit) {
    if (depth > static_cast<int32_t>(guesses.size()))
      return;
    const std::vector<HeadGuess> &found = guesses[depth - 1];
    auto take = [&](int32_t rank, int32_t child) {
      if (rank < static_cast<int32_t>(found.size()))
        emit(found[rank].token, kinds.kind(found[rank].share, depth), child);
    };
    if (topology)
      for (int32_t child : children[node])
        take(topology->ranks[child], child);
    else
      for (int32_t rank = 0; rank < width; ++rank)
        take(rank, 0);
  });
}

} // namespace yoke
