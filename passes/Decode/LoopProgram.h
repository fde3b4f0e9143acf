//===- LoopProgram.h - the parts of a generation loop ---------------------===//
#ifndef YOKE_PASSES_DECODE_LOOPPROGRAM_H
#define YOKE_PASSES_DECODE_LOOPPROGRAM_H

#include "Decode/DecodePasses.h"

namespace yoke {

/// A step of a loop, taken apart. Members are null where the loop has no such part.
struct LoopProgram {
  decode::LoopOp loop;
  decode::TreeOp root;   ///< the tree of the root alone
  decode::DraftOp draft; ///< or a drafter's
  decode::VerifyOp verify;
  decode::LearnOp learn;
  decode::AcceptOp accept;
  decode::CommitOp commit;
  decode::SampleOp sample; ///< in place of accept and commit

  /// Fails, with a diagnostic, for a function that is not one loop, and for a step whose parts do not pass each value
  /// on, changed or not, to the part that changes it next: what is changed in place has no older version to read.
  static mlir::FailureOr<LoopProgram> of(mlir::func::FuncOp function);

  decode::TreeType tree() { return root ? root.getTree().getType() : draft.getTree().getType(); }
  decode::Acceptance policy() { return accept ? accept.getPolicy() : sample.getPolicy(); }
  /// The rows that tokens are chosen from: logits, or best logits and their tokens.
  mlir::ValueRange rows() { return accept ? accept.getRows() : sample.getRows(); }
  /// Best tokens of a row; nothing when rows are logits.
  std::optional<int64_t> best();
};

} // namespace yoke

#endif // YOKE_PASSES_DECODE_LOOPPROGRAM_H
