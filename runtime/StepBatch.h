// Builds the arguments of one call of the compiled step: any number of tokens of any number of sequences.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

namespace yoke {

class StepBatch {
public:
  /// One token of a step; the meaning of each field is that of the step's argument of the same name.
  struct Token {
    int32_t id;
    int32_t position;
    int32_t slot;
    int32_t limit;
    int32_t parent = -1;
  };

  void clear();

  /// Adds a row to the block table; returns its number, which `add` takes. Sequences may differ in length.
  int32_t addSequence(std::span<const int32_t> blockTable);

  /// Adds one token, returns its index in the step: the general form, for draft trees.
  int32_t add(int32_t sequence, const Token &token);

  /// Adds consecutive tokens of a causal sequence whose first `start` tokens are committed: position and slot run from
  /// `start`, each token sees all before it. Returns the index of the first.
  int32_t addCausal(int32_t sequence, std::span<const int32_t> ids, int64_t start);

  /// Adds a whole sequence whose tokens all see each other (encoders), and asks for its one output row.
  void addBidirectional(std::span<const int32_t> ids);

  /// Says that the text which the tokens belong to has `length` tokens so far, some of which are not in this step.
  void reachTo(int64_t length) { reached = std::max(reached, length); }
  int64_t reach() const { return reached; }

  /// Takes back the token added last, and its sequence, which has no other.
  void removeLast();

  /// Asks for the output row of a token; rows come in the order of asking.
  void wantOutput(int32_t tokenIndex) { outputs.push_back(tokenIndex); }

  int64_t tokenCount() const { return static_cast<int64_t>(tokens.size()); }
  int64_t outputCount() const { return static_cast<int64_t>(outputs.size()); }
  int64_t sequenceCount() const { return static_cast<int64_t>(rowStarts.size()); }

  /// Block table [sequences][stride], short rows padded with page 0. Valid until the batch changes.
  std::span<const int32_t> blockTable();
  int64_t blockStride() const { return stride; }

  std::vector<int32_t> tokens, positions, slots, limits, sequences, parents, outputs;

private:
  std::vector<int32_t> blocks; ///< rows as added, one after another
  std::vector<size_t> rowStarts;
  std::vector<int32_t> padded;
  int64_t stride = 0;
  int64_t reached = 0;
};

} // namespace yoke
