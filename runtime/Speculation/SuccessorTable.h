#pragma once

#include "Support/Error.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace yoke {

/// For each token of a vocabulary the best next tokens that a model named the last time after it (the adjacency matrix
/// of Token Recycling).
class SuccessorTable {
public:
  static constexpr int32_t width = 8;
  /// How far a successor's logit lay behind the best one's; the best's own: how far ahead of the second.
  static constexpr int32_t marginClasses = 4;

  struct Successor {
    int32_t token;  ///< -1 where nothing is known
    uint8_t margin; ///< class of the margin, 0 is close
  };

  explicit SuccessorTable(int64_t vocabulary) : successors(vocabulary * width, {-1, 0}) {}

  std::span<const Successor, width> of(int32_t token) const {
    return std::span<const Successor, width>(successors.data() + int64_t(token) * width, width);
  }
  /// Replaces the successors of `token` by the best of a row of logits [vocabulary]. A row with NaN changes nothing.
  void learn(int32_t token, std::span<const float> logits);
  /// The same, of at least `width` best tokens and their logits, best first, -1 behind the last.
  void learn(int32_t token, std::span<const float> logits, std::span<const int32_t> best);
  /// A text had `next` after `token`: it takes a place that is still free, unless it has one.
  void observe(int32_t token, int32_t next);

  /// The table as compiled loops read it, see LoopAbi.h.
  std::span<int32_t> pairs() {
    static_assert(sizeof(Successor) == 2 * sizeof(int32_t));
    return {&successors.front().token, successors.size() * 2};
  }

  int64_t vocabulary() const { return static_cast<int64_t>(successors.size()) / width; }

  /// The file holds the table of the model with this identity (the hash of its checkpoint). Error: Resources.
  Status save(const std::string &path, std::string_view identity) const;
  /// Errors: Malformed (format, checksum, another model's table), Resources.
  static Result<SuccessorTable> load(const std::string &path, std::string_view identity, int64_t vocabulary);

private:
  std::vector<Successor> successors;
};

} // namespace yoke
