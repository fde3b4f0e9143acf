// Five leftovers are all named, with no line about more.
// RUN: not yoke-opt %s --yoke-check-contract="stage=demo ops=func.func,func.return" 2>&1 | FileCheck %s

func.func @f() {
  // CHECK-COUNT-5: error: stage demo leaves arith.constant
  // CHECK-NOT: error
  %0 = arith.constant 0 : index
  %1 = arith.constant 1 : index
  %2 = arith.constant 2 : index
  %3 = arith.constant 3 : index
  %4 = arith.constant 4 : index
  return
}
