// Kernels of one name that are not the same: other attributes, other sizes, other strides of memory.
// RUN: yoke-opt %s --yoke-fuse --yoke-pack-weights --yoke-lower-to-kernels | FileCheck %s

// CHECK: llm.kernels = {activation = 2 : i64, activation_0 = 1 : i64, activation_1 = 1 : i64, activation_2 = 1 : i64,
ml_program.global private @e(#llm.weight<#llm.piece<"e", offset = 0, block = 9, stride = 9, count = 1>>) : tensor<9x16xf32>

// CHECK-LABEL: @yoke_step
func.func @step(%tokens: tensor<?xi32>, %batch: !llm.batch) -> tensor<?x8xf32> {
  %e = ml_program.global_load_const @e : tensor<9x16xf32>
  %x = llm.embedding %tokens, %e : (tensor<?xi32>, tensor<9x16xf32>) -> tensor<?x16xf32>
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?x16xf32>
  %0 = llm.fused "activation"(%x) : (tensor<?x16xf32>) -> tensor<?x16xf32> {
  ^bb0(%a: tensor<?x16xf32>):
    %r = llm.activation relu %a : tensor<?x16xf32>
    llm.yield %r : tensor<?x16xf32>
  }
  // The same again: shared.
  %1 = llm.fused "activation"(%0) : (tensor<?x16xf32>) -> tensor<?x16xf32> {
  ^bb0(%a: tensor<?x16xf32>):
    %r = llm.activation relu %a : tensor<?x16xf32>
    llm.yield %r : tensor<?x16xf32>
  }
  %2 = llm.fused "activation"(%1) : (tensor<?x16xf32>) -> tensor<?x16xf32> {
  ^bb0(%a: tensor<?x16xf32>):
    %r = llm.activation tanh %a : tensor<?x16xf32>
    llm.yield %r : tensor<?x16xf32>
  }
  // CHECK: memref.subview %{{.+}}[0, 8] [%{{.+}}, 8] [1, 1] : memref<?x16xf32> to memref<?x8xf32, strided<[16, 1], offset: 8>>
  %s = tensor.extract_slice %2[0, 8] [%n, 8] [1, 1] : tensor<?x16xf32> to tensor<?x8xf32>
  %3 = llm.fused "activation"(%s) : (tensor<?x8xf32>) -> tensor<?x8xf32> {
  ^bb0(%a: tensor<?x8xf32>):
    %r = llm.activation relu %a : tensor<?x8xf32>
    llm.yield %r : tensor<?x8xf32>
  }
  %4 = llm.fused "activation"(%3) : (tensor<?x8xf32>) -> tensor<?x8xf32> {
  ^bb0(%a: tensor<?x8xf32>):
    %r = llm.activation relu %a : tensor<?x8xf32>
    llm.yield %r : tensor<?x8xf32>
  }
  return %4 : tensor<?x8xf32>
}
