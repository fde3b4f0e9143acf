// What stays outside a fused region must be on a short list.
// RUN: yoke-opt %s --split-input-file --yoke-fuse --verify-diagnostics --mlir-print-op-on-diagnostic=false -o /dev/null

func.func @step(%x: tensor<8xf32>) -> tensor<8xf32> {
  // expected-error @below {{stage fuse leaves arith.divf, which the next stage does not know}}
  %0 = arith.divf %x, %x : tensor<8xf32>
  return %0 : tensor<8xf32>
}

// -----

func.func @step(%x: tensor<8x?xf32>) -> tensor<?x8xf32> {
  %e = tensor.empty() : tensor<2x8xf32>
  %x0 = tensor.cast %x : tensor<8x?xf32> to tensor<8x2xf32>
  // expected-error @-2 {{stage fuse leaves tensor.empty}}
  // expected-error @-2 {{stage fuse leaves tensor.cast}}
  // expected-error @below {{stage fuse leaves linalg.transpose}}
  %0 = linalg.transpose ins(%x0 : tensor<8x2xf32>) outs(%e : tensor<2x8xf32>) permutation = [1, 0]
  // expected-error @below {{stage fuse leaves tensor.cast}}
  %1 = tensor.cast %0 : tensor<2x8xf32> to tensor<?x8xf32>
  return %1 : tensor<?x8xf32>
}

// -----

// What a region holds is for the kernels to know.
func.func @step(%x: tensor<8xf32>) -> tensor<8xf32> {
  %0 = llm.fused "divf"(%x) : (tensor<8xf32>) -> tensor<8xf32> {
  ^bb0(%a: tensor<8xf32>):
    %q = arith.divf %a, %a : tensor<8xf32>
    llm.yield %q : tensor<8xf32>
  }
  return %0 : tensor<8xf32>
}
