// Regions written by hand that no kernel computes.
// RUN: yoke-opt %s --yoke-lower-kernels --split-input-file --verify-diagnostics --mlir-print-op-on-diagnostic=false -o /dev/null

ml_program.global private @w(#llm.weight<#llm.piece<"w", offset = 0, block = 8, stride = 8, count = 1>>) : tensor<8x8xf32>
func.func @step(%tokens: tensor<?xi32>) -> tensor<?x8xf32> {
  %w = ml_program.global_load_const @w : tensor<8x8xf32>
  // Two kinds in one.
  // expected-error @below {{the CPU has no kernel for the region embedding.linear}}
  %y = llm.fused "embedding.linear"(%tokens, %w) : (tensor<?xi32>, tensor<8x8xf32>) -> tensor<?x8xf32> {
  ^bb0(%a: tensor<?xi32>, %b: tensor<8x8xf32>):
    %e = llm.embedding %a, %b : (tensor<?xi32>, tensor<8x8xf32>) -> tensor<?x8xf32>
    %l = llm.linear %e, %b : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
    llm.yield %l : tensor<?x8xf32>
  }
  return %y : tensor<?x8xf32>
}

// -----

ml_program.global private @w(#llm.weight<#llm.piece<"w", offset = 0, block = 8, stride = 8, count = 1>>) : tensor<8x8xf32>
func.func @step(%tokens: tensor<?xi32>) -> tensor<?x8xf32> {
  %w = ml_program.global_load_const @w : tensor<8x8xf32>
  %e = llm.fused "embedding"(%tokens, %w) : (tensor<?xi32>, tensor<8x8xf32>) -> tensor<?x8xf32> {
  ^bb0(%a: tensor<?xi32>, %b: tensor<8x8xf32>):
    %e = llm.embedding %a, %b : (tensor<?xi32>, tensor<8x8xf32>) -> tensor<?x8xf32>
    llm.yield %e : tensor<?x8xf32>
  }
  // Only a norm may stand before a projection.
  // expected-error @below {{the CPU has no kernel for the region scale.linear}}
  %y = llm.fused "scale.linear"(%e, %w) : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32> {
  ^bb0(%a: tensor<?x8xf32>, %b: tensor<8x8xf32>):
    %s = llm.scale %a {factor = 2.0 : f32} : tensor<?x8xf32>
    %l = llm.linear %s, %b : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
    llm.yield %l : tensor<?x8xf32>
  }
  return %y : tensor<?x8xf32>
}

// -----

ml_program.global private @w(#llm.weight<#llm.piece<"w", offset = 0, block = 8, stride = 8, count = 1>>) : tensor<8x8xf32>
ml_program.global private @g(#llm.weight<#llm.piece<"g", offset = 0, block = 8, stride = 8, count = 1>>) : tensor<8xf32>
func.func @step(%tokens: tensor<?xi32>) -> tensor<?x8xf32> {
  %w = ml_program.global_load_const @w : tensor<8x8xf32>
  %g = ml_program.global_load_const @g : tensor<8xf32>
  %e = llm.fused "embedding"(%tokens, %w) : (tensor<?xi32>, tensor<8x8xf32>) -> tensor<?x8xf32> {
  ^bb0(%a: tensor<?xi32>, %b: tensor<8x8xf32>):
    %e = llm.embedding %a, %b : (tensor<?xi32>, tensor<8x8xf32>) -> tensor<?x8xf32>
    llm.yield %e : tensor<?x8xf32>
  }
  // The norm's result is read after the projection too.
  // expected-error @below {{the CPU has no kernel for the region rms_norm.linear.addf}}
  %y = llm.fused "rms_norm.linear.addf"(%e, %w, %g) : (tensor<?x8xf32>, tensor<8x8xf32>, tensor<8xf32>) -> tensor<?x8xf32> {
  ^bb0(%a: tensor<?x8xf32>, %b: tensor<8x8xf32>, %c: tensor<8xf32>):
    %n = llm.rms_norm %a, %c {epsilon = 1.0e-5 : f32} : tensor<?x8xf32>, tensor<8xf32>
    %l = llm.linear %n, %b : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
    %s = arith.addf %l, %n : tensor<?x8xf32>
    llm.yield %s : tensor<?x8xf32>
  }
  return %y : tensor<?x8xf32>
}

// -----

ml_program.global private @w(#llm.weight<#llm.piece<"w", offset = 0, block = 8, stride = 8, count = 1>>) : tensor<8x8xf32>
func.func @step(%tokens: tensor<?xi32>) -> tensor<?x4xf32> {
  %w = ml_program.global_load_const @w : tensor<8x8xf32>
  %e = llm.fused "embedding"(%tokens, %w) : (tensor<?xi32>, tensor<8x8xf32>) -> tensor<?x8xf32> {
  ^bb0(%a: tensor<?xi32>, %b: tensor<8x8xf32>):
    %e = llm.embedding %a, %b : (tensor<?xi32>, tensor<8x8xf32>) -> tensor<?x8xf32>
    llm.yield %e : tensor<?x8xf32>
  }
  // Halves that are added are no gate.
  // expected-error @below {{the CPU has no kernel for the region linear.addf}}
  %y = llm.fused "linear.addf"(%e, %w) : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x4xf32> {
  ^bb0(%a: tensor<?x8xf32>, %b: tensor<8x8xf32>):
    %l = llm.linear %a, %b : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
    %c0 = arith.constant 0 : index
    %n = tensor.dim %l, %c0 : tensor<?x8xf32>
    %p = tensor.extract_slice %l[0, 0] [%n, 4] [1, 1] : tensor<?x8xf32> to tensor<?x4xf32>
    %q = tensor.extract_slice %l[0, 4] [%n, 4] [1, 1] : tensor<?x8xf32> to tensor<?x4xf32>
    %s = arith.addf %p, %q : tensor<?x4xf32>
    llm.yield %s : tensor<?x4xf32>
  }
  return %y : tensor<?x4xf32>
}

// -----

func.func @step(%batch: !llm.batch) -> tensor<?x4xf32> {
  // Attention and the op after it.
  %t = llm.fused "rope_table"(%batch) : (!llm.batch) -> tensor<?x4xf32> {
  ^bb0(%b: !llm.batch):
    %r = llm.rope_table %b {rope = #llm.rope<frequencies = [1.0, 0.5], magnitude = 1.0>} : tensor<?x4xf32>
    llm.yield %r : tensor<?x4xf32>
  }
  // expected-error @below {{the CPU has no kernel for the region attention.scale}}
  %y = llm.fused "attention.scale"(%t, %batch) : (tensor<?x4xf32>, !llm.batch) -> tensor<?x4xf32> {
  ^bb0(%a: tensor<?x4xf32>, %b: !llm.batch):
    %o = llm.attention %a, %a, %a, %b {heads = 1, kv_heads = 1, scale = 0.5 : f32, mask = #llm.mask<bidirectional>}
      : (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, !llm.batch) -> tensor<?x4xf32>
    %s = llm.scale %o {factor = 2.0 : f32} : tensor<?x4xf32>
    llm.yield %s : tensor<?x4xf32>
  }
  return %y : tensor<?x4xf32>
}

// -----

func.func @step(%batch: !llm.batch) -> tensor<?x4xf32> {
  %t = llm.fused "rope_table"(%batch) : (!llm.batch) -> tensor<?x4xf32> {
  ^bb0(%b: !llm.batch):
    %r = llm.rope_table %b {rope = #llm.rope<frequencies = [1.0, 0.5], magnitude = 1.0>} : tensor<?x4xf32>
    llm.yield %r : tensor<?x4xf32>
  }
  // A region that computes nothing.
  // expected-error @below {{the CPU has no kernel for the region nothing}}
  %y = llm.fused "nothing"(%t) : (tensor<?x4xf32>) -> tensor<?x4xf32> {
  ^bb0(%a: tensor<?x4xf32>):
    llm.yield %a : tensor<?x4xf32>
  }
  return %y : tensor<?x4xf32>
}
