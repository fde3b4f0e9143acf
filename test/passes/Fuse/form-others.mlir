// Norms, chains of element-wise ops, and what is left: a kernel each.
// RUN: yoke-opt %s --yoke-form-kernels | FileCheck %s
// RUN: yoke-opt %s --yoke-form-kernels --remarks-filter="yoke-fuse" --remark-format=emitRemark -o /dev/null 2>&1 \
// RUN:   | FileCheck %s --check-prefix=REMARK

// Only groups of several ops are worth a remark.
// REMARK: remark: [Passed] Fused | Category:yoke-fuse | Remark="one kernel of ", Remark=2, Remark=" ops around ", Remark=llm.rms_norm
// REMARK: remark: [Passed] Fused | Category:yoke-fuse | Remark="one kernel of ", Remark=3, Remark=" ops around ", Remark=llm.scale
// REMARK-NOT: remark:

// CHECK-LABEL: @norm_and_residual
func.func @norm_and_residual(%x: tensor<?x8xf32>, %r: tensor<?x8xf32>, %g: tensor<8xf32>) -> tensor<?x8xf32> {
  // CHECK-NEXT: llm.fused "rms_norm.addf"(
  // CHECK-NOT: llm.fused
  %n = llm.rms_norm %x, %g {epsilon = 1.0e-5 : f32} : tensor<?x8xf32>, tensor<8xf32>
  %s = arith.addf %r, %n : tensor<?x8xf32>
  return %s : tensor<?x8xf32>
}

// CHECK-LABEL: @elementwise_chain
func.func @elementwise_chain(%x: tensor<?x8xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  // CHECK: %[[A:.+]] = llm.fused "scale.activation.softcap"(
  // CHECK: %[[B:.+]] = llm.fused "addf"(%[[A]])
  // CHECK: return %[[A]], %[[B]]
  %0 = llm.scale %x {factor = 2.0 : f32} : tensor<?x8xf32>
  %1 = llm.activation tanh %0 : tensor<?x8xf32>
  %2 = llm.softcap %1 {cap = 2.0 : f32} : tensor<?x8xf32>
  %3 = arith.addf %2, %2 : tensor<?x8xf32>
  return %2, %3 : tensor<?x8xf32>, tensor<?x8xf32>
}

// CHECK-LABEL: @kernels_of_one_op
func.func @kernels_of_one_op(%ids: tensor<?xi32>, %table: tensor<9x8xf32>, %batch: !llm.batch) -> tensor<?x8xf32> {
  // CHECK: llm.positions
  // CHECK: %[[E:.+]] = llm.fused "embedding"(%{{.+}}, %{{.+}}) : (tensor<?xi32>, tensor<9x8xf32>)
  // CHECK: %[[T:.+]] = llm.fused "rope_table"(%{{.+}}) : (!llm.batch) -> tensor<?x4xf32>
  // CHECK: %[[R:.+]] = llm.fused "rope"(%[[E]], %[[T]])
  // CHECK: llm.fused "pool"(%[[R]], %{{.+}})
  %p = llm.positions %batch : tensor<?xi32>
  %e = llm.embedding %p, %table : (tensor<?xi32>, tensor<9x8xf32>) -> tensor<?x8xf32>
  %t = llm.rope_table %batch {rope = #llm.rope<frequencies = [1.0, 0.5], magnitude = 1.0>} : tensor<?x4xf32>
  %r = llm.rope %e, %t {head_dim = 8} : tensor<?x8xf32>, tensor<?x4xf32>
  %o = llm.pool mean %r, %batch : tensor<?x8xf32>
  return %o : tensor<?x8xf32>
}

// Loads, row counts, slices and sums of numbers are no kernels.
// CHECK-LABEL: @no_kernels
func.func @no_kernels(%x: tensor<?x8xf32>, %a: f32) -> (tensor<?x4xf32>, f32) {
  // CHECK-NOT: llm.fused
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x8xf32>
  %s = tensor.extract_slice %x[0, 2] [%n, 4] [1, 1] : tensor<?x8xf32> to tensor<?x4xf32>
  %b = arith.addf %a, %a : f32
  return %s, %b : tensor<?x4xf32>, f32
}

// What is fused already stays as it is.
// CHECK-LABEL: @fused_by_hand
func.func @fused_by_hand(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // CHECK-COUNT-1: llm.fused
  // CHECK-NOT: llm.fused
  %0 = llm.fused "scale"(%x) : (tensor<?x8xf32>) -> tensor<?x8xf32> {
  ^bb0(%a: tensor<?x8xf32>):
    %s = llm.scale %a {factor = 2.0 : f32} : tensor<?x8xf32>
    llm.yield %s : tensor<?x8xf32>
  }
  return %0 : tensor<?x8xf32>
}
