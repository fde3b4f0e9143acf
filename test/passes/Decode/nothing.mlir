// Modules without a step that generates, and without loops, are left alone.
// RUN: yoke-opt %s --yoke-make-loop --yoke-fuse-head --yoke-lower-loop | FileCheck %s

// CHECK-NOT: decode
// CHECK: func.func private @step(tensor<?xi32>, !llm.batch) -> tensor<?x8xf32>
// CHECK-NOT: func.func
func.func private @step(tensor<?xi32>, !llm.batch) -> tensor<?x8xf32>
