npu.program @blocks target "neupims" <channels = 32, banks = 32, rows = 32768, row_bytes = 1024> policy overlapped {
  npu.stage "blocks" {
    %0 = npu.join
    %1 = npu.repeat 10(%0) {
    ^bb0(%a: !npu.token):
      %2 = npu.vector norm after(%a : !npu.token) cycles 100
      %3 = npu.join after(%2 : !npu.token) mark
      npu.yield %3
    }
  }
}
