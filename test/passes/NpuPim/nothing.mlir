// Functions that are not placed are left alone.
// RUN: yoke-opt %s --yoke-interleave="target=%S/../../../examples/targets/neupims.json" --yoke-lower-npu-pim="target=%S/../../../examples/targets/neupims.json" 2>&1 | FileCheck %s

// CHECK-NOT: remark
// CHECK-LABEL: func.func @nothing
// CHECK-NEXT: llm.scale
// CHECK-NEXT: return
func.func @nothing(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %0 = llm.scale %x {factor = 2.0 : f32} : tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}
