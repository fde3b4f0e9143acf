// Beside a @step that lowers stands a function with an op that no later stage knows.
// RUN: yoke-opt %s --yoke-lower-kernels --verify-diagnostics --mlir-print-op-on-diagnostic=false -o /dev/null

func.func @step(%batch: !llm.batch) -> tensor<?x4xf32> {
  %t = llm.fused "rope_table"(%batch) : (!llm.batch) -> tensor<?x4xf32> {
  ^bb0(%b: !llm.batch):
    %r = llm.rope_table %b {rope = #llm.rope<frequencies = [1.0, 0.5], magnitude = 1.0>} : tensor<?x4xf32>
    llm.yield %r : tensor<?x4xf32>
  }
  return %t : tensor<?x4xf32>
}
func.func @other(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @below {{stage kernels leaves tosa.exp, which the next stage does not know}}
  %0 = tosa.exp %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
