// A loop becomes a function that every thread of a team runs; thread 0 alone calls hooks, all call the step.
// RUN: yoke-opt %s --yoke-make-loop="drafter=prompt_lookup rows=16" --yoke-fuse-head --yoke-lower-loop | FileCheck %s
// RUN: yoke-opt %s --yoke-make-loop --yoke-fuse-head --yoke-lower-loop | FileCheck %s --check-prefix=PLAIN

// CHECK: module attributes {decode.loop = {best = 1 : i64, capacity = 16 : i64}}

!cache = !llm.kv_cache<layers = 1, heads = 1, head_dim = 8, f32>

func.func private @logits(tensor<?xi32>) -> tensor<?x100xf32>
func.func @step(%tokens: tensor<?xi32>, %batch: !llm.batch, %cache: !cache) -> (tensor<?x100xf32>, !cache) {
  %0 = call @logits(%tokens) : (tensor<?xi32>) -> tensor<?x100xf32>
  return %0, %cache : tensor<?x100xf32>, !cache
}

// CHECK: func.func @yoke_generate(%{{[a-z0-9]+}}: memref<?xi8>, %{{[a-z0-9]+}}: memref<?xi8>, %{{[a-z0-9]+}}: memref<?xi8>, %[[STATE:[a-z0-9]+]]: memref<?xi8>, %{{[a-z0-9]+}}: memref<?xi32>, %[[ROWS:[a-z0-9]+]]: memref<?xf32>, %{{[a-z0-9]+}}: memref<?xi32>, %{{[a-z0-9]+}}: memref<?xi32>, %[[HOST:[a-z0-9]+]]: !llvm.ptr, %[[HOOKS:[a-z0-9]+]]: !llvm.ptr, %[[THREAD:[a-z0-9]+]]: index,
// CHECK-SAME: llvm.emit_c_interface
// CHECK: scf.while
// The draft, on one thread.
// CHECK: arith.cmpi eq, %[[THREAD]],
// CHECK: scf.if
// CHECK: llvm.getelementptr %[[HOOKS]][1]
// CHECK: llvm.call %{{.*}}(%[[HOST]], %{{.*}})
// CHECK: scf.condition
// The step, on all.
// CHECK: call @yoke_step({{.*}}%[[ROWS]],
// The walk: choose (3), then commit (5); drop (6) when a guess led to NaN.
// CHECK: arith.cmpf uno
// CHECK: llvm.getelementptr %[[HOOKS]][6]
// CHECK: llvm.getelementptr %[[HOOKS]][3]
// CHECK: llvm.getelementptr %[[HOOKS]][5]
// CHECK-NOT: decode.

// CHECK: func.func @yoke_generate_greedy(
// CHECK: call @yoke_step_top1(
// Tokens go to the text by add (4).
// CHECK-NOT: llvm.getelementptr %{{.*}}[3]
// CHECK: llvm.getelementptr %{{.*}}[4]

// PLAIN: capacity = 1 : i64
// PLAIN: func.func @yoke_generate(
// PLAIN: llvm.getelementptr %{{.*}}[0]
// PLAIN-NOT: llvm.getelementptr %{{.*}}[6]
// PLAIN: llvm.getelementptr %{{.*}}[3]
// PLAIN: llvm.getelementptr %{{.*}}[5]
