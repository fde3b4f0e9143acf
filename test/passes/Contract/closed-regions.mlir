// The regions of a closed op are not looked into, nor are those of a leftover: what stands inside is part of it.
// RUN: not yoke-opt %s --mlir-print-op-on-diagnostic=false \
// RUN:   --yoke-check-contract="stage=demo ops=llm.fused dialects=func closed=llm.fused" 2>&1 | FileCheck %s
// RUN: not yoke-opt %s --mlir-print-op-on-diagnostic=false \
// RUN:   --yoke-check-contract="stage=demo dialects=func closed=llm.fused" 2>&1 | FileCheck %s --check-prefix=OPEN

// A closed op that is not allowed is itself a leftover.
// OPEN: error: stage demo leaves llm.fused
// OPEN-NOT: error
// OPEN: error: stage demo leaves llm.softcap
// OPEN-NOT: error

// CHECK-NOT: error
func.func @f(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %0 = llm.fused "scale" (%x) : (tensor<?x8xf32>) -> tensor<?x8xf32> {
  ^bb0(%a: tensor<?x8xf32>):
    %s = llm.scale %a {factor = 2.0 : f32} : tensor<?x8xf32>
    llm.yield %s : tensor<?x8xf32>
  }
  // CHECK: {{.*}}:[[@LINE+1]]:8: error: stage demo leaves llm.softcap
  %1 = llm.softcap %0 {cap = 2.0 : f32} : tensor<?x8xf32>
  return %1 : tensor<?x8xf32>
}
// CHECK-NOT: error
