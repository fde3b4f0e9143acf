// RUN: split-file %s %t
// RUN: not yoke-opt %t/model.mlir --yoke-partition="target=%t/missing.json" -o /dev/null 2>&1 | FileCheck %s --check-prefix=MISSING
// RUN: not yoke-opt %t/model.mlir --yoke-partition="target=%t/tiny.json" -o /dev/null 2>&1 | FileCheck %s --check-prefix=FULL
// RUN: not yoke-opt %t/model.mlir --yoke-partition="target=%t/both.json no-fallback" -o /dev/null 2>&1 | FileCheck %s --check-prefix=FALLBACK
// RUN: yoke-opt %t/model.mlir --yoke-partition="target=%t/both.json" 2>&1 | FileCheck %s --check-prefix=BOTH
// A plan that was written can be followed; one of another program, or with another device, is refused.
// RUN: yoke-opt %t/model.mlir --yoke-partition="target=%t/both.json save-plan=%t/plan.json" -o %t/chosen.mlir 2>/dev/null
// RUN: yoke-opt %t/model.mlir --yoke-partition="target=%t/both.json plan=%t/plan.json" -o %t/followed.mlir 2>/dev/null
// RUN: diff %t/chosen.mlir %t/followed.mlir
// RUN: yoke-opt %t/model.mlir --yoke-partition="target=%t/both.json plan=%t/other.json" 2>/dev/null | FileCheck %s --check-prefix=FOLLOWED
// RUN: not yoke-opt %t/model.mlir --yoke-partition="target=%t/both.json plan=%t/short.json" -o /dev/null 2>&1 | FileCheck %s --check-prefix=SHORT
// RUN: not yoke-opt %t/model.mlir --yoke-partition="target=%t/both.json plan=%t/device.json" -o /dev/null 2>&1 | FileCheck %s --check-prefix=DEVICE
// RUN: not yoke-opt %t/model.mlir --yoke-partition="target=%t/both.json plan=%t/npu.json" -o /dev/null 2>&1 | FileCheck %s --check-prefix=CANNOT

// MISSING: error: {{.*}}missing.json
// FULL: error: the memory of gpu holds 100 bytes; the weights and the cache of the kernels that need it take 3.355e+07
// FALLBACK: error: kernel 'linear' would fall back to the cpu: gpu {{.*}} us (compute), cpu {{.*}} us (memory)
// BOTH: remark: @step: 1 kernels, 1 on cpu;
// BOTH: place.on cpu(
// FOLLOWED: place.on gpu(
// SHORT: error: {{.*}}short.json: expected the devices of the 1 kernels of @step, found 0
// DEVICE: error: {{.*}}device.json: functions.step[0].device: expected npu, pim, gpu or cpu, found "tpu"
// CANNOT: error: {{.*}}npu.json: kernel 0 of @step: expected 'linear' on a device that can compute it, found 'linear' on npu

//--- model.mlir
ml_program.global private @w(#llm.weight<<"w", offset = 0, block = 4096, stride = 4096, count = 1>>) : tensor<4096x4096xbf16>
func.func @step(%x: tensor<?x4096xf32>) -> tensor<?x4096xf32> {
  %w = ml_program.global_load_const @w : tensor<4096x4096xbf16>
  %0 = llm.fused "linear" (%x, %w) : (tensor<?x4096xf32>, tensor<4096x4096xbf16>) -> tensor<?x4096xf32> {
  ^bb0(%a: tensor<?x4096xf32>, %b: tensor<4096x4096xbf16>):
    %l = llm.linear %a, %b : (tensor<?x4096xf32>, tensor<4096x4096xbf16>) -> tensor<?x4096xf32>
    llm.yield %l : tensor<?x4096xf32>
  }
  return %0 : tensor<?x4096xf32>
}
//--- tiny.json
{"name": "tiny", "gpu": {"peak_flops": 1e12, "memory_bytes_per_s": 1e12, "capacity_bytes": 100, "launch_s": 1e-6, "compute_efficiency": 0.7, "memory_efficiency": 0.8, "power_w": 1}}
//--- both.json
{"name": "both", "gpu": {"peak_flops": 1e12, "memory_bytes_per_s": 1e12, "capacity_bytes": 100, "launch_s": 1e-6, "compute_efficiency": 0.7, "memory_efficiency": 0.8, "power_w": 1},
 "cpu": {"peak_flops": 1e12, "memory_bytes_per_s": 1e11, "capacity_bytes": 1e9, "launch_s": 1e-6, "compute_efficiency": 0.7, "memory_efficiency": 0.8, "power_w": 1},
 "link": {"bytes_per_s": 1e10, "latency_s": 1e-6}}
//--- other.json
{"target": "both", "functions": {"step": [{"kernel": "linear", "device": "gpu"}]}}
//--- short.json
{"target": "both", "functions": {}}
//--- device.json
{"target": "both", "functions": {"step": [{"kernel": "linear", "device": "tpu"}]}}
//--- npu.json
{"target": "both", "functions": {"step": [{"kernel": "linear", "device": "npu"}]}}
