npu.program @issued target "neupims" <channels = 32, banks = 32, rows = 32768, row_bytes = 1024> policy overlapped {
  npu.stage "recorded" {
    pim.issue act at 0 channel 0 bank 0 row 5
    pim.issue rd at 13 channel 0 bank 0 row 5
  }
}
