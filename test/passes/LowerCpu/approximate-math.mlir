// exp, tanh and erf of vectors become polynomials; sines, cosines, roots and scalars of the mathematics library stay.
// RUN: yoke-opt %s --pass-pipeline='builtin.module(func.func(yoke-approximate-math))' | FileCheck %s

// CHECK-LABEL: @approximated
func.func @approximated(%x: vector<16xf32>) -> (vector<16xf32>, vector<16xf32>, vector<16xf32>) {
  // CHECK-NOT: math.exp
  // CHECK-NOT: math.tanh
  // CHECK-NOT: math.erf
  // CHECK: return
  %0 = math.exp %x : vector<16xf32>
  %1 = math.tanh %x : vector<16xf32>
  %2 = math.erf %x : vector<16xf32>
  return %0, %1, %2 : vector<16xf32>, vector<16xf32>, vector<16xf32>
}

// CHECK-LABEL: @kept
func.func @kept(%x: vector<8xf32>, %y: f32) -> (vector<8xf32>, vector<8xf32>, vector<8xf32>, f32) {
  // CHECK-DAG: math.sin %{{.+}} : vector<8xf32>
  // CHECK-DAG: math.sqrt %{{.+}} : vector<8xf32>
  // CHECK-DAG: math.log %{{.+}} : vector<8xf32>
  // CHECK-DAG: math.cos %{{.+}} : f32
  %0 = math.sin %x : vector<8xf32>
  %1 = math.sqrt %x : vector<8xf32>
  %2 = math.log %x : vector<8xf32>
  %3 = math.cos %y : f32
  return %0, %1, %2, %3 : vector<8xf32>, vector<8xf32>, vector<8xf32>, f32
}
