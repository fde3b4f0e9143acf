// RUN: split-file %s %t
// RUN: yoke-opt %t/good.mlir --yoke-check-placement="target=%S/../../../examples/targets/neupims.json" -o /dev/null
// RUN: not yoke-opt %t/good.mlir --yoke-check-placement="target=%S/../../../examples/targets/a100.json" -o /dev/null 2>&1 | FileCheck %s --check-prefix=DEVICE
// RUN: not yoke-opt %t/unplaced.mlir --yoke-check-placement="target=%S/../../../examples/targets/neupims.json" -o /dev/null 2>&1 | FileCheck %s --check-prefix=UNPLACED
// RUN: not yoke-opt %t/large.mlir --yoke-check-placement="target=%S/../../../examples/targets/neupims.json" -o /dev/null 2>&1 | FileCheck %s --check-prefix=LARGE
// RUN: not yoke-opt %t/transfer.mlir --yoke-check-placement="target=%S/../../../examples/targets/neupims.json" -o /dev/null 2>&1 | FileCheck %s --check-prefix=TRANSFER

// DEVICE: error: target 'a100' has no npu
// UNPLACED: error: expected this kernel to be placed
// LARGE: error: expected at most the 3.436e+10 bytes that the memory of npu holds, found 4e+10 of weights and KV cache
// TRANSFER: error: target 'neupims' has no gpu

//--- good.mlir
func.func @f(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %a = place.on npu(%x) : (tensor<?x8xf32>) -> tensor<?x8xf32> {
  ^bb0(%rows: tensor<?x8xf32>):
    %0 = llm.fused "scale" (%rows) : (tensor<?x8xf32>) -> tensor<?x8xf32> {
    ^bb0(%r: tensor<?x8xf32>):
      %1 = llm.scale %r {factor = 2.0 : f32} : tensor<?x8xf32>
      llm.yield %1 : tensor<?x8xf32>
    }
    place.yield %0 : tensor<?x8xf32>
  }
  return %a : tensor<?x8xf32>
}
//--- unplaced.mlir
func.func @f(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %0 = llm.fused "scale" (%x) : (tensor<?x8xf32>) -> tensor<?x8xf32> {
  ^bb0(%r: tensor<?x8xf32>):
    %1 = llm.scale %r {factor = 2.0 : f32} : tensor<?x8xf32>
    llm.yield %1 : tensor<?x8xf32>
  }
  return %0 : tensor<?x8xf32>
}
//--- large.mlir
ml_program.global private @w(#llm.weight<<"w", offset = 0, block = 200000, stride = 200000, count = 1>>) : tensor<200000x100000xbf16>
func.func @f(%x: tensor<?x100000xf32>) -> tensor<?x200000xf32> {
  %a = place.on pim(%x) : (tensor<?x100000xf32>) -> tensor<?x200000xf32> {
  ^bb0(%rows: tensor<?x100000xf32>):
    %w = ml_program.global_load_const @w : tensor<200000x100000xbf16>
    %0 = llm.linear %rows, %w : (tensor<?x100000xf32>, tensor<200000x100000xbf16>) -> tensor<?x200000xf32>
    place.yield %0 : tensor<?x200000xf32>
  }
  return %a : tensor<?x200000xf32>
}
//--- transfer.mlir
func.func @f(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %t = place.transfer %x from gpu to npu : tensor<?x8xf32>
  return %t : tensor<?x8xf32>
}
