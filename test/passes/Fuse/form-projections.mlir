// What a projection takes in: the norm before it, the element-wise ops after it.
// RUN: yoke-opt %s --yoke-form-kernels | FileCheck %s
// RUN: yoke-opt %s --yoke-form-kernels --remarks-filter="yoke-fuse" --remark-format=emitRemark -o /dev/null 2>&1 \
// RUN:   | FileCheck %s --check-prefix=REMARK

// CHECK-LABEL: @norm_linear_activation_sum
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<?x8xf32>, %[[G:[a-z0-9]+]]: tensor<8xf32>, %[[W:[a-z0-9]+]]: tensor<8x8xf32>
func.func @norm_linear_activation_sum(%x: tensor<?x8xf32>, %g: tensor<8xf32>, %w: tensor<8x8xf32>) -> tensor<?x8xf32> {
  // CHECK-NEXT: %[[Y:.+]] = llm.fused "rms_norm.linear.activation.addf"(%[[X]], %[[G]], %[[W]])
  // CHECK-NEXT: ^bb0(%[[X0:.+]]: tensor<?x8xf32>, %[[G0:.+]]: tensor<8xf32>, %[[W0:.+]]: tensor<8x8xf32>):
  // CHECK-NEXT: %[[N:.+]] = llm.rms_norm %[[X0]], %[[G0]]
  // CHECK-NEXT: %[[L:.+]] = llm.linear %[[N]], %[[W0]]
  // CHECK-NEXT: %[[A:.+]] = llm.activation gelu %[[L]]
  // CHECK-NEXT: %[[S:.+]] = arith.addf %[[A]], %[[X0]]
  // CHECK-NEXT: llm.yield %[[S]]
  // CHECK: return %[[Y]]
  // REMARK: form-projections.mlir:[[@LINE+3]]:8: remark: [Passed] Fused | Category:yoke-fuse |
  // REMARK-SAME: Remark="one kernel of ", Remark=4, Remark=" ops around ", Remark=llm.linear
  %n = llm.rms_norm %x, %g {epsilon = 1.0e-5 : f32} : tensor<?x8xf32>, tensor<8xf32>
  %l = llm.linear %n, %w : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %a = llm.activation gelu %l : tensor<?x8xf32>
  %s = arith.addf %a, %x : tensor<?x8xf32>
  return %s : tensor<?x8xf32>
}

// CHECK-LABEL: @head_with_softcap
func.func @head_with_softcap(%x: tensor<?x8xf32>, %g: tensor<8xf32>, %b: tensor<8xf32>, %w: tensor<9x8xf32>, %batch: !llm.batch) -> tensor<?x9xf32> {
  // CHECK-NEXT: llm.fused "layer_norm.lm_head.softcap"
  // CHECK-NOT: llm.fused
  %n = llm.layer_norm %x, %g bias %b {epsilon = 1.0e-5 : f32} : tensor<?x8xf32>, tensor<8xf32>, tensor<8xf32>
  %l = llm.lm_head %n, %w, %batch : (tensor<?x8xf32>, tensor<9x8xf32>, !llm.batch) -> tensor<?x9xf32>
  %c = llm.softcap %l {cap = 30.0 : f32} : tensor<?x9xf32>
  return %c : tensor<?x9xf32>
}

// Every element-wise op, one after the other.
// CHECK-LABEL: @long_epilogue
func.func @long_epilogue(%x: tensor<?x8xf32>, %w: tensor<8x8xf32>, %b: tensor<8xf32>) -> tensor<?x8xf32> {
  // CHECK-NEXT: llm.fused "linear.bias.scale.mulf.subf.gated"
  // CHECK-NOT: llm.fused
  %l = llm.linear %x, %w : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %0 = llm.bias %l, %b : tensor<?x8xf32>, tensor<8xf32>
  %1 = llm.scale %0 {factor = 2.0 : f32} : tensor<?x8xf32>
  %2 = arith.mulf %1, %x : tensor<?x8xf32>
  %3 = arith.subf %x, %2 : tensor<?x8xf32>
  %4 = llm.gated silu %3, %x : tensor<?x8xf32>
  return %4 : tensor<?x8xf32>
}

// A value with two readers is stored, so that nothing after it is taken in.
// CHECK-LABEL: @result_with_two_readers
func.func @result_with_two_readers(%x: tensor<?x8xf32>, %w: tensor<8x8xf32>) -> tensor<?x8xf32> {
  // CHECK: llm.fused "linear"(
  // CHECK: llm.fused "activation.mulf"(
  %l = llm.linear %x, %w : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %a = llm.activation sigmoid %l : tensor<?x8xf32>
  %m = arith.mulf %l, %a : tensor<?x8xf32>
  return %m : tensor<?x8xf32>
}

// CHECK-LABEL: @result_read_twice_by_one_op
func.func @result_read_twice_by_one_op(%x: tensor<?x8xf32>, %w: tensor<8x8xf32>) -> tensor<?x8xf32> {
  // CHECK: llm.fused "linear"(
  // CHECK: llm.fused "mulf"(
  %l = llm.linear %x, %w : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %m = arith.mulf %l, %l : tensor<?x8xf32>
  return %m : tensor<?x8xf32>
}

// CHECK-LABEL: @norm_with_two_readers
func.func @norm_with_two_readers(%x: tensor<?x8xf32>, %g: tensor<8xf32>, %v: tensor<8x8xf32>, %w: tensor<8x8xf32>) -> tensor<?x8xf32> {
  // CHECK: %[[N:.+]] = llm.fused "rms_norm"(
  // CHECK: %[[A:.+]] = llm.fused "linear"(%[[N]],
  // CHECK: llm.fused "linear.addf"(%[[N]], %{{.+}}, %[[A]])
  %n = llm.rms_norm %x, %g {epsilon = 1.0e-5 : f32} : tensor<?x8xf32>, tensor<8xf32>
  %a = llm.linear %n, %v : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %b = llm.linear %n, %w : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %s = arith.addf %a, %b : tensor<?x8xf32>
  return %s : tensor<?x8xf32>
}

// A norm over groups of columns is not the kind that a projection computes for itself.
// CHECK-LABEL: @group_norm_before_linear
func.func @group_norm_before_linear(%x: tensor<?x8xf32>, %g: tensor<4xf32>, %w: tensor<8x8xf32>) -> tensor<?x8xf32> {
  // CHECK: llm.fused "linear"(
  // CHECK-NOT: llm.fused "rms_norm.linear"
  %n = llm.rms_norm %x, %g {epsilon = 1.0e-5 : f32} : tensor<?x8xf32>, tensor<4xf32>
  %l = llm.linear %n, %w : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  return %l : tensor<?x8xf32>
}

// Only a norm is taken in before a projection.
// CHECK-LABEL: @activation_before_linear
func.func @activation_before_linear(%x: tensor<?x8xf32>, %w: tensor<8x8xf32>) -> tensor<?x8xf32> {
  // CHECK: llm.fused "activation"(
  // CHECK: llm.fused "linear"(
  %a = llm.activation relu %x : tensor<?x8xf32>
  %l = llm.linear %a, %w : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  return %l : tensor<?x8xf32>
}
