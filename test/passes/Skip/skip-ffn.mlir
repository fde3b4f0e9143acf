// The feed-forward blocks of the layers in the range become regions that rows skip; attention's sums and other layers stay.
// RUN: yoke-opt %s --yoke-skip-ffn="first=0 last=2 warm-up=4 tau=0.5 k=1" | FileCheck %s --check-prefixes=CHECK,BOTH
// RUN: yoke-opt %s --yoke-skip-ffn="first=1 last=2 warm-up=4 tau=0.5 k=1" | FileCheck %s --check-prefixes=CHECK,SECOND
// RUN: yoke-opt %s --yoke-skip-ffn="first=0 last=2 record" | FileCheck %s --check-prefix=RECORD
// RUN: yoke-opt %s --yoke-skip-ffn="first=0 last=2 tau=0.5" --yoke-fuse | FileCheck %s --check-prefix=FUSED
// RUN: not yoke-opt %s --yoke-skip-ffn="first=0 last=3" 2>&1 | FileCheck %s --check-prefix=RANGE
// RUN: not yoke-opt %s --yoke-skip-ffn="first=2 last=2" 2>&1 | FileCheck %s --check-prefix=EMPTY
// RUN: not yoke-opt %s --yoke-skip-ffn="first=0 last=1 k=0" 2>&1 | FileCheck %s --check-prefix=POLICY

// RANGE: error: expected layers from first up to last, within the model's 2, found 0 and 3
// EMPTY: error: expected layers from first up to last, within the model's 2, found 2 and 2
// POLICY: error: 'llm.ffn_skip' op expected k of at least 1, found 0

// CHECK-LABEL: @step
// CHECK: %[[P:.*]] = llm.positions
// CHECK: llm.attention
// CHECK: %[[X0:.*]] = arith.addf
// SECOND: %[[D:.*]] = llm.linear
// SECOND: %[[Y0:.*]] = arith.addf %[[X0]], %[[D]]
// BOTH: %[[Y0:.*]], %[[LEFT:.*]] = llm.ffn_skip %[[X0]] at %[[P]] {k = 1 : i64, tau = 5.000000e-01 : f32, warm_up = 4 : i64}
// BOTH-NEXT: ^bb0(%[[ROWS:.*]]: tensor<?x8xf32>):
// BOTH-NEXT: %[[N:.*]] = llm.rms_norm %[[ROWS]]
// BOTH: llm.yield %{{.*}} : tensor<?x8xf32>
// CHECK: llm.attention
// CHECK: %[[X1:.*]] = arith.addf %[[Y0]]
// BOTH: %[[Y1:.*]], %{{.*}} = llm.ffn_skip %[[X1]] after %[[LEFT]] at %[[P]]
// SECOND: %[[Y1:.*]], %{{.*}} = llm.ffn_skip %[[X1]] at %[[P]]
// CHECK: return %[[Y1]]

// RECORD-COUNT-2: record
// FUSED: llm.ffn_skip
// FUSED-NEXT: ^bb0
// FUSED: llm.fused "rms_norm.linear"
// FUSED: llm.fused "attention"
func.func @step(%ids: tensor<?xi32>, %x: tensor<?x8xf32>, %g: tensor<8xf32>, %w: tensor<8x8xf32>, %batch: !llm.batch) -> tensor<?x8xf32> {
  %a0 = llm.attention %x, %x, %x, %batch {heads = 1, kv_heads = 1, scale = 1.0 : f32, mask = #llm.mask<bidirectional>}
      : (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, !llm.batch) -> tensor<?x8xf32>
  %x0 = arith.addf %x, %a0 : tensor<?x8xf32>
  %n0 = llm.rms_norm %x0, %g {epsilon = 1.0e-5 : f32} : tensor<?x8xf32>, tensor<8xf32>
  %d0 = llm.linear %n0, %w : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %y0 = arith.addf %x0, %d0 : tensor<?x8xf32>
  %a1 = llm.attention %y0, %y0, %y0, %batch {heads = 1, kv_heads = 1, scale = 1.0 : f32, mask = #llm.mask<bidirectional>}
      : (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, !llm.batch) -> tensor<?x8xf32>
  %x1 = arith.addf %y0, %a1 : tensor<?x8xf32>
  %n1 = llm.rms_norm %x1, %g {epsilon = 1.0e-5 : f32} : tensor<?x8xf32>, tensor<8xf32>
  %d1 = llm.linear %n1, %w : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %y1 = arith.addf %d1, %x1 : tensor<?x8xf32>
  return %y1 : tensor<?x8xf32>
}
