// Attention of one head of 128 over 100 tokens on one channel: four tiles of keys, then four of values.
npu.program @attention target "neupims" <channels = 32, banks = 32, rows = 32768, row_bytes = 1024> policy overlapped scratchpad 1048576 {
  npu.stage "step" {
    %query = npu.movout attend bytes 256 to channel 3 bank 4 row 32751
    %logits = pim.run logit on 3 after(%query : !npu.token) {
      pim.gwrite bank 4 row 32751
      pim.repeat 4 step 1 {
        pim.tile row 16384 comps 8 {
          pim.comps_readres column 0 count 8
        }
      }
    }
    %softmax = npu.vector softmax after(%logits : !npu.token) cycles 6
    %probabilities = npu.movout attend after(%softmax : !npu.token) bytes 200 to channel 3 bank 5 row 32751
    %attended = pim.run attend on 3 after(%probabilities : !npu.token) {
      pim.gwrite bank 5 row 32751
      pim.repeat 4 step 1 {
        pim.tile row 16388 comps 7 {
          pim.comps_readres column 0 count 7
        }
      }
    }
    %end = npu.join after(%attended : !npu.token) mark
  }
}
