// RUN: yoke-opt %s --split-input-file --yoke-specialise="classes=1x1,4x16" | FileCheck %s
// RUN: yoke-opt %s --split-input-file --yoke-specialise | FileCheck %s --check-prefix=DEFAULT
// RUN: not yoke-opt %s --split-input-file --yoke-specialise="classes=1x1,4x" -o /dev/null 2>&1 | FileCheck %s --check-prefix=WRONG
// RUN: not yoke-opt %s --split-input-file --yoke-specialise="classes=0x1" -o /dev/null 2>&1 | FileCheck %s --check-prefix=ZERO

// WRONG: error: expected a class as SEQUENCESxTOKENS, found '4x'
// ZERO: error: expected a class as SEQUENCESxTOKENS, found '0x1'

// CHECK-NOT: @step(
// CHECK: func.func @step_1x1({{.*}} attributes {llm.class = array<i64: 1, 1>}
// CHECK: llm.scale
// CHECK: func.func @step_4x16({{.*}} attributes {llm.class = array<i64: 4, 16>}
// CHECK: llm.scale
// DEFAULT: @step_1x1(
// DEFAULT: @step_1x16(
// DEFAULT: @step_1x512(
func.func @step(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %0 = llm.scale %x {factor = 2.0 : f32} : tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}

// -----

// Other functions are left alone.
// CHECK: func.func @other(%arg0: tensor<?x8xf32>) -> tensor<?x8xf32> {
func.func @other(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  return %x : tensor<?x8xf32>
}
