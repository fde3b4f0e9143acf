// Every product with a quantised weight rounds its activations; products with bfloat16 only when asked to, others never.
// RUN: yoke-opt %s --yoke-round-activations | FileCheck %s --check-prefixes=CHECK,I8,FLOAT
// RUN: yoke-opt %s --yoke-round-activations=activations=i16 | FileCheck %s --check-prefixes=CHECK,I16,FLOAT
// RUN: yoke-opt %s --yoke-round-activations=activations=bf16 | FileCheck %s --check-prefixes=CHECK,I8,BF16
// RUN: not yoke-opt %s --yoke-round-activations=activations=i4 2>&1 | FileCheck %s --check-prefix=UNKNOWN

// UNKNOWN: error: expected activations of i8, i16 or bf16, found i4

func.func @step(%x: tensor<?x64xf32>, %f: tensor<64x64xf32>, %h: tensor<64x64xbf16>, %q: tensor<64x64x!llm.quant<i4, group = 32, scale = bf16>>,
                %batch: !llm.batch) {
  // CHECK-NOT: x_type
  // CHECK: llm.linear %{{.*}} : (tensor<?x64xf32>, tensor<64x64xf32>)
  %0 = llm.linear %x, %f : (tensor<?x64xf32>, tensor<64x64xf32>) -> tensor<?x64xf32>
  // FLOAT: llm.linear %{{[a-z0-9]+}}, %{{[a-z0-9]+}} : (tensor<?x64xf32>, tensor<64x64xbf16>)
  // BF16: llm.linear %{{.*}} {x_type = bf16} : (tensor<?x64xf32>, tensor<64x64xbf16>)
  %1 = llm.linear %x, %h : (tensor<?x64xf32>, tensor<64x64xbf16>) -> tensor<?x64xf32>
  // I8: llm.linear %{{.*}} {x_type = i8}
  // I16: llm.linear %{{.*}} {x_type = i16}
  %2 = llm.linear %x, %q : (tensor<?x64xf32>, tensor<64x64x!llm.quant<i4, group = 32, scale = bf16>>) -> tensor<?x64xf32>
  // I8: llm.lm_head %{{.*}} {x_type = i8}
  // I16: llm.lm_head %{{.*}} {x_type = i16}
  %3 = llm.lm_head %x, %q, %batch : (tensor<?x64xf32>, tensor<64x64x!llm.quant<i4, group = 32, scale = bf16>>, !llm.batch) -> tensor<?x64xf32>
  // What says itself what it wants keeps it.
  // CHECK: llm.linear %{{.*}} {x_type = i16}
  %4 = llm.linear %x, %q {x_type = i16} : (tensor<?x64xf32>, tensor<64x64x!llm.quant<i4, group = 32, scale = bf16>>) -> tensor<?x64xf32>
  return
}
