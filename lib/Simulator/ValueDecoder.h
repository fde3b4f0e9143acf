// A decoder that computes on the simulated device: keys, values, queries and probabilities are written into banks, dot
// products come back through READRES, matrices run on the arrays; all in one pass with the timing.
//
// Layout of a sequence in its channel, with P elements a row, B banks, heads of d elements and g = min(P / d, key
// heads) heads that share a row (rows count from the middle of the banks; weights stream from below):
//   keys    token t of g heads: bank t mod B, row keyBase + t / B, head h from element h d on
//   values  feature f of a head: bank f mod B, row valueBase + (head, t / P, f / B), token t at element t mod P
//   vectors one row each near the end of the banks, from which GWRITE reads them
// A key is written with its token. Values of the access that the token falls into (32 tokens) are kept in the NPU and
// the access is written anew with every token. Weights are not in the banks: they stream in as for timing, exact.
// Activations are rounded to fp16 where they leave the arrays, the vector units and the PIM; sums are float32.
#pragma once

#include "Simulator/ChannelValues.h"
#include "Simulator/Machine.h"
#include "Simulator/Model.h"

#include <memory>

namespace yoke::sim {

/// Matrices are [out][in], row-major.
struct DecoderLayerWeights {
  std::vector<float> query, key, value, projection, gate, up, down, attentionNorm, feedForwardNorm;
};

struct DecoderWeights {
  ModelShape shape; ///< gated and rotary, RMS norms
  double epsilon = 1e-5, ropeTheta = 1e4;
  std::vector<float> embedding, finalNorm, head; ///< an empty head is the embedding
  std::vector<DecoderLayerWeights> layers;
};

class ValueDecoder {
public:
  /// Errors: Usage (no PIM with composite commands), Failed (`positions` tokens do not fit in a channel).
  static Result<std::unique_ptr<ValueDecoder>> create(const Target &target, DecoderWeights weights, int64_t positions);
  ~ValueDecoder();

  /// Feeds the next token and yields the logits.
  Result<std::vector<float>> step(int32_t token);

  int64_t cycles() const;
  int64_t position() const;
  /// The commands of the channel from now on are appended.
  void recordCommands(std::vector<TimedCommand> *trace);

private:
  struct State;
  explicit ValueDecoder(std::unique_ptr<State> state);
  std::unique_ptr<State> state;
};

} // namespace yoke::sim
