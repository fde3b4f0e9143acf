// Each op as linalg in destination style.
// RUN: yoke-opt %s --yoke-decompose --canonicalize --cse --split-input-file --verify-diagnostics | FileCheck %s

// CHECK: #[[X:.+]] = affine_map<(d0, d1, d2) -> (d0, d2)>
// CHECK: #[[W:.+]] = affine_map<(d0, d1, d2) -> (d1, d2)>
// CHECK: #[[Y:.+]] = affine_map<(d0, d1, d2) -> (d0, d1)>
// CHECK-LABEL: func @linear
// CHECK-SAME: (%[[X0:.+]]: tensor<?x64xf32>, %[[W0:.+]]: tensor<96x64xbf16>)
// CHECK: %[[ROWS:.+]] = tensor.dim %[[X0]], %{{.+}}
// CHECK: %[[EMPTY:.+]] = tensor.empty(%[[ROWS]]) : tensor<?x96xf32>
// CHECK: %[[ZERO:.+]] = linalg.fill ins(%{{.+}} : f32) outs(%[[EMPTY]] : tensor<?x96xf32>)
// CHECK: linalg.matmul indexing_maps = [#[[X]], #[[W]], #[[Y]]] ins(%[[X0]], %[[W0]] : {{.*}}) outs(%[[ZERO]] : tensor<?x96xf32>)
// CHECK-NOT: llm.
func.func @linear(%x: tensor<?x64xf32>, %w: tensor<96x64xbf16>) -> tensor<?x96xf32> {
  %y = llm.linear %x, %w : (tensor<?x64xf32>, tensor<96x64xbf16>) -> tensor<?x96xf32>
  return %y : tensor<?x96xf32>
}

// -----

// The sums start from the bias, and are rounded once.
// CHECK-LABEL: func @linear_bias
// CHECK: %[[B:.+]] = linalg.generic {{.*}} ins(%{{.+}} : tensor<96xf16>) outs(%{{.+}} : tensor<?x96xf32>)
// CHECK: arith.extf %{{.+}} : f16 to f32
// CHECK: %[[SUMS:.+]] = linalg.matmul {{.*}} outs(%[[B]] : tensor<?x96xf32>)
// CHECK: linalg.generic {{.*}} ins(%[[SUMS]] : tensor<?x96xf32>) outs(%{{.+}} : tensor<?x96xbf16>)
// CHECK: arith.truncf %{{.+}} : f32 to bf16
func.func @linear_bias(%x: tensor<?x64xbf16>, %w: tensor<96x64xbf16>, %b: tensor<96xf16>) -> tensor<?x96xbf16> {
  %y = llm.linear %x, %w bias %b : (tensor<?x64xbf16>, tensor<96x64xbf16>, tensor<96xf16>) -> tensor<?x96xbf16>
  return %y : tensor<?x96xbf16>
}

// -----

// CHECK-LABEL: func @element_wise
// CHECK: linalg.generic {{.*}}iterator_types = ["parallel", "parallel"]
// CHECK: math.tanh
// CHECK: linalg.generic
// CHECK: arith.addf
// CHECK-NOT: llm.
func.func @element_wise(%x: tensor<?x8xf32>, %b: tensor<8xf32>) -> tensor<?x8xf32> {
  %0 = llm.softcap %x {cap = 2.0 : f32} : tensor<?x8xf32>
  %1 = llm.bias %0, %b : tensor<?x8xf32>, tensor<8xf32>
  return %1 : tensor<?x8xf32>
}

// -----

// A norm of whole rows reduces them as they are; one of heads splits them first.
// CHECK-LABEL: func @rms_norm
// CHECK-NOT: tensor.expand_shape
// CHECK: linalg.generic {{.*}}iterator_types = ["parallel", "reduction"]
// CHECK: math.sqrt
// CHECK: linalg.generic {{.*}}iterator_types = ["parallel", "parallel"]
func.func @rms_norm(%x: tensor<?x24xf32>, %g: tensor<24xf32>) -> tensor<?x24xf32> {
  %y = llm.rms_norm %x, %g {epsilon = 1.0e-5 : f32} : tensor<?x24xf32>, tensor<24xf32>
  return %y : tensor<?x24xf32>
}

// -----

// CHECK-LABEL: func @head_norm
// CHECK: tensor.expand_shape %{{.+}} {{\[\[}}0], [1, 2]] output_shape [%{{.+}}, 4, 6]
// CHECK: linalg.generic {{.*}}iterator_types = ["parallel", "parallel", "reduction"]
// CHECK: tensor.collapse_shape
func.func @head_norm(%x: tensor<?x24xf32>, %g: tensor<6xf32>) -> tensor<?x24xf32> {
  %y = llm.rms_norm %x, %g {epsilon = 1.0e-5 : f32} : tensor<?x24xf32>, tensor<6xf32>
  return %y : tensor<?x24xf32>
}

// -----

// CHECK-LABEL: func @layer_norm
// CHECK: linalg.generic {{.*}}iterator_types = ["parallel", "reduction"]
// CHECK: linalg.generic {{.*}}iterator_types = ["parallel", "reduction"]
// CHECK: arith.subf
// CHECK-NOT: llm.
func.func @layer_norm(%x: tensor<?x24xf32>, %g: tensor<24xf32>, %b: tensor<24xf32>) -> tensor<?x24xf32> {
  %y = llm.layer_norm %x, %g bias %b {epsilon = 1.0e-5 : f32} : tensor<?x24xf32>, tensor<24xf32>, tensor<24xf32>
  return %y : tensor<?x24xf32>
}

// -----

// Each part is written to its place in the result; elements that do not rotate are copied.
// CHECK-LABEL: func @rope
// CHECK-SAME: (%[[X:.+]]: tensor<?x30xf32>
// CHECK: %[[HEADS:.+]] = tensor.expand_shape %[[X]]
// CHECK: tensor.extract_slice %[[HEADS]][0, 0, 0] [%{{.+}}, 3, 2] [1, 1, 2]
// CHECK: tensor.extract_slice %[[HEADS]][0, 0, 1] [%{{.+}}, 3, 2] [1, 1, 2]
// CHECK: %[[EMPTY:.+]] = tensor.empty
// CHECK: %[[PLACE:.+]] = tensor.extract_slice %[[EMPTY]][0, 0, 0] [%{{.+}}, 3, 2] [1, 1, 2]
// CHECK: %[[FIRST:.+]] = linalg.generic {{.*}} outs(%[[PLACE]]
// CHECK: tensor.insert_slice %[[FIRST]] into %[[EMPTY]][0, 0, 0] [%{{.+}}, 3, 2] [1, 1, 2]
// CHECK: tensor.insert_slice %{{.+}}[0, 0, 1] [%{{.+}}, 3, 2] [1, 1, 2]
// CHECK: tensor.insert_slice %{{.+}}[0, 0, 4] [%{{.+}}, 3, 6] [1, 1, 1]
// CHECK: tensor.collapse_shape
func.func @rope(%x: tensor<?x30xf32>, %table: tensor<?x4xf32>) -> tensor<?x30xf32> {
  %y = llm.rope %x, %table {head_dim = 10, style = #llm.rope_style<interleaved>} : tensor<?x30xf32>, tensor<?x4xf32>
  return %y : tensor<?x30xf32>
}

// -----

// CHECK-LABEL: func @embedding
// CHECK: linalg.generic
// CHECK: %[[ROW:.+]] = arith.addi
// CHECK: %[[COLUMN:.+]] = linalg.index 1
// CHECK: tensor.extract %{{.+}}[%[[ROW]], %[[COLUMN]]] : tensor<9x11xbf16>
// CHECK: arith.extf
func.func @embedding(%ids: tensor<?xi32>, %table: tensor<9x11xbf16>) -> tensor<?x11xf32> {
  %y = llm.embedding %ids, %table {offset = 2 : i64} : (tensor<?xi32>, tensor<9x11xbf16>) -> tensor<?x11xf32>
  return %y : tensor<?x11xf32>
}

// -----

// The longest position chooses between the two sets of frequencies.
// CHECK-LABEL: func @rope_table
// CHECK: %[[P:.+]] = llm.positions
// CHECK: linalg.generic {{.*}}iterator_types = ["reduction"]{{.*}} ins(%[[P]] : tensor<?xi32>) outs(%{{.+}} : tensor<i32>)
// CHECK: arith.maxsi
// CHECK: arith.cmpi sge
// CHECK: math.cos
// CHECK: math.sin
func.func @rope_table(%batch: !llm.batch) -> tensor<?x4xf32> {
  // expected-remark @below {{1 llm.positions stays: positions are in the batch}}
  %t = llm.rope_table %batch {rope = #llm.rope<frequencies = [1.0, 0.1], magnitude = 1.0, long_frequencies = [0.5, 0.05], long_magnitude = 1.2, long_from = 9>} : tensor<?x4xf32>
  return %t : tensor<?x4xf32>
}

// -----

// CHECK-LABEL: func @fused
// CHECK-NOT: llm.
// CHECK: linalg.matmul
// CHECK-NOT: llm.
func.func @fused(%x: tensor<?x24xf32>, %g: tensor<24xf32>, %w: tensor<8x24xf32>) -> tensor<?x8xf32> {
  %y = llm.fused "rms_norm.linear" (%x, %g, %w) : (tensor<?x24xf32>, tensor<24xf32>, tensor<8x24xf32>) -> tensor<?x8xf32> {
  ^bb0(%x0: tensor<?x24xf32>, %g0: tensor<24xf32>, %w0: tensor<8x24xf32>):
    %n = llm.rms_norm %x0, %g0 {epsilon = 1.0e-5 : f32} : tensor<?x24xf32>, tensor<24xf32>
    %l = llm.linear %n, %w0 : (tensor<?x24xf32>, tensor<8x24xf32>) -> tensor<?x8xf32>
    llm.yield %l : tensor<?x8xf32>
  }
  return %y : tensor<?x8xf32>
}
