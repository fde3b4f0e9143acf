// Query, key and value become one projection, through rotary embeddings and head norms.
// RUN: yoke-opt %s --yoke-concat-projections --split-input-file | FileCheck %s

!cache = !llm.kv_cache<layers = 1, heads = 1, head_dim = 8, f32>

// CHECK: ml_program.global private @"q+k+v"(#llm.weight<
// CHECK-SAME: <"q", offset = 0, block = 16, stride = 16, count = 1>,
// CHECK-SAME: <"fused", offset = 4, block = 4, stride = 12, count = 2>,
// CHECK-SAME: <"v", offset = 0, block = 8, stride = 8, count = 1, transposed = true>
// CHECK-SAME: >) : tensor<32x24xbf16>
// CHECK-NOT: @q(
// CHECK-NOT: @k(
// CHECK-NOT: @v(
ml_program.global private @q(#llm.weight<#llm.piece<"q", offset = 0, block = 16, stride = 16, count = 1>>) : tensor<16x24xbf16>
ml_program.global private @k(#llm.weight<#llm.piece<"fused", offset = 4, block = 4, stride = 12, count = 2>>) : tensor<8x24xbf16>
ml_program.global private @v(#llm.weight<#llm.piece<"v", offset = 0, block = 8, stride = 8, count = 1, transposed = true>>) : tensor<8x24xbf16>

// CHECK-LABEL: @step
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<?x24xf32>
func.func @step(%x: tensor<?x24xf32>, %g: tensor<8xf32>, %t: tensor<?x8xf32>, %batch: !llm.batch, %cache: !cache) -> (tensor<?x16xf32>, !cache) {
  // CHECK: %[[W:.+]] = ml_program.global_load_const @"q+k+v" : tensor<32x24xbf16>
  // CHECK: %[[ALL:.+]] = llm.linear %[[X]], %[[W]] : (tensor<?x24xf32>, tensor<32x24xbf16>) -> tensor<?x32xf32>
  // CHECK: %[[ROWS:.+]] = tensor.dim %[[ALL]], %{{.+}}
  // CHECK: %[[Q:.+]] = tensor.extract_slice %[[ALL]][0, 0] [%[[ROWS]], 16] [1, 1]
  // CHECK: %[[K:.+]] = tensor.extract_slice %[[ALL]][0, 16] [%[[ROWS]], 8] [1, 1]
  // CHECK: %[[V:.+]] = tensor.extract_slice %[[ALL]][0, 24] [%[[ROWS]], 8] [1, 1]
  // CHECK-NOT: llm.linear
  // CHECK: %[[QN:.+]] = llm.rms_norm %[[Q]]
  // CHECK: %[[QR:.+]] = llm.rope %[[QN]]
  // CHECK: %[[KR:.+]] = llm.rope %[[K]]
  // CHECK: llm.attention %[[QR]], %[[KR]], %[[V]]
  %wq = ml_program.global_load_const @q : tensor<16x24xbf16>
  %wk = ml_program.global_load_const @k : tensor<8x24xbf16>
  %wv = ml_program.global_load_const @v : tensor<8x24xbf16>
  %q = llm.linear %x, %wq : (tensor<?x24xf32>, tensor<16x24xbf16>) -> tensor<?x16xf32>
  %qn = llm.rms_norm %q, %g {epsilon = 1.0e-5 : f32} : tensor<?x16xf32>, tensor<8xf32>
  %qr = llm.rope %qn, %t {head_dim = 8} : tensor<?x16xf32>, tensor<?x8xf32>
  %k = llm.linear %x, %wk : (tensor<?x24xf32>, tensor<8x24xbf16>) -> tensor<?x8xf32>
  %kr = llm.rope %k, %t {head_dim = 8} : tensor<?x8xf32>, tensor<?x8xf32>
  %v = llm.linear %x, %wv : (tensor<?x24xf32>, tensor<8x24xbf16>) -> tensor<?x8xf32>
  %o, %c = llm.attention %qr, %kr, %v, %batch cache %cache {heads = 2, kv_heads = 1, scale = 0.5 : f32}
    : (tensor<?x16xf32>, tensor<?x8xf32>, tensor<?x8xf32>, !llm.batch, !cache) -> (tensor<?x16xf32>, !cache)
  return %o, %c : tensor<?x16xf32>, !cache
}

// -----

// Where the linear ops stand in another order, the one projection stands at the first of them.
ml_program.global private @q(#llm.weight<#llm.piece<"q", offset = 0, block = 8, stride = 8, count = 1>>) : tensor<8x24xf32>
ml_program.global private @k(#llm.weight<#llm.piece<"k", offset = 0, block = 8, stride = 8, count = 1>>) : tensor<8x24xf32>
ml_program.global private @v(#llm.weight<#llm.piece<"v", offset = 0, block = 8, stride = 8, count = 1>>) : tensor<8x24xf32>

// CHECK-LABEL: @values_first
func.func @values_first(%x: tensor<?x24xf32>, %batch: !llm.batch) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  // CHECK: %[[ALL:.+]] = llm.linear {{.*}} -> tensor<?x24xf32>
  // CHECK-DAG: %[[Q:.+]] = tensor.extract_slice %[[ALL]][0, 0]
  // CHECK-DAG: %[[K:.+]] = tensor.extract_slice %[[ALL]][0, 8]
  // CHECK-DAG: %[[V:.+]] = tensor.extract_slice %[[ALL]][0, 16]
  // The value projection's other reader reads the slice.
  // CHECK: %[[S:.+]] = llm.scale %[[V]]
  // CHECK: llm.attention %[[Q]], %[[K]], %[[V]]
  %wv = ml_program.global_load_const @v : tensor<8x24xf32>
  %v = llm.linear %x, %wv : (tensor<?x24xf32>, tensor<8x24xf32>) -> tensor<?x8xf32>
  %s = llm.scale %v {factor = 2.0 : f32} : tensor<?x8xf32>
  %wk = ml_program.global_load_const @k : tensor<8x24xf32>
  %k = llm.linear %x, %wk : (tensor<?x24xf32>, tensor<8x24xf32>) -> tensor<?x8xf32>
  %wq = ml_program.global_load_const @q : tensor<8x24xf32>
  %q = llm.linear %x, %wq : (tensor<?x24xf32>, tensor<8x24xf32>) -> tensor<?x8xf32>
  %o = llm.attention %q, %k, %v, %batch {heads = 1, kv_heads = 1, scale = 0.5 : f32, mask = #llm.mask<bidirectional>}
    : (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, !llm.batch) -> tensor<?x8xf32>
  return %o, %s : tensor<?x8xf32>, tensor<?x8xf32>
}
