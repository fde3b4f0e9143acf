// What stays outside a fused region must be on a short list.
// RUN: yoke-opt %s --split-input-file --yoke-fuse --verify-diagnostics --mlir-print-op-on-diagnostic=false -o /dev/null

func.func @step(%x: tensor<8xf32>) -> tensor<8xf32> {
  // expected-error @below {{stage fuse leaves arith.divf, which the next stage does not know}}
  %0 = arith.divf %x, %x : tensor<8xf32>
  return %0 : tensor<8xf32>
}

// -----

func.func @step(%x: tensor<8xf32>) -> tensor<?xf32> {
  // expected-error @below {{stage fuse leaves tensor.cast, which the next stage does not know}}
  %0 = tensor.cast %x : tensor<8xf32> to tensor<?xf32>
  return %0 : tensor<?xf32>
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
