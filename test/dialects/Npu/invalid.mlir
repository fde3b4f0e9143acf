// RUN: yoke-opt %s --split-input-file --verify-diagnostics

npu.program @p target "t" <channels = 32, banks = 32, rows = 8, row_bytes = 1024> policy overlapped {
  // expected-error @below {{expected an npu.stage in an npu.program}}
  %c = arith.constant 1 : i32
}

// -----

// expected-error @below {{expected 1 <= banks <= 64, found 65}}
npu.program @p target "t" <channels = 32, banks = 65, rows = 8, row_bytes = 1024> policy overlapped {
}

// -----

npu.program @p target "t" <channels = 2, banks = 4, rows = 8, row_bytes = 1024> policy overlapped {
  npu.stage "s" {
    // expected-error @below {{expected 0 <= channel < 2, found 2}}
    %0 = npu.movout attend bytes 64 to channel 2 bank 0 row 0
  }
}

// -----

npu.program @p target "t" <channels = 2, banks = 4, rows = 8, row_bytes = 1024> policy overlapped {
  npu.stage "s" {
    // expected-error @below {{expected 0 <= bank < 4, found 4}}
    %0 = npu.movout attend bytes 64 to channel 1 bank 4 row 0
  }
}

// -----

npu.program @p target "t" <channels = 2, banks = 4, rows = 8, row_bytes = 1024> policy overlapped {
  npu.stage "s" {
    // expected-error @below {{expected 0 <= row < 8, found 8}}
    %0 = npu.movout attend bytes 64 to channel 1 bank 0 row 8
  }
}

// -----

npu.program @p target "t" <channels = 2, banks = 4, rows = 8, row_bytes = 1024> policy overlapped {
  npu.stage "s" {
    // expected-error @below {{expected at most the 1024 bytes of a row, found 2048}}
    %0 = npu.movout attend bytes 2048 to channel 1 bank 0 row 0
  }
}

// -----

npu.program @p target "t" <channels = 2, banks = 4, rows = 8, row_bytes = 1024> policy overlapped {
  npu.stage "s" {
    // expected-error @below {{expected channel, bank and row together}}
    %0 = "npu.movout"() <{phase = #npu<phase attend>, bytes = 64 : i64, channel = 1 : i64}> : () -> !npu.token
  }
}

// -----

npu.program @p target "t" <channels = 2, banks = 4, rows = 8, row_bytes = 1024> policy overlapped {
  npu.stage "s" {
    %0 = npu.movin qkv : !npu.tile<8x8xf16>
    // expected-error @below {{expected what it frees to be the result of a resident npu.movin}}
    %1 = npu.gemm qkv(%0 : !npu.tile<8x8xf16>) rows 8 cycles 8 frees
  }
}

// -----

npu.program @p target "t" <channels = 2, banks = 4, rows = 8, row_bytes = 1024> policy overlapped {
  npu.stage "s" {
    %0 = npu.movin qkv : !npu.tile<8x8xf16>
    // expected-error @below {{expected what it frees to be the result of a resident npu.movin}}
    %1 = npu.free %0 : !npu.tile<8x8xf16>
  }
}

// -----

npu.program @p target "t" <channels = 2, banks = 4, rows = 8, row_bytes = 1024> policy overlapped {
  npu.stage "s" {
    // expected-error @below {{expected a mark to have operands}}
    %0 = npu.join mark
  }
}

// -----

npu.program @p target "t" <channels = 2, banks = 4, rows = 8, row_bytes = 1024> policy overlapped {
  npu.stage "s" {
    %0 = npu.join
    // expected-error @below {{expected the body to end with an npu.yield of 1 tokens}}
    %1 = npu.repeat 2(%0) {
    ^bb0(%a: !npu.token):
      npu.yield
    }
  }
}

// -----

npu.program @p target "t" <channels = 2, banks = 4, rows = 8, row_bytes = 1024> policy overlapped {
  npu.stage "s" {
    %0 = npu.join
    // expected-error @below {{expected 1 arguments of the body, all tokens, found 0}}
    %1 = npu.repeat 2(%0) {
      npu.yield %0
    }
  }
}

// -----

npu.program @p target "t" <channels = 2, banks = 4, rows = 8, row_bytes = 1024> policy overlapped {
  npu.stage "s" {
    // expected-error @below {{expected rows x columns, found 1 dimensions}}
    %0 = npu.movin qkv : !npu.tile<8xf16>
  }
}

// -----

npu.program @p target "t" <channels = 2, banks = 4, rows = 8, row_bytes = 1024> policy overlapped {
  npu.stage "s" {
    // expected-error @below {{expected elements i4, i8, f16 or f32, found 'bf16'}}
    %0 = npu.movin qkv : !npu.tile<8x8xbf16>
  }
}

// -----

npu.program @p target "t" <channels = 2, banks = 4, rows = 8, row_bytes = 1024> policy overlapped {
  npu.stage "s" {
    // expected-error @below {{expected whole bytes, found 3 elements of 4 bits}}
    %0 = npu.movin qkv : !npu.tile<1x3xi4>
  }
}

// -----

npu.program @p target "t" <channels = 2, banks = 4, rows = 8, row_bytes = 1024> policy overlapped {
  npu.stage "s" {
    // expected-error @below {{expected 1 to 2^31 - 1 rows and columns and at most 2^40 elements, found 2147483647 x 2147483647}}
    %0 = npu.movin qkv : !npu.tile<2147483647x2147483647xf16>
  }
}

// -----

npu.program @p target "t" <channels = 2, banks = 4, rows = 8, row_bytes = 1024> policy overlapped {
  npu.stage "s" {
    // expected-error @below {{attribute 'devices' failed to satisfy constraint}}
    %0 = npu.all_reduce link bytes 64 devices 1
  }
}

// -----

// expected-error @below {{expects parent op}}
%0 = npu.vector norm cycles 4
