// Keys and values of one layer in the banks. A sequence lives in one channel; with B banks, P elements a row, heads of
// d elements, padded to whole COMPs, and g = min(P / d, key heads) heads that share a row:
//   keys    slot s of g heads: bank s mod B, row (s / B, group), head h from element h d on
//   values  feature f of a head: bank f mod B, row (s / P, head, f / B), slot s at element s mod P
// The keys of a token are written as it comes; an access of values holds those of several slots, which the NPU gathers:
// it is written anew with each of them.
#pragma once

#include "Simulator/ValueProgram.h"

namespace yoke::sim {

struct AttentionShape {
  int64_t heads, keyHeads, headSize;
  float scale;
  float softcap = 0; ///< 0: none
};

/// What one token asks for.
struct CacheQuery {
  int64_t row;                  ///< of the queries
  std::vector<int32_t> visible; ///< slots, ascending
};

/// The new keys and values, or the queries, or the results: a row is one token.
struct TokenRows {
  std::function<std::span<const float>(int64_t row)> query, key, value;
  std::function<std::span<float>(int64_t row)> result;
};

class BankedCache {
public:
  BankedCache(DeviceValues &values, const AttentionShape &shape);

  /// Writes tokens of a sequence: slots[i] gets row tokens[i]. `after` is what the rows wait for; the result is done
  /// when they are written. Error (Failed): no rows left.
  Result<TaskId> append(ValueProgram &program, int64_t sequence, const std::vector<int32_t> &slots,
                        const std::vector<int64_t> &tokens, const TokenRows &rows, TaskId after);
  /// Whether a head fits into a row, so that banks can multiply it.
  bool fitsPim() const { return stride <= values.page; }
  /// Attention in the banks: a pass over the keys for each query head of a key head, one over the values for each head.
  TaskId attendInBanks(ValueProgram &program, int64_t sequence, const CacheQuery &query, const TokenRows &rows,
                       TaskId after);
  /// Attention on the arrays, which keys and values stream to once for all queries.
  TaskId attendOnArrays(ValueProgram &program, int64_t sequence, std::vector<CacheQuery> queries, const TokenRows &rows,
                        TaskId after);

private:
  struct Sequence {
    int64_t channel;
    std::vector<int32_t> keyRows;   ///< of each B slots: the row of group 0
    std::vector<int32_t> valueRows; ///< of each P slots: the row of head 0, feature 0
  };
  struct Head;
  struct Gathered {
    std::vector<float> keys, values; ///< [slot][key head][feature]
  };

  Status reserve(Sequence &sequence, int64_t slots);
  BankRow keyPlace(const Sequence &sequence, int64_t group, int64_t slot) const;
  BankRow valuePlace(const Sequence &sequence, int64_t head, int64_t slot, int64_t feature) const;
  int64_t headsOf(int64_t group) const { return std::min(groupHeads, shape.keyHeads - group * groupHeads); }
  float key(const Sequence &sequence, int64_t head, int64_t slot, int64_t feature) const;
  float value(const Sequence &sequence, int64_t head, int64_t slot, int64_t feature) const;
  void writeValues(ValueProgram &program, const Sequence &sequence, const std::vector<int32_t> &slots,
                   const std::vector<int64_t> &tokens, const TokenRows &rows, TaskId after, TaskId done);
  void attendHead(ValueProgram &program, const Sequence &sequence, const Head &head, const CacheQuery &query,
                  const TokenRows &rows, TaskId logits, TaskId done) const;
  Gathered gather(const Sequence &sequence, int64_t begin, int64_t end) const;
  void attendExactly(const Gathered &cache, const CacheQuery &query, const TokenRows &rows) const;

  DeviceValues &values;
  const AttentionShape shape;
  int64_t stride, groupHeads, groups, featureTiles;
  std::map<int64_t, Sequence> sequences;
};

} // namespace yoke::sim
