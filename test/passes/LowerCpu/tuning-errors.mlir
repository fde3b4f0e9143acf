// An attribute that is no choice of ours is refused where the kernel is made.
// RUN: yoke-opt %s --split-input-file --verify-diagnostics --yoke-pack-weights --yoke-lower-to-kernels

func.func @step(%tokens: tensor<?xi32>, %batch: !llm.batch) -> tensor<?x8xf32> {
  %e = ml_program.global_load_const @e : tensor<9x8xf32>
  // expected-error @below {{llm.tuning: expected rows in [1, 12], found 0}}
  %x = llm.fused "embedding"(%tokens, %e) {llm.tuning = {rows = 0 : i64}} : (tensor<?xi32>, tensor<9x8xf32>) -> tensor<?x8xf32> {
  ^bb0(%t: tensor<?xi32>, %e0: tensor<9x8xf32>):
    %y = llm.embedding %t, %e0 : (tensor<?xi32>, tensor<9x8xf32>) -> tensor<?x8xf32>
    llm.yield %y : tensor<?x8xf32>
  }
  return %x : tensor<?x8xf32>
}
ml_program.global private @e(#llm.weight<#llm.piece<"e", offset = 0, block = 9, stride = 9, count = 1>>) : tensor<9x8xf32>

// -----

func.func @step(%tokens: tensor<?xi32>, %batch: !llm.batch) -> tensor<?x8xf32> {
  %e = ml_program.global_load_const @e : tensor<9x8xf32>
  // expected-error @below {{llm.tuning: expected rows, unroll, prefetch, dealt or panels, found {tiles = 2 : i64}}}
  %x = llm.fused "embedding"(%tokens, %e) {llm.tuning = {tiles = 2 : i64}} : (tensor<?xi32>, tensor<9x8xf32>) -> tensor<?x8xf32> {
  ^bb0(%t: tensor<?xi32>, %e0: tensor<9x8xf32>):
    %y = llm.embedding %t, %e0 : (tensor<?xi32>, tensor<9x8xf32>) -> tensor<?x8xf32>
    llm.yield %y : tensor<?x8xf32>
  }
  return %x : tensor<?x8xf32>
}
ml_program.global private @e(#llm.weight<#llm.piece<"e", offset = 0, block = 9, stride = 9, count = 1>>) : tensor<9x8xf32>
