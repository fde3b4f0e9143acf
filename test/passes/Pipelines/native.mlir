// Beside a @step that lowers stands a function with an op that has no conversion to the LLVM dialect.
// RUN: yoke-opt %s --yoke-lower-cpu --verify-diagnostics --mlir-print-op-on-diagnostic=false -o /dev/null

func.func @step(%batch: !llm.batch) -> tensor<?x4xf32> {
  %t = llm.fused "rope_table"(%batch) : (!llm.batch) -> tensor<?x4xf32> {
  ^bb0(%b: !llm.batch):
    %r = llm.rope_table %b {rope = #llm.rope<frequencies = [1.0, 0.5], magnitude = 1.0>} : tensor<?x4xf32>
    llm.yield %r : tensor<?x4xf32>
  }
  return %t : tensor<?x4xf32>
}
// What it reads was converted, and the casts back to the types that it wants stay with it.
// expected-error @below {{stage native leaves builtin.unrealized_conversion_cast}}
func.func @other(%tag: memref<1xi32>, %n: index) {
  // expected-error @below {{stage native leaves builtin.unrealized_conversion_cast}}
  %c0 = arith.constant 0 : index
  // expected-error @below {{stage native leaves memref.dma_wait, which the next stage does not know}}
  memref.dma_wait %tag[%c0], %n : memref<1xi32>
  return
}
