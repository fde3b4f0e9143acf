//===- AttentionPlaces.h - keys and values that a token sees --------------===//
#ifndef YOKE_PASSES_LOWERCPU_ATTENTIONPLACES_H
#define YOKE_PASSES_LOWERCPU_ATTENTIONPLACES_H

#include "LowerCpu/Kernel.h"

namespace yoke {

/// Sizes of an attention op, and of the pieces that a thread works on.
struct AttentionSizes {
  AttentionSizes(llm::AttentionOp op, const KernelShape &shape);

  static constexpr int64_t pageTokens = KernelShape::pageTokens;
  /// Pages whose scores are held at once.
  static constexpr int64_t chunkPages = 4;
  static constexpr int64_t chunkTokens = chunkPages * pageTokens;

  int64_t heads, kvHeads, headDim;
  /// Query heads of a key/value head, how many of them are worked on at once, and for how many tokens.
  int64_t group, together, tokens;
  int64_t lanes, paddedDim;

  int64_t rows() const { return together * tokens; }
  int64_t blockBytes() const { return headDim * pageTokens * floatBytes; }
  // A thread's scratch memory: queries, weighted sums, scores, largest scores, changes, sums of exponentials, a page.
  int64_t queryBytes() const { return rows() * paddedDim * floatBytes; }
  int64_t scoresStart() const { return 2 * queryBytes(); }
  int64_t largestStart() const { return scoresStart() + rows() * chunkTokens * floatBytes; }
  int64_t changesStart() const { return largestStart() + lanes * floatBytes; }
  int64_t totalsStart() const { return changesStart() + lanes * floatBytes; }
  int64_t branchStart() const { return totalsStart() + rows() * lanes * floatBytes; }
  int64_t scratchBytes() const { return branchStart() + blockBytes(); }

  static constexpr int64_t floatBytes = sizeof(float);
};

/// Finds the keys [element][token] and values [token][element] of pages of tokens, in the cache or, without one, in the
/// workspace.
class AttentionPlaces {
public:
  AttentionPlaces(KernelBuilder &b, Kernel &kernel, llm::AttentionOp op, const AttentionSizes &sizes);

  /// What a token sees: places [begin, end), which are slots, or from `branch` on positions of its branch of a draft
  /// tree. Without a cache `first` is the token of place 0.
  struct Visible {
    mlir::Value begin, end, branch, first;
  };
  Visible visible(mlir::Value token);

  /// The same for a token that is on no branch.
  Visible visibleChain(mlir::Value token);
  /// True when `token` is on a branch of a draft tree.
  mlir::Value onBranch(mlir::Value token);
  /// True when `a` and `b` see the places of one sequence.
  mlir::Value sameSequence(mlir::Value a, mlir::Value b);

  /// Where the token's own key and value are written: page and place in it.
  struct Own {
    mlir::Value keys, values, lane;
  };
  Own ownPlace(mlir::Value token, mlir::Value head);

  mlir::Value keys(mlir::Value token, mlir::Value head, mlir::Value page, const Visible &seen);
  mlir::Value values(mlir::Value token, mlir::Value head, mlir::Value page, const Visible &seen);

private:
  enum class Part { keys, values };

  mlir::Value batchElement(mlir::Value array, mlir::Value token) { return b.toIndex(b.element(array, token)); }
  mlir::Value pageStart(mlir::Value token, mlir::Value page);
  mlir::Value inPage(Part part, mlir::Value pageStart, mlir::Value head);
  mlir::Value inStep(Part part, mlir::Value head, mlir::Value first);
  mlir::Value find(Part part, mlir::Value token, mlir::Value head, mlir::Value page, const Visible &seen);
  mlir::Value forAncestors(mlir::Value token, llvm::function_ref<void(mlir::Value)> body);
  void gatherBranch(Part part, mlir::Value token, mlir::Value head, mlir::Value page, mlir::Value from);
  mlir::MemRefType typeOf(Part part);

  KernelBuilder &b;
  Kernel &kernel;
  llm::AttentionOp op;
  const AttentionSizes sizes;
  mlir::Value branchKeys, branchValues; ///< views of the same memory
  int64_t pageBytes = 0;                ///< with a cache
  mlir::Value stepTokens; ///< without: tokens that the workspace has room for, a page beyond the last included
};

} // namespace yoke

#endif // YOKE_PASSES_LOWERCPU_ATTENTIONPLACES_H
