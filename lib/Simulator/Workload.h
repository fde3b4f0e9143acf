// Batches of requests, and where requests live.
#pragma once

#include "Simulator/Model.h"
#include "Target/Target.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace yoke::sim {

struct Request {
  int64_t length;       ///< tokens whose keys it sees after the step, the new ones included
  int32_t channel = -1; ///< -1: not placed
  int64_t rows = 1;     ///< new tokens in this step
  bool guesses = false; ///< all but one of them are guesses to be verified
};

/// CSV with the header `seq_len` or `seq_len,ch_idx`. Error (Malformed): names the file, the line and the rule.
Result<std::vector<Request>> parseBatch(std::string_view text, std::string_view source, int64_t channels);
Result<std::vector<Request>> loadBatch(const std::string &path, int64_t channels);

/// Cycles that the attention of a request takes on one channel by the published closed-form estimate.
int64_t estimateAttention(const ModelShape &model, const Target &target, int64_t length);

enum class Placement { AsGiven, RoundRobin, LeastLoaded };
/// Gives every request a channel. AsGiven places only those without one, by least load.
void placeRequests(std::vector<Request> &batch, const ModelShape &model, const Target &target, Placement placement);

/// The requests of each channel halved in order; odd counts go alternately to the first and the second half.
std::pair<std::vector<Request>, std::vector<Request>> splitBatch(const std::vector<Request> &batch, int64_t channels);

/// The requests sorted by channel, in the order of the batch within one.
std::vector<Request> byChannel(const std::vector<Request> &batch, int64_t channels);

} // namespace yoke::sim
