// A file of a newer version of the dialect is refused, with both versions in the message.
// RUN: yoke-opt --emit-bytecode %s | yoke-opt | FileCheck %s
// RUN: not yoke-opt %S/Inputs/version-2.mlirbc 2>&1 | FileCheck %s --check-prefix=NEWER

// CHECK: llm.positions
// NEWER: llm dialect version 2 of the file is not one of 1 to 1, which this program reads
func.func @f(%batch: !llm.batch) -> tensor<?xi32> {
  %0 = llm.positions %batch : tensor<?xi32>
  return %0 : tensor<?xi32>
}
