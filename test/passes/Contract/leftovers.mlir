// Every op that is not allowed is an error at its place: the first five by name, the others by their number.
// RUN: not yoke-opt %s --mlir-print-op-on-diagnostic=false \
// RUN:   --yoke-check-contract="stage=demo ops=func.func,func.return dialects=llm" 2>&1 | FileCheck %s
// RUN: yoke-opt %s --yoke-check-contract="stage=demo ops=func.func,func.return dialects=llm,arith" -o /dev/null
// RUN: yoke-opt %s -o /dev/null \
// RUN:   --yoke-check-contract="ops=func.func,func.return,arith.addf,arith.mulf,arith.subf,arith.constant dialects=llm"

func.func @f(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // CHECK-NOT: error
  // CHECK: leftovers.mlir:[[@LINE+1]]:8: error: stage demo leaves arith.addf, which the next stage does not know
  %0 = arith.addf %x, %x : tensor<?x8xf32>
  %1 = llm.scale %0 {factor = 2.0 : f32} : tensor<?x8xf32>
  // CHECK: leftovers.mlir:[[@LINE+1]]:8: error: stage demo leaves arith.mulf
  %2 = arith.mulf %1, %0 : tensor<?x8xf32>
  // CHECK: leftovers.mlir:[[@LINE+1]]:8: error: stage demo leaves arith.subf
  %3 = arith.subf %2, %0 : tensor<?x8xf32>
  // CHECK: leftovers.mlir:[[@LINE+1]]:9: error: stage demo leaves arith.constant
  %c0 = arith.constant 0 : index
  // CHECK: leftovers.mlir:[[@LINE+1]]:9: error: stage demo leaves arith.constant
  %c1 = arith.constant 1 : index
  %4 = arith.subf %3, %0 : tensor<?x8xf32>
  %5 = arith.subf %4, %0 : tensor<?x8xf32>
  // CHECK: error: stage demo leaves 2 more such ops
  // CHECK-NOT: error
  return %5 : tensor<?x8xf32>
}
