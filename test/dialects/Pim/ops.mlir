// RUN: yoke-opt %s | yoke-opt | FileCheck %s
// RUN: yoke-opt %s --mlir-print-op-generic | yoke-opt | FileCheck %s
// RUN: yoke-opt %s -emit-bytecode | yoke-opt | FileCheck %s

npu.program @attention target "neupims" <channels = 32, banks = 32, rows = 32768, row_bytes = 1024> policy overlapped {
  npu.stage "run" {
    %q = npu.movout attend bytes 1024 to channel 3 bank 4 row 32751
    // CHECK: pim.run logit on 3 after(%{{.*}} : !npu.token) {
    %l = pim.run logit on 3 after(%q : !npu.token) {
      // CHECK-NEXT: pim.gwrite bank 4 row 32751
      pim.gwrite bank 4 row 32751
      // CHECK-NEXT: pim.repeat 10 step 1 {
      pim.repeat 10 step 1 {
        // CHECK-NEXT: pim.tile row 16384 comps 32 {
        pim.tile row 16384 comps 32 {
          // CHECK-NEXT: pim.repeat 4 step 8 {
          pim.repeat 4 step 8 {
            // CHECK-NEXT: pim.comps_readres column 0 count 8
            pim.comps_readres column 0 count 8
          }
        }
      }
      // CHECK: pim.tile row 20 comps 3 {
      pim.tile row 20 comps 3 {
        // CHECK-NEXT: pim.comp column 2 count 3
        pim.comp column 2 count 3
        // CHECK-NEXT: pim.readres
        pim.readres
      }
    }
  }
  npu.stage "recorded" {
    // CHECK: pim.issue g_act at 12 channel 3 bank 4 row 16384
    pim.issue g_act at 12 channel 3 bank 4 row 16384
    // CHECK-NEXT: pim.issue comps_readres at 26 channel 3 bank 0 row 16384 column 8 count 8
    pim.issue comps_readres at 26 channel 3 bank 0 row 16384 column 8 count 8
    // CHECK-NEXT: pim.issue pim_precharge_all at 60 channel 3 bank 0
    pim.issue pim_precharge_all at 60 channel 3 bank 0
  }
}
