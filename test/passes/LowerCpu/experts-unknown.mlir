// A region that the experts' kernel does not compute is named.
// RUN: not yoke-opt %s --yoke-fuse --yoke-lower-kernels 2>&1 | FileCheck %s

// CHECK: the CPU has a kernel for experts of two products with element-wise ops between them only
ml_program.global private @t(#llm.weight<#llm.piece<"t", offset = 0, block = 16, stride = 16, count = 1>>) : tensor<16x8xf32>
ml_program.global private @router(#llm.weight<#llm.piece<"r", offset = 0, block = 4, stride = 4, count = 1>>) : tensor<4x8xf32>
ml_program.global private @gate_up(#llm.weight<#llm.piece<"gu", offset = 0, block = 48, stride = 48, count = 1>>) : tensor<4x12x8xbf16>
ml_program.global private @down(#llm.weight<#llm.piece<"d", offset = 0, block = 32, stride = 32, count = 1>>) : tensor<4x8x6xbf16>
func.func @step(%tokens: tensor<?xi32>, %batch: !llm.batch) -> tensor<?x8xf32> {
  %t = ml_program.global_load_const @t : tensor<16x8xf32>
  %x = llm.embedding %tokens, %t : (tensor<?xi32>, tensor<16x8xf32>) -> tensor<?x8xf32>
  %r = ml_program.global_load_const @router : tensor<4x8xf32>
  %logits = llm.linear %x, %r : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
  %gate_up = ml_program.global_load_const @gate_up : tensor<4x12x8xbf16>
  %down = ml_program.global_load_const @down : tensor<4x8x6xbf16>
  %w, %e = moe.route softmax %logits {top_k = 2, normalize} : tensor<?x4xf32> -> tensor<?x2xf32>, tensor<?x2xi32>
  %y = moe.experts %x, %w, %e, (%gate_up, %down) : (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2xi32>, tensor<4x12x8xbf16>, tensor<4x8x6xbf16>) -> tensor<?x8xf32> {
  ^bb0(%row: tensor<?x8xf32>, %gu: tensor<12x8xbf16>, %d: tensor<8x6xbf16>):
    %c0 = arith.constant 0 : index
    %both = llm.linear %row, %gu : (tensor<?x8xf32>, tensor<12x8xbf16>) -> tensor<?x12xf32>
    %rows = tensor.dim %both, %c0 : tensor<?x12xf32>
    %gate = tensor.extract_slice %both[0, 0] [%rows, 6] [1, 1] : tensor<?x12xf32> to tensor<?x6xf32>
      %inner = arith.addf %gate, %gate : tensor<?x6xf32>
    %out = llm.linear %inner, %d : (tensor<?x6xf32>, tensor<8x6xbf16>) -> tensor<?x8xf32>
    moe.yield %out : tensor<?x8xf32>
  }
  %p = llm.pool first %y, %batch : tensor<?x8xf32>
  return %p : tensor<?x8xf32>
}
