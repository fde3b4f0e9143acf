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
  /// Chunks whose results are summed up on their own, so that several threads can work on one row; and room for how
  /// many such results of tokens of a step there is.
  static constexpr int64_t segmentChunks = 4;
  static constexpr int64_t maxPartials = 256;

  int64_t heads, kvHeads, headDim;
  /// Query heads of a key/value head, how many of them are worked on at once, and for how many tokens.
  int64_t group, together, tokens;
  int64_t lanes, paddedDim;
  /// What keys and values are stored as: float32, bfloat16 or float16.
  mlir::FloatType element;
  int64_t elementBytes;

  int64_t rows() const { return together * tokens; }
  /// Keys, or values, of a page and a head.
  int64_t blockBytes() const { return headDim * pageTokens * elementBytes; }
  /// A row's state is its weighted sums, sums of exponentials a lane, and the largest score.
  int64_t totalsColumn() const { return paddedDim; }
  int64_t largestColumn() const { return paddedDim + lanes; }
  int64_t stateBytes() const { return (paddedDim + 2 * lanes) * floatBytes; }
  int64_t partialsBytes() const { return maxPartials * heads * stateBytes(); }

  // A thread's scratch memory: queries, states of a segment and of those before it, scores, changes, a page.
  int64_t stateStart() const { return rows() * paddedDim * floatBytes; }
  int64_t beforeStart() const { return stateStart() + rows() * stateBytes(); }
  int64_t scoresStart() const { return beforeStart() + rows() * stateBytes(); }
  int64_t changesStart() const { return scoresStart() + rows() * chunkTokens * floatBytes; }
  int64_t branchStart() const { return changesStart() + lanes * floatBytes; }
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

  /// Where the token's own key and value are written, as elements of storedType(): page and place in it.
  struct Own {
    mlir::Value keys, values, lane;
  };
  Own ownPlace(mlir::Value token, mlir::Value head);

  /// Bits of elements, where no arithmetic has to look at them.
  mlir::Type storedType() { return sizes.element.isF32() ? mlir::Type(sizes.element) : b.getI16Type(); }
  /// A vector of float32 as what is stored.
  mlir::Value toStored(mlir::Value vector);

  mlir::Value keys(mlir::Value token, mlir::Value head, mlir::Value page, const Visible &seen);
  mlir::Value values(mlir::Value token, mlir::Value head, mlir::Value page, const Visible &seen);

private:
  enum class Part { keys, values };

  mlir::Value batchElement(mlir::Value array, mlir::Value token) { return b.toIndex(b.element(array, token)); }
  mlir::Value pageStart(mlir::Value token, mlir::Value page);
  mlir::Value blockStart(Part part, mlir::Value page, mlir::Value head);
  mlir::Value inStep(Part part, mlir::Value head, mlir::Value first);
  mlir::Value find(Part part, mlir::Value token, mlir::Value head, mlir::Value page, const Visible &seen);
  mlir::Value forAncestors(mlir::Value token, llvm::function_ref<void(mlir::Value)> body);
  void gatherBranch(Part part, mlir::Value token, mlir::Value head, mlir::Value page, mlir::Value start);
  mlir::MemRefType typeOf(Part part, mlir::Type element);

  llm::KVCacheType cacheType() { return cast<llm::KVCacheType>(op.getCache().getType()); }

  KernelBuilder &b;
  Kernel &kernel;
  llm::AttentionOp op;
  const AttentionSizes sizes;
  int64_t pageBytes = 0;  ///< with a cache
  mlir::Value stepTokens; ///< without: tokens that the workspace has room for, a page beyond the last included
};

} // namespace yoke

#endif // YOKE_PASSES_LOWERCPU_ATTENTIONPLACES_H
