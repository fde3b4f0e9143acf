// Functions and ops that do not matter to the script go.
// RUN: yoke-reduce %s -reduction-tree='traversal-mode=0 test=%S/Inputs/has-softcap.sh' | FileCheck %s

// CHECK-NOT: @other
func.func @other(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %0 = llm.activation gelu %x : tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}

// CHECK: func.func @kept
func.func @kept(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // CHECK: llm.softcap
  %0 = llm.softcap %x {cap = 2.0 : f32} : tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}

// CHECK-NOT: @another
func.func @another(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %0 = llm.scale %x {factor = 2.0 : f32} : tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}
