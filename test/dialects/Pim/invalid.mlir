// RUN: yoke-opt %s --split-input-file --verify-diagnostics

npu.program @p target "t" <channels = 2, banks = 4, rows = 8, row_bytes = 64> policy overlapped {
  npu.stage "s" {
    // expected-error @below {{expected 0 <= channel < 2, found 2}}
    %0 = pim.run logit on 2 {
    }
  }
}

// -----

npu.program @p target "t" <channels = 2, banks = 4, rows = 8, row_bytes = 64> policy overlapped {
  npu.stage "s" {
    %0 = pim.run logit on 1 {
      // expected-error @below {{expected 0 <= bank < 4, found 4}}
      pim.gwrite bank 4 row 0
    }
  }
}

// -----

npu.program @p target "t" <channels = 2, banks = 4, rows = 8, row_bytes = 64> policy overlapped {
  npu.stage "s" {
    %0 = pim.run logit on 1 {
      // expected-error @below {{expected 0 <= row < 8, found 9}}
      pim.gwrite bank 3 row 9
    }
  }
}

// -----

npu.program @p target "t" <channels = 2, banks = 4, rows = 8, row_bytes = 64> policy overlapped {
  npu.stage "s" {
    %0 = pim.run logit on 1 {
      // expected-error @below {{expected 0 <= row < 8, found 8}}
      pim.tile row 8 comps 2 {
        pim.comps_readres column 0 count 2
      }
    }
  }
}

// -----

npu.program @p target "t" <channels = 2, banks = 4, rows = 8, row_bytes = 64> policy overlapped {
  npu.stage "s" {
    %0 = pim.run logit on 1 {
      // expected-error @below {{expected a pim.gwrite, pim.tile or pim.repeat in a pim.run}}
      %c = arith.constant 1 : i32
    }
  }
}

// -----

npu.program @p target "t" <channels = 2, banks = 4, rows = 8, row_bytes = 64> policy overlapped {
  npu.stage "s" {
    %0 = pim.run logit on 1 {
      pim.repeat 2 step 1 {
        // expected-error @below {{expected computations to be inside a pim.tile}}
        pim.readres
      }
    }
  }
}

// -----

npu.program @p target "t" <channels = 2, banks = 4, rows = 8, row_bytes = 64> policy overlapped {
  npu.stage "s" {
    %0 = pim.run logit on 1 {
      // expected-error @below {{expected the last command of a tile to read a result}}
      pim.tile row 1 comps 2 {
        pim.comp column 0 count 2
      }
    }
  }
}

// -----

npu.program @p target "t" <channels = 2, banks = 4, rows = 8, row_bytes = 64> policy overlapped {
  npu.stage "s" {
    %0 = pim.run logit on 1 {
      pim.tile row 1 comps 2 {
        pim.repeat 2 step 2 {
          // expected-error @below {{expected a pim.comp, pim.readres, pim.comps_readres or pim.repeat in a pim.tile}}
          pim.gwrite bank 0 row 0
        }
        pim.readres
      }
    }
  }
}

// -----

npu.program @p target "t" <channels = 2, banks = 4, rows = 8, row_bytes = 64> policy overlapped {
  npu.stage "s" {
    pim.issue ref at 0 channel 0 bank 0
    // expected-error @below {{expected a stage of issued commands to hold nothing else}}
    %0 = npu.join
  }
}

// -----

npu.program @p target "t" <channels = 2, banks = 4, rows = 8, row_bytes = 64> policy overlapped {
  npu.stage "s" {
    // expected-error @below {{expected the row of act}}
    pim.issue act at 0 channel 0 bank 0
  }
}

// -----

npu.program @p target "t" <channels = 2, banks = 4, rows = 8, row_bytes = 64> policy overlapped {
  npu.stage "s" {
    // expected-error @below {{expected 0 <= bank < 4, found 4}}
    pim.issue pre at 0 channel 0 bank 4
  }
}

// -----

npu.program @p target "t" <channels = 2, banks = 4, rows = 8, row_bytes = 64> policy overlapped {
  npu.stage "s" {
    %0 = pim.run logit on 1 {
      pim.tile row 1 comps 2 {
        // expected-error @below {{attribute 'count' failed to satisfy constraint}}
        pim.comps_readres column 0 count 40000
      }
    }
  }
}
