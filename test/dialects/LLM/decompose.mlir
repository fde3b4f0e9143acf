// The ops have linalg's interface of aggregated ops, which upstream's transform dialect uses.
// RUN: yoke-opt %s --transform-interpreter | FileCheck %s

// CHECK-LABEL: func @norm
// CHECK: linalg.generic {{.*}}iterator_types = ["parallel", "reduction"]
// CHECK-NOT: llm.rms_norm
// CHECK: llm.activation
func.func @norm(%x: tensor<?x64xf32>, %g: tensor<64xf32>) -> tensor<?x64xf32> {
  %y = llm.rms_norm %x, %g {epsilon = 1.0e-5 : f32} : tensor<?x64xf32>, tensor<64xf32>
  %a = llm.activation silu %y : tensor<?x64xf32>
  return %a : tensor<?x64xf32>
}
module attributes {transform.with_named_sequence} {
  transform.named_sequence @__transform_main(%root: !transform.any_op {transform.readonly}) {
    %op = transform.structured.match ops{["llm.rms_norm"]} in %root : (!transform.any_op) -> !transform.any_op
    %parts = transform.structured.decompose_interface %op : (!transform.any_op) -> !transform.any_op
    transform.yield
  }
}
