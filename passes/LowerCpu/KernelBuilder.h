//===- KernelBuilder.h - vector code for one thread of a team -------------===//
#ifndef YOKE_PASSES_LOWERCPU_KERNELBUILDER_H
#define YOKE_PASSES_LOWERCPU_KERNELBUILDER_H

#include "LowerCpu/KernelShape.h"
#include "LowerCpu/LowerCpu.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace yoke {

/// The values that tell a kernel who it is.
struct Team {
  mlir::Value thread;         ///< index, from 0
  mlir::Value threads;        ///< index
  mlir::Value barrierContext; ///< !llvm.ptr
  mlir::Value barrier;        ///< !llvm.ptr, void (*)(void *)
};

/// A run of columns that one vector covers; `mask` is null when all lanes are used.
struct Columns {
  mlir::Value begin;
  mlir::Value mask;
};

/// Builds vector code: loops, shares of a thread, masked loads and stores.
class KernelBuilder : public mlir::ImplicitLocOpBuilder {
public:
  KernelBuilder(mlir::Location loc, mlir::OpBuilder &builder, const KernelShape &shape, const Team &team)
      : ImplicitLocOpBuilder(loc, builder), shape(shape), team(team) {}

  const KernelShape shape;
  const Team team;

  mlir::VectorType vectorType() { return mlir::VectorType::get({shape.lanes}, getF32Type()); }
  mlir::Value index(int64_t value) { return mlir::arith::ConstantIndexOp::create(*this, value); }
  mlir::Value scalar(double value);
  mlir::Value splat(double value) { return broadcast(scalar(value)); }
  mlir::Value broadcast(mlir::Value scalar) { return mlir::vector::BroadcastOp::create(*this, vectorType(), scalar); }
  mlir::Value toIndex(mlir::Value integer) { return mlir::arith::IndexCastOp::create(*this, getIndexType(), integer); }

  mlir::Value add(mlir::Value a, mlir::Value b);
  mlir::Value sub(mlir::Value a, mlir::Value b);
  mlir::Value mul(mlir::Value a, mlir::Value b);
  mlir::Value div(mlir::Value a, mlir::Value b) { return mlir::arith::DivFOp::create(*this, a, b); }
  mlir::Value fma(mlir::Value a, mlir::Value b, mlir::Value c) { return mlir::math::FmaOp::create(*this, a, b, c); }
  mlir::Value max(mlir::Value a, mlir::Value b) { return mlir::arith::MaximumFOp::create(*this, a, b); }
  mlir::Value exp(mlir::Value a) { return mlir::math::ExpOp::create(*this, a); }
  /// Integer quotient and remainder by a constant, and the minimum and maximum of indices.
  mlir::Value quotient(mlir::Value a, int64_t b) { return mlir::arith::DivUIOp::create(*this, a, index(b)); }
  mlir::Value remainder(mlir::Value a, int64_t b) { return mlir::arith::RemUIOp::create(*this, a, index(b)); }
  mlir::Value least(mlir::Value a, mlir::Value b) { return mlir::arith::MinSIOp::create(*this, a, b); }
  mlir::Value greatest(mlir::Value a, mlir::Value b) { return mlir::arith::MaxSIOp::create(*this, a, b); }
  /// Sum or maximum of a vector's lanes, in a fixed order that does not depend on anything but the vector's size.
  mlir::Value reduceAdd(mlir::Value vector);
  mlir::Value reduceMax(mlir::Value vector);

  /// `memref[indices]` as a scalar.
  mlir::Value element(mlir::Value memref, mlir::ValueRange indices) {
    return mlir::memref::LoadOp::create(*this, memref, indices);
  }
  void setElement(mlir::Value value, mlir::Value memref, mlir::ValueRange indices) {
    mlir::memref::StoreOp::create(*this, value, memref, indices);
  }
  /// A vector of float32 from `memref`; the last index is `columns.begin`; bf16 and f16 are widened.
  mlir::Value load(mlir::Value memref, mlir::ValueRange leading, Columns columns);
  void store(mlir::Value vector, mlir::Value memref, mlir::ValueRange leading, Columns columns);
  /// `columns` moved by `offset`.
  Columns shifted(Columns columns, mlir::Value offset) { return {add(columns.begin, offset), columns.mask}; }

  /// Asks for `groups` groups of a memref<..., panels, groups, N> that lie shape.prefetchBytes behind `group`.
  void prefetch(mlir::Value memref, mlir::ValueRange leading, mlir::Value panel, mlir::Value group, int64_t groups);

  mlir::Value rows(mlir::Value memref) { return mlir::memref::DimOp::create(*this, memref, 0); }
  /// A typed view of `bytes` from byte `offset` on.
  mlir::Value view(mlir::Value bytes, mlir::Value offset, mlir::MemRefType type) {
    return mlir::memref::ViewOp::create(*this, type, bytes, offset, mlir::ValueRange());
  }

  /// if (condition) body else otherwise
  void when(mlir::Value condition, llvm::function_ref<void()> body, llvm::function_ref<void()> otherwise = {});
  /// for (i = begin; i < end; i += step)
  void loop(mlir::Value begin, mlir::Value end, mlir::Value step, llvm::function_ref<void(mlir::Value)> body);
  /// The same with carried values.
  llvm::SmallVector<mlir::Value>
  reduce(mlir::Value begin, mlir::Value end, mlir::Value step, mlir::ValueRange init,
         llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value, mlir::ValueRange)> body);
  /// Calls `body` for each vector of `count` columns: a loop over the full ones, then one masked.
  void forColumns(int64_t count, llvm::function_ref<void(Columns)> body);
  /// The same with carried values.
  llvm::SmallVector<mlir::Value>
  reduceColumns(int64_t count, mlir::ValueRange init,
                llvm::function_ref<llvm::SmallVector<mlir::Value>(Columns, mlir::ValueRange)> body);
  /// The vectors of `count` columns, each with a constant start.
  llvm::SmallVector<Columns> unrolledColumns(int64_t count);

  /// This thread's contiguous part of `count` items.
  std::pair<mlir::Value, mlir::Value> share(mlir::Value count);
  /// Every item of this thread when items are dealt out in turn.
  void dealt(mlir::Value count, llvm::function_ref<void(mlir::Value)> body);
  /// The same in runs of `run` items.
  void dealtRuns(mlir::Value count, int64_t run, llvm::function_ref<void(mlir::Value begin, mlir::Value end)> body);
  /// All threads meet; what they wrote before is visible after.
  void barrier();

private:
  mlir::Value tailMask(int64_t count);
};

} // namespace yoke

#endif // YOKE_PASSES_LOWERCPU_KERNELBUILDER_H
