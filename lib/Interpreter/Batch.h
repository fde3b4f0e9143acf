// The tokens of one step, as the interpreter sees them.
#pragma once

#include "Support/Error.h"

#include <cstdint>
#include <vector>

namespace yoke {

/// One entry per token (T) except `outputs`; the fields mean what the step ABI's arrays of the same names mean.
struct Batch {
  std::vector<int32_t> tokens;
  std::vector<int32_t> positions; ///< position in its sequence
  std::vector<int32_t> slots;     ///< KV slot of its sequence where its key and value go
  std::vector<int32_t> limits;    ///< number of leading slots of its sequence it may see, its own included
  std::vector<int32_t> sequences;
  std::vector<int32_t> parents; ///< index in this step of the parent, -1 when that is the committed prefix
  std::vector<int32_t> outputs; ///< tokens whose output row is wanted; for an encoder, each sequence's first token

  int64_t size() const { return static_cast<int64_t>(tokens.size()); }

  /// Errors (Usage) unless the arrays agree in length, parents come before their children in the same sequence, every
  /// token may see its own slot, and no slot is written twice.
  Status verify() const;
};

/// Which tokens of a chain deliver an output row.
enum class Outputs { None, Last, All };

/// Appends `tokens` to the batch as the next tokens of `sequence`, whose first `committed` slots are filled.
void appendChain(Batch &batch, int32_t sequence, int32_t committed, const std::vector<int32_t> &tokens,
                 Outputs outputs = Outputs::Last);

/// Appends a draft tree below `committed` filled slots: `parents[i]` is an index into `tokens`, -1 for a root. Slots
/// are given in order; a token's position is its depth below the prefix. Every token delivers an output row.
void appendTree(Batch &batch, int32_t sequence, int32_t committed, const std::vector<int32_t> &tokens,
                const std::vector<int32_t> &parents);

/// Appends a whole sequence whose tokens all see each other, with one output: its first token.
void appendEncoderSequence(Batch &batch, int32_t sequence, const std::vector<int32_t> &tokens);

} // namespace yoke
