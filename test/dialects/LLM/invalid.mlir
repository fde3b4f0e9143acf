// What the verifiers of attributes, types and ops refuse, one case per rule.
// RUN: yoke-opt %s -split-input-file -verify-diagnostics

// expected-error @+1 {{expected at least one frequency}}
module attributes {test.a = #llm.rope<magnitude = 1.0>} {}

// -----

// expected-error @+1 {{expected 2 long frequencies, found 1}}
module attributes {test.a = #llm.rope<frequencies = [1.0, 0.5], long_frequencies = [1.0], long_from = 8>} {}

// -----

// expected-error @+1 {{expected a positive long_from, found 0}}
module attributes {test.a = #llm.rope<frequencies = [1.0], long_frequencies = [1.0]>} {}

// -----

// expected-error @+1 {{expected a positive long_from, found -1}}
module attributes {test.a = #llm.rope<frequencies = [1.0], long_frequencies = [1.0], long_from = -1>} {}

// -----

// expected-error @+1 {{expected finite frequencies and magnitudes}}
module attributes {test.a = #llm.rope<frequencies = [1.0e300]>} {}

// -----

// expected-error @+1 {{expected finite frequencies and magnitudes}}
module attributes {test.a = #llm.rope<frequencies = [1.0], magnitude = 1.0e300>} {}

// -----

// expected-error @+1 {{expected finite frequencies and magnitudes}}
module attributes {test.a = #llm.rope<frequencies = [1.0], long_frequencies = [1.0e300], long_from = 8>} {}

// -----

// expected-error @+1 {{expected finite frequencies and magnitudes}}
module attributes {test.a = #llm.rope<frequencies = [1.0], long_magnitude = 1.0e300>} {}

// -----

// expected-error @+1 {{expected frequencies, magnitude, long_frequencies, long_magnitude or long_from}}
module attributes {test.a = #llm.rope<frequencies = [1.0], speed = 2.0>} {}

// -----

// expected-error @+1 {{expected offset >= 0, block >= 1, stride >= block and count >= 1, found offset = -1, block = 1, stride = 1, count = 1}}
module attributes {test.a = #llm.piece<"w", offset = -1, block = 1, stride = 1, count = 1>} {}

// -----

// expected-error @+1 {{expected offset >= 0, block >= 1, stride >= block and count >= 1, found offset = 0, block = 0, stride = 1, count = 1}}
module attributes {test.a = #llm.piece<"w", offset = 0, block = 0, stride = 1, count = 1>} {}

// -----

// expected-error @+1 {{expected offset >= 0, block >= 1, stride >= block and count >= 1, found offset = 0, block = 4, stride = 3, count = 1}}
module attributes {test.a = #llm.piece<"w", offset = 0, block = 4, stride = 3, count = 1>} {}

// -----

// expected-error @+1 {{expected offset >= 0, block >= 1, stride >= block and count >= 1, found offset = 0, block = 1, stride = 1, count = 0}}
module attributes {test.a = #llm.piece<"w", offset = 0, block = 1, stride = 1, count = 0>} {}

// -----

// expected-error @+1 {{expected offset + stride * count to fit 64 bits}}
module attributes {test.a = #llm.piece<"w", offset = 0, block = 1, stride = 4611686018427387904, count = 2>} {}

// -----

// expected-error @+1 {{expected offset + stride * count to fit 64 bits}}
module attributes {test.a = #llm.piece<"w", offset = 9223372036854775807, block = 1, stride = 1, count = 1>} {}

// -----

// expected-error @+1 {{expected at least one layer, head and element, found layers = 0, heads = 1, head_dim = 1}}
func.func private @f(!llm.kv_cache<layers = 0, heads = 1, head_dim = 1, f32>)

// -----

// expected-error @+1 {{expected at least one layer, head and element, found layers = 1, heads = 0, head_dim = 1}}
func.func private @f(!llm.kv_cache<layers = 1, heads = 0, head_dim = 1, f32>)

// -----

// expected-error @+1 {{expected at least one layer, head and element, found layers = 1, heads = 1, head_dim = 0}}
func.func private @f(!llm.kv_cache<layers = 1, heads = 1, head_dim = 0, f32>)

// -----

// expected-error @+1 {{expected storage of 4 or 8 bits, found 'i16'}}
func.func private @f(tensor<4x8x!llm.quant<i16, group = 4, scale = f16>>)

// -----

// expected-error @+1 {{expected a positive group, found 0}}
func.func private @f(tensor<4x8x!llm.quant<i8, group = 0, scale = f16>>)

// -----

func.func @f(%x: tensor<?x?xf32>) {
  // expected-error @+1 {{operand #0 must be rows of activations, tensor<?xDxf32|bf16|f16>, but got 'tensor<?x?xf32>'}}
  %0 = "llm.activation"(%x) {kind = #llm<activation relu>} : (tensor<?x?xf32>) -> tensor<?x?xf32>
  return
}

// -----

func.func @f(%x: tensor<8xf32>) {
  // expected-error @+1 {{operand #0 must be rows of activations, tensor<?xDxf32|bf16|f16>, but got 'tensor<8xf32>'}}
  %0 = "llm.activation"(%x) {kind = #llm<activation relu>} : (tensor<8xf32>) -> tensor<8xf32>
  return
}

// -----

func.func @f(%x: tensor<*xf32>) {
  // expected-error @+1 {{operand #0 must be rows of activations, tensor<?xDxf32|bf16|f16>, but got 'tensor<*xf32>'}}
  %0 = "llm.activation"(%x) {kind = #llm<activation relu>} : (tensor<*xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf64>) {
  // expected-error @+1 {{operand #0 must be rows of activations, tensor<?xDxf32|bf16|f16>, but got 'tensor<?x8xf64>'}}
  %0 = "llm.activation"(%x) {kind = #llm<activation relu>} : (tensor<?x8xf64>) -> tensor<?x8xf64>
  return
}

// -----

func.func @f(%x: tensor<?x8xi32>) {
  // expected-error @+1 {{operand #0 must be rows of activations, tensor<?xDxf32|bf16|f16>, but got 'tensor<?x8xi32>'}}
  %0 = "llm.activation"(%x) {kind = #llm<activation relu>} : (tensor<?x8xi32>) -> tensor<?x8xi32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<?x8xf32>) {
  // expected-error @+1 {{operand #1 must be weight matrix, tensor<NxKxf32|bf16|f16|quant>, but got 'tensor<?x8xf32>'}}
  %0 = "llm.linear"(%x, %w) : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x4xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<?xf32>) {
  // expected-error @+1 {{operand #1 must be weight vector, tensor<Nxf32|bf16|f16>, but got 'tensor<?xf32>'}}
  %0 = llm.bias %x, %w : tensor<?x8xf32>, tensor<?xf32>
  return
}

// -----

func.func @f(%x: tensor<?xi64>, %w: tensor<9x8xf32>) {
  // expected-error @+1 {{operand #0 must be 1D tensor of 32-bit signless integer values}}
  %0 = llm.embedding %x, %w : (tensor<?xi64>, tensor<9x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%x: tensor<?xi32>, %w: tensor<9x8xf32>) {
  // expected-error @+1 {{expected a result of 8 columns as the table has, found 4}}
  llm.embedding %x, %w : (tensor<?xi32>, tensor<9x8xf32>) -> tensor<?x4xf32>
  return
}

// -----

func.func @f(%batch: !llm.batch) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{'llm.rope_table' op inferred type(s) 'tensor<?x4xf32>' are incompatible with return type(s) of operation 'tensor<?x6xf32>'}}
  %0 = llm.rope_table %batch {rope = #llm.rope<frequencies = [1.0, 0.5]>} : tensor<?x6xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<4x7xf32>) {
  // expected-error @+1 {{expected a weight of 8 columns as x has, found 7}}
  %0 = llm.linear %x, %w : (tensor<?x8xf32>, tensor<4x7xf32>) -> tensor<?x4xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<4x8xf32>, %b: tensor<5xf32>) {
  // expected-error @+1 {{expected a bias of 4 elements, found 5}}
  %0 = llm.linear %x, %w bias %b : (tensor<?x8xf32>, tensor<4x8xf32>, tensor<5xf32>) -> tensor<?x4xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<4x8x!llm.quant<i8, group = 4, scale = f16>>) {
  // expected-error @+1 {{expected an x_type of bf16 for a bf16 weight, i8 or i16 for a quantised one, found 'bf16' for '!llm.quant<i8, group = 4, scale = f16>'}}
  %0 = llm.linear %x, %w {x_type = bf16} : (tensor<?x8xf32>, tensor<4x8x!llm.quant<i8, group = 4, scale = f16>>) -> tensor<?x4xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<4x8xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{inferred type(s) 'tensor<?x4xf32>' are incompatible with return type(s) of operation 'tensor<?x5xf32>'}}
  %0 = llm.linear %x, %w : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x5xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<4x7xf32>, %batch: !llm.batch) {
  // expected-error @+1 {{expected a weight of 8 columns as x has, found 7}}
  %0 = llm.lm_head %x, %w, %batch : (tensor<?x8xf32>, tensor<4x7xf32>, !llm.batch) -> tensor<?x4xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<4x8xf32>, %b: tensor<5xf32>, %batch: !llm.batch) {
  // expected-error @+1 {{expected a bias of 4 elements, found 5}}
  %0 = llm.lm_head %x, %w, %batch bias %b : (tensor<?x8xf32>, tensor<4x8xf32>, !llm.batch, tensor<5xf32>) -> tensor<?x4xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<4x8xf32>, %batch: !llm.batch) {
  // expected-error @+1 {{expected an x_type of bf16 for a bf16 weight, i8 or i16 for a quantised one, found 'i8' for 'f32'}}
  %0 = llm.lm_head %x, %w, %batch {x_type = i8} : (tensor<?x8xf32>, tensor<4x8xf32>, !llm.batch) -> tensor<?x4xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<4x8xf32>, %batch: !llm.batch) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{inferred type(s) 'tensor<?x4xf32>' are incompatible with return type(s) of operation 'tensor<?x5xf32>'}}
  %0 = llm.lm_head %x, %w, %batch : (tensor<?x8xf32>, tensor<4x8xf32>, !llm.batch) -> tensor<?x5xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %g: tensor<3xf32>) {
  // expected-error @+1 {{expected a scale whose size divides the 8 columns of x, found 3}}
  %0 = llm.rms_norm %x, %g {epsilon = 0.0 : f32} : tensor<?x8xf32>, tensor<3xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %g: tensor<0xf32>) {
  // expected-error @+1 {{expected a scale whose size divides the 8 columns of x, found 0}}
  %0 = llm.rms_norm %x, %g {epsilon = 0.0 : f32} : tensor<?x8xf32>, tensor<0xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %g: tensor<16xf32>) {
  // expected-error @+1 {{expected a scale whose size divides the 8 columns of x, found 16}}
  %0 = llm.rms_norm %x, %g {epsilon = 0.0 : f32} : tensor<?x8xf32>, tensor<16xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %g: tensor<8xf32>) {
  // expected-error @+1 {{expected epsilon to be zero or more, found}}
  %0 = llm.rms_norm %x, %g {epsilon = -1.0 : f32} : tensor<?x8xf32>, tensor<8xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %g: tensor<8xf32>) {
  // expected-error @+1 {{expected epsilon to be zero or more, found}}
  %0 = llm.layer_norm %x, %g {epsilon = -1.0 : f32} : tensor<?x8xf32>, tensor<8xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %g: tensor<8xf32>) {
  // expected-error @+1 {{expected epsilon to be zero or more, found}}
  %0 = llm.rms_norm %x, %g {epsilon = 0x7FC00000 : f32} : tensor<?x8xf32>, tensor<8xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %g: tensor<8xf32>) {
  // expected-error @+1 {{expected epsilon to be zero or more, found}}
  %0 = llm.layer_norm %x, %g {epsilon = 0x7FC00000 : f32} : tensor<?x8xf32>, tensor<8xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %g: tensor<4xf32>) {
  // expected-error @+1 {{expected a scale of 8 elements, found 4}}
  %0 = llm.layer_norm %x, %g {epsilon = 0.0 : f32} : tensor<?x8xf32>, tensor<4xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %g: tensor<8xf32>, %b: tensor<4xf32>) {
  // expected-error @+1 {{expected a bias of 8 elements, found 4}}
  %0 = llm.layer_norm %x, %g bias %b {epsilon = 0.0 : f32} : tensor<?x8xf32>, tensor<8xf32>, tensor<4xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>) {
  // expected-error @+1 {{expected cap to be positive, found}}
  %0 = llm.softcap %x {cap = 0.0 : f32} : tensor<?x8xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>) {
  // expected-error @+1 {{expected cap to be positive, found}}
  %0 = llm.softcap %x {cap = -2.0 : f32} : tensor<?x8xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>) {
  // expected-error @+1 {{expected cap to be positive, found}}
  %0 = llm.softcap %x {cap = 0x7FC00000 : f32} : tensor<?x8xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %b: tensor<4xf32>) {
  // expected-error @+1 {{expected a vector of 8 elements, found 4}}
  %0 = llm.bias %x, %b : tensor<?x8xf32>, tensor<4xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %y: tensor<?x9xf32>) {
  // expected-error @+1 {{failed to verify that all of}}
  %0 = "llm.gated"(%x, %y) {kind = #llm<activation relu>} : (tensor<?x8xf32>, tensor<?x9xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %t: tensor<?x2xf32>) {
  // expected-error @+1 {{expected head_dim to divide the 8 columns of x, found 3}}
  %0 = llm.rope %x, %t {head_dim = 3} : tensor<?x8xf32>, tensor<?x2xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %t: tensor<?x2xf32>) {
  // expected-error @+1 {{expected head_dim to divide the 8 columns of x, found 0}}
  %0 = llm.rope %x, %t {head_dim = 0} : tensor<?x8xf32>, tensor<?x2xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %t: tensor<?x2xf32>) {
  // expected-error @+1 {{expected head_dim to divide the 8 columns of x, found -8}}
  %0 = llm.rope %x, %t {head_dim = -8} : tensor<?x8xf32>, tensor<?x2xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %t: tensor<?x3xf32>) {
  // expected-error @+1 {{expected a table of an even number of columns up to head_dim = 4, found 3}}
  %0 = llm.rope %x, %t {head_dim = 4} : tensor<?x8xf32>, tensor<?x3xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %t: tensor<?x6xf32>) {
  // expected-error @+1 {{expected a table of an even number of columns up to head_dim = 4, found 6}}
  %0 = llm.rope %x, %t {head_dim = 4} : tensor<?x8xf32>, tensor<?x6xf32>
  return
}

// -----

func.func @f(%q: tensor<?x24xf32>, %k: tensor<?x8xf32>, %v: tensor<?x8xf32>, %batch: !llm.batch) {
  // expected-error @+1 {{expected kv_heads to divide heads = 3, found 2}}
  %0 = llm.attention %q, %k, %v, %batch {scale = 1.0 : f32, heads = 3, kv_heads = 2}
    : (tensor<?x24xf32>, tensor<?x8xf32>, tensor<?x8xf32>, !llm.batch) -> tensor<?x24xf32>
  return
}

// -----

func.func @f(%q: tensor<?x24xf32>, %k: tensor<?x8xf32>, %v: tensor<?x8xf32>, %batch: !llm.batch) {
  // expected-error @+1 {{expected kv_heads to divide heads = 3, found 0}}
  %0 = llm.attention %q, %k, %v, %batch {scale = 1.0 : f32, heads = 3, kv_heads = 0}
    : (tensor<?x24xf32>, tensor<?x8xf32>, tensor<?x8xf32>, !llm.batch) -> tensor<?x24xf32>
  return
}

// -----

func.func @f(%q: tensor<?x24xf32>, %k: tensor<?x8xf32>, %v: tensor<?x8xf32>, %batch: !llm.batch) {
  // expected-error @+1 {{expected kv_heads to divide heads = 0, found 1}}
  %0 = llm.attention %q, %k, %v, %batch {scale = 1.0 : f32, heads = 0, kv_heads = 1}
    : (tensor<?x24xf32>, tensor<?x8xf32>, tensor<?x8xf32>, !llm.batch) -> tensor<?x24xf32>
  return
}

// -----

func.func @f(%q: tensor<?x24xf32>, %k: tensor<?x8xf32>, %v: tensor<?x8xf32>, %batch: !llm.batch) {
  // expected-error @+1 {{expected kv_heads to divide heads = 3, found -1}}
  %0 = llm.attention %q, %k, %v, %batch {scale = 1.0 : f32, heads = 3, kv_heads = -1}
    : (tensor<?x24xf32>, tensor<?x8xf32>, tensor<?x8xf32>, !llm.batch) -> tensor<?x24xf32>
  return
}

// -----

func.func @f(%q: tensor<?x24xf32>, %k: tensor<?x8xf32>, %v: tensor<?x8xf32>, %batch: !llm.batch) {
  // expected-error @+1 {{expected heads to divide the 24 columns of q, found 5}}
  %0 = llm.attention %q, %k, %v, %batch {scale = 1.0 : f32, heads = 5, kv_heads = 1}
    : (tensor<?x24xf32>, tensor<?x8xf32>, tensor<?x8xf32>, !llm.batch) -> tensor<?x24xf32>
  return
}

// -----

func.func @f(%q: tensor<?x24xf32>, %k: tensor<?x9xf32>, %v: tensor<?x8xf32>, %batch: !llm.batch) {
  // expected-error @+1 {{expected k to have 1 heads of 8 = 8 columns, found 9}}
  %0 = llm.attention %q, %k, %v, %batch {scale = 1.0 : f32, heads = 3, kv_heads = 1}
    : (tensor<?x24xf32>, tensor<?x9xf32>, tensor<?x8xf32>, !llm.batch) -> tensor<?x24xf32>
  return
}

// -----

func.func @f(%q: tensor<?x24xf32>, %k: tensor<?x8xf32>, %v: tensor<?x16xf32>, %batch: !llm.batch) {
  // expected-error @+1 {{expected v to have 1 heads of 8 = 8 columns, found 16}}
  %0 = llm.attention %q, %k, %v, %batch {scale = 1.0 : f32, heads = 3, kv_heads = 1}
    : (tensor<?x24xf32>, tensor<?x8xf32>, tensor<?x16xf32>, !llm.batch) -> tensor<?x24xf32>
  return
}

// -----

func.func @f(%q: tensor<?x24xf32>, %k: tensor<?x8xf32>, %v: tensor<?x8xf32>, %batch: !llm.batch) {
  // expected-error @+1 {{expected a window of at least one token, found 0}}
  %0 = llm.attention %q, %k, %v, %batch {scale = 1.0 : f32, heads = 3, kv_heads = 1, window = 0}
    : (tensor<?x24xf32>, tensor<?x8xf32>, tensor<?x8xf32>, !llm.batch) -> tensor<?x24xf32>
  return
}

// -----

func.func @f(%q: tensor<?x24xf32>, %k: tensor<?x8xf32>, %v: tensor<?x8xf32>, %batch: !llm.batch) {
  // expected-error @+1 {{expected a window of at least one token, found -4}}
  %0 = llm.attention %q, %k, %v, %batch {scale = 1.0 : f32, heads = 3, kv_heads = 1, window = -4}
    : (tensor<?x24xf32>, tensor<?x8xf32>, tensor<?x8xf32>, !llm.batch) -> tensor<?x24xf32>
  return
}

// -----

func.func @f(%q: tensor<?x24xf32>, %k: tensor<?x8xf32>, %v: tensor<?x8xf32>, %batch: !llm.batch) {
  // expected-error @+1 {{expected no cache and no window with a bidirectional mask}}
  %0 = llm.attention %q, %k, %v, %batch {scale = 1.0 : f32, heads = 3, kv_heads = 1, window = 4, mask = #llm.mask<bidirectional>}
    : (tensor<?x24xf32>, tensor<?x8xf32>, tensor<?x8xf32>, !llm.batch) -> tensor<?x24xf32>
  return
}

// -----

func.func @f(%q: tensor<?x24xf32>, %k: tensor<?x8xf32>, %v: tensor<?x8xf32>, %batch: !llm.batch, %cache: !llm.kv_cache<layers = 2, heads = 1, head_dim = 8, f32>) {
  // expected-error @+1 {{expected no cache and no window with a bidirectional mask}}
  %0:2 = llm.attention %q, %k, %v, %batch cache %cache {scale = 1.0 : f32, heads = 3, kv_heads = 1, mask = #llm.mask<bidirectional>}
    : (tensor<?x24xf32>, tensor<?x8xf32>, tensor<?x8xf32>, !llm.batch, !llm.kv_cache<layers = 2, heads = 1, head_dim = 8, f32>) -> (tensor<?x24xf32>, !llm.kv_cache<layers = 2, heads = 1, head_dim = 8, f32>)
  return
}

// -----

func.func @f(%q: tensor<?x24xf32>, %k: tensor<?x8xf32>, %v: tensor<?x8xf32>, %batch: !llm.batch, %cache: !llm.kv_cache<layers = 2, heads = 2, head_dim = 8, f32>) {
  // expected-error @+1 {{expected a cache of 1 heads of 8, found 2 of 8}}
  %0:2 = llm.attention %q, %k, %v, %batch cache %cache {scale = 1.0 : f32, heads = 3, kv_heads = 1}
    : (tensor<?x24xf32>, tensor<?x8xf32>, tensor<?x8xf32>, !llm.batch, !llm.kv_cache<layers = 2, heads = 2, head_dim = 8, f32>) -> (tensor<?x24xf32>, !llm.kv_cache<layers = 2, heads = 2, head_dim = 8, f32>)
  return
}

// -----

func.func @f(%q: tensor<?x24xf32>, %k: tensor<?x8xf32>, %v: tensor<?x8xf32>, %batch: !llm.batch, %cache: !llm.kv_cache<layers = 2, heads = 1, head_dim = 4, f32>) {
  // expected-error @+1 {{expected a cache of 1 heads of 8, found 1 of 4}}
  %0:2 = llm.attention %q, %k, %v, %batch cache %cache {scale = 1.0 : f32, heads = 3, kv_heads = 1}
    : (tensor<?x24xf32>, tensor<?x8xf32>, tensor<?x8xf32>, !llm.batch, !llm.kv_cache<layers = 2, heads = 1, head_dim = 4, f32>) -> (tensor<?x24xf32>, !llm.kv_cache<layers = 2, heads = 1, head_dim = 4, f32>)
  return
}

// -----

func.func @f(%q: tensor<?x24xf32>, %k: tensor<?x8xf32>, %v: tensor<?x8xf32>, %batch: !llm.batch, %cache: !llm.kv_cache<layers = 2, heads = 1, head_dim = 8, f32>) {
  // expected-error @+1 {{expected a layer below the cache's 2, found 2}}
  %0:2 = llm.attention %q, %k, %v, %batch cache %cache {scale = 1.0 : f32, heads = 3, kv_heads = 1, layer = 2}
    : (tensor<?x24xf32>, tensor<?x8xf32>, tensor<?x8xf32>, !llm.batch, !llm.kv_cache<layers = 2, heads = 1, head_dim = 8, f32>) -> (tensor<?x24xf32>, !llm.kv_cache<layers = 2, heads = 1, head_dim = 8, f32>)
  return
}

// -----

func.func @f(%q: tensor<?x24xf32>, %k: tensor<?x8xf32>, %v: tensor<?x8xf32>, %batch: !llm.batch, %cache: !llm.kv_cache<layers = 2, heads = 1, head_dim = 8, f32>) {
  // expected-error @+1 {{expected a layer below the cache's 2, found -1}}
  %0:2 = llm.attention %q, %k, %v, %batch cache %cache {scale = 1.0 : f32, heads = 3, kv_heads = 1, layer = -1}
    : (tensor<?x24xf32>, tensor<?x8xf32>, tensor<?x8xf32>, !llm.batch, !llm.kv_cache<layers = 2, heads = 1, head_dim = 8, f32>) -> (tensor<?x24xf32>, !llm.kv_cache<layers = 2, heads = 1, head_dim = 8, f32>)
  return
}

// -----

func.func @f(%q: tensor<?x24xf32>, %k: tensor<?x8xf32>, %v: tensor<?x8xf32>, %batch: !llm.batch) {
  // expected-error @+1 {{expected softcap to be positive, found}}
  %0 = llm.attention %q, %k, %v, %batch {scale = 1.0 : f32, heads = 3, kv_heads = 1, softcap = 0.0 : f32}
    : (tensor<?x24xf32>, tensor<?x8xf32>, tensor<?x8xf32>, !llm.batch) -> tensor<?x24xf32>
  return
}

// -----

func.func @f(%q: tensor<?x24xf32>, %k: tensor<?x8xf32>, %v: tensor<?x8xf32>, %batch: !llm.batch) {
  // expected-error @+1 {{expected softcap to be positive, found}}
  %0 = llm.attention %q, %k, %v, %batch {scale = 1.0 : f32, heads = 3, kv_heads = 1, softcap = -1.0 : f32}
    : (tensor<?x24xf32>, tensor<?x8xf32>, tensor<?x8xf32>, !llm.batch) -> tensor<?x24xf32>
  return
}

// -----

func.func @f(%q: tensor<?x24xf32>, %k: tensor<?x8xf32>, %v: tensor<?x8xf32>, %batch: !llm.batch, %cache: !llm.kv_cache<layers = 2, heads = 1, head_dim = 8, f32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{inferred type(s) 'tensor<?x24xf32>', '!llm.kv_cache<layers = 2, heads = 1, head_dim = 8, f32>' are incompatible with return type(s) of operation 'tensor<?x24xf32>'}}
  %0 = llm.attention %q, %k, %v, %batch cache %cache {scale = 1.0 : f32, heads = 3, kv_heads = 1}
    : (tensor<?x24xf32>, tensor<?x8xf32>, tensor<?x8xf32>, !llm.batch, !llm.kv_cache<layers = 2, heads = 1, head_dim = 8, f32>) -> tensor<?x24xf32>
  return
}

// -----

func.func @f(%q: tensor<?x24xf32>, %k: tensor<?x8xf32>, %v: tensor<?x8xf32>, %batch: !llm.batch, %cache: !llm.kv_cache<layers = 2, heads = 1, head_dim = 8, f32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{inferred type(s) 'tensor<?x24xf32>' are incompatible with return type(s) of operation 'tensor<?x24xf32>', '!llm.kv_cache<layers = 2, heads = 1, head_dim = 8, f32>'}}
  %0:2 = llm.attention %q, %k, %v, %batch {scale = 1.0 : f32, heads = 3, kv_heads = 1}
    : (tensor<?x24xf32>, tensor<?x8xf32>, tensor<?x8xf32>, !llm.batch) -> (tensor<?x24xf32>, !llm.kv_cache<layers = 2, heads = 1, head_dim = 8, f32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>) {
  // expected-error @+1 {{expected the region's arguments to have the types of the inputs}}
  %0 = llm.fused "k" (%x) : (tensor<?x8xf32>) -> tensor<?x8xf32> {
  ^bb0(%y: tensor<?x9xf32>):
    llm.yield %y : tensor<?x9xf32>
  }
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>) {
  // expected-error @+1 {{expected the region to end with an llm.yield of the outputs' types}}
  %0 = llm.fused "k" (%x) : (tensor<?x8xf32>) -> tensor<?x8xf32> {
  ^bb0(%y: tensor<?x8xf32>):
    llm.yield
  }
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>) {
  // expected-note @+1 {{required by region isolation constraints}}
  llm.fused "k" () : () -> () {
    // expected-error @+1 {{using value defined outside the region}}
    %y = llm.activation relu %x : tensor<?x8xf32>
    llm.yield
  }
  return
}

// -----

func.func @f() {
  // expected-error @+1 {{expects parent op to be one of 'llm.fused, llm.ffn_skip}}
  llm.yield
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<3x2x2xf32>) {
  // expected-error @+1 {{expected a matrix for each head of x's 8 columns, found 3}}
  %y = llm.head_linear %x, %w {first = 0} : (tensor<?x8xf32>, tensor<3x2x2xf32>) -> tensor<?x6xf32>
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %w: tensor<2x2x2xf32>) {
  // expected-error @+1 {{expected 2 columns from first on of heads of 4, found first = 3}}
  %y = llm.head_linear %x, %w {first = 3} : (tensor<?x8xf32>, tensor<2x2x2xf32>) -> tensor<?x4xf32>
  return
}

// -----

func.func @f(%x: tensor<?x6xf32>) {
  // expected-error @+1 {{expected columns of which one number divides the other, found 6 and 4}}
  %y = llm.reshape_rows %x : tensor<?x6xf32> -> tensor<?x4xf32>
  return
}

// -----

func.func @f(%x: tensor<?x6xf32>) {
  // expected-error @+1 {{expected x and the result of the same element type}}
  %y = llm.reshape_rows %x : tensor<?x6xf32> -> tensor<?x3xbf16>
  return
}

// -----

func.func @f(%x: tensor<?x6xf32>, %w: tensor<?x8xf32>) {
  // expected-error @+1 {{expected heads to divide the 8 columns of b, found 3}}
  %y = llm.concat_heads %x, %w {heads = 3} : tensor<?x6xf32>, tensor<?x8xf32>
  return
}

// -----

// expected-error @+1 {{expected first_column >= 0 and columns > 0, or neither, found first_column = 2, columns = 0}}
module attributes {test.a = #llm.piece<"w", offset = 0, block = 1, stride = 1, count = 1, first_column = 2>} {}
