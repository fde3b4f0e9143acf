// Gate and up become one projection, and so do their biases. One remark for each.
// RUN: yoke-opt %s --yoke-concat-projections | FileCheck %s
// RUN: yoke-opt %s --yoke-concat-projections --remarks-filter="yoke-fuse" --remark-format=emitRemark -o /dev/null 2>&1 \
// RUN:   | FileCheck %s --check-prefix=REMARK

// CHECK: ml_program.global private @"gate+up"(
// CHECK-SAME: "gate"{{.*}}"up"
// CHECK-SAME: tensor<24x8xf32>
ml_program.global private @gate(#llm.weight<#llm.piece<"gate", offset = 0, block = 12, stride = 12, count = 1>>) : tensor<12x8xf32>
// CHECK: ml_program.global private @"gate.bias+up.bias"(
// CHECK-SAME: tensor<24xf32>
ml_program.global private @gate.bias(#llm.weight<#llm.piece<"gate.bias", offset = 0, block = 12, stride = 12, count = 1>>) : tensor<12xf32>
ml_program.global private @up(#llm.weight<#llm.piece<"up", offset = 0, block = 12, stride = 12, count = 1>>) : tensor<12x8xf32>
ml_program.global private @up.bias(#llm.weight<#llm.piece<"up.bias", offset = 0, block = 12, stride = 12, count = 1>>) : tensor<12xf32>
// CHECK-NOT: ml_program.global private

// CHECK-LABEL: @step
func.func @step(%x: tensor<?x8xf32>) -> tensor<?x12xf32> {
  // CHECK: %[[W:.+]] = ml_program.global_load_const @"gate+up"
  // CHECK: %[[B:.+]] = ml_program.global_load_const @"gate.bias+up.bias"
  // CHECK: %[[ALL:.+]] = llm.linear %{{.+}}, %[[W]] bias %[[B]]
  // CHECK: %[[GATE:.+]] = tensor.extract_slice %[[ALL]][0, 0] [%{{.+}}, 12]
  // CHECK: %[[UP:.+]] = tensor.extract_slice %[[ALL]][0, 12] [%{{.+}}, 12]
  // CHECK: llm.gated silu %[[GATE]], %[[UP]]
  // REMARK: concat-gate.mlir:[[@LINE+5]]:8: remark: [Passed] ConcatProjections | Category:yoke-fuse
  // REMARK-SAME: Remark="one projection of ", Remark=2, Remark=" linear ops with the same input"
  // REMARK-NOT: remark:
  %wg = ml_program.global_load_const @gate : tensor<12x8xf32>
  %bg = ml_program.global_load_const @gate.bias : tensor<12xf32>
  %g = llm.linear %x, %wg bias %bg : (tensor<?x8xf32>, tensor<12x8xf32>, tensor<12xf32>) -> tensor<?x12xf32>
  %wu = ml_program.global_load_const @up : tensor<12x8xf32>
  %bu = ml_program.global_load_const @up.bias : tensor<12xf32>
  %u = llm.linear %x, %wu bias %bu : (tensor<?x8xf32>, tensor<12x8xf32>, tensor<12xf32>) -> tensor<?x12xf32>
  %y = llm.gated silu %g, %u : tensor<?x12xf32>
  return %y : tensor<?x12xf32>
}
