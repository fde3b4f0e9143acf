#ifndef YOKE_NPU_OPS_TD
#define YOKE_NPU_OPS_TD

include "Npu/NpuBase.td"
include "mlir/IR/RegionKindInterface.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class Npu_Op<string mnemonic, list<Trait> traits = []> : Op<Npu_Dialect, mnemonic, traits>;

/// A command: it waits for `inputs` and yields a token.
class Npu_Command<string mnemonic, list<Trait> traits = []> : Npu_Op<mnemonic, [ParentOneOf<["StageOp", "RepeatOp"]>] # traits>;

defvar After = "(`after` `(` $inputs^ `:` type($inputs) `)`)?";
defvar Positive = ConfinedAttr<I64Attr, [IntPositive]>;
defvar NotNegative = ConfinedAttr<I64Attr, [IntNonNegative]>;

def Npu_ProgramOp : Npu_Op<"program", [IsolatedFromAbove, Symbol, SingleBlock, NoTerminator, NoRegionArguments]> {
  let summary = "what one device does in a step";
  let description = [{
    Holds `npu.stage`s, which run one after the other. `scratchpad` are the bytes that tiles may take together (without it they are not counted);
    moved bytes are a stream over all channels that begins again after `stream` bytes.

    Example:
    ```mlir
    npu.program @decode target "neupims" <channels = 32, banks = 32, rows = 32768, row_bytes = 1024> policy overlapped scratchpad 1048576 {
      npu.stage "blocks" {
        %w = npu.movin qkv resident : <4096x128xf16>
        %y = npu.gemm qkv(%w : !npu.tile<4096x128xf16>) rows 32 cycles 512 latency 256 frees
      }
    }
    ```

    Constraints: channels, banks and rows of the commands inside are those of the machine.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, StrAttr:$target, Npu_MachineAttr:$machine, Npu_PolicyAttr:$policy,
                       OptionalAttr<Positive>:$scratchpad, OptionalAttr<Positive>:$stream);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $sym_name `target` $target $machine `policy` `` $policy (`scratchpad` $scratchpad^)? (`stream` $stream^)? attr-dict-with-keyword $body
  }];
  let hasRegionVerifier = 1;
}

def Npu_StageOp : Npu_Op<"stage", [HasParent<"ProgramOp">, SingleBlock, NoTerminator, NoRegionArguments]> {
  let summary = "commands up to a barrier";
  let description = [{
    Begins when everything of the stage before is done.

    Example: `npu.stage "head" { ... }`
  }];
  let arguments = (ins StrAttr:$name);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$name attr-dict-with-keyword $body";
}

def Npu_RepeatOp : Npu_Command<"repeat", [SingleBlock, DeclareOpInterfaceMethods<InferTypeOpInterface>]> {
  let summary = "commands that are executed several times";
  let description = [{
    The region's arguments are the inputs at first, later what `npu.yield` gave the time before; the results are what it gave last. Repetitions overlap
    as far as their values allow. Rows of PIM tiles inside lie `rows` further each time, so that one body serves the keys and values of all
    decoder blocks; vectors are at the same place each time.

    Example:
    ```mlir
    %0 = npu.join
    %1 = npu.repeat 32 rows 416(%0) {
    ^bb0(%rows: !npu.token):
      %2 = npu.vector norm after(%rows : !npu.token) cycles 96
      npu.yield %2
    }
    ```

    Constraints: the body ends with an `npu.yield` of as many tokens as there are inputs, and has as many arguments.
  }];
  let arguments = (ins Positive:$times, DefaultValuedAttr<I64Attr, "0">:$rows, Variadic<Npu_Token>:$inputs);
  let results = (outs Variadic<Npu_Token>:$outputs);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$times (`rows` $rows^)? `` `(` $inputs `)` attr-dict-with-keyword $body";
  let hasRegionVerifier = 1;
}

def Npu_YieldOp : Npu_Op<"yield", [Pure, Terminator, ReturnLike, HasParent<"RepeatOp">]> {
  let summary = "what a repetition gives to the next";
  let description = "Example: `npu.yield %0, %1`";
  let arguments = (ins Variadic<Npu_Token>:$values);
  let assemblyFormat = "($values^)? attr-dict";
}

def Npu_MoveInOp : Npu_Command<"movin"> {
  let summary = "MOVIN: the next bytes of the stream into a tile";
  let description = [{
    A `resident` tile takes its bytes of the scratchpad until it is freed; the command waits until there is room.

    Example: `%w = npu.movin feed_forward resident : <4096x128xf16>`
  }];
  let arguments = (ins Npu_PhaseAttr:$phase, UnitAttr:$resident, Variadic<Npu_Value>:$inputs);
  let results = (outs Npu_Tile:$tile);
  let assemblyFormat = !strconcat("`` $phase (`resident` $resident^)? ", After, " attr-dict `:` type($tile)");
}

def Npu_MoveOutOp : Npu_Command<"movout"> {
  let summary = "MOVOUT: bytes to memory";
  let description = [{
    Ends when the memory has accepted them. Without a place they go to the stream; with one, to a row, where a `pim.gwrite` finds them.
    `pim_stream`: by the queue that the PIM stream has for itself (stages as published).

    Example: `%0 = npu.movout attend after(%q : !npu.token) bytes 1024 to channel 3 bank 4 row 32751`

    Constraints: channel, bank and row are given together; bytes to a row are at most a row's.
  }];
  let arguments = (ins Npu_PhaseAttr:$phase, Variadic<Npu_Value>:$inputs, Positive:$bytes, OptionalAttr<NotNegative>:$channel,
                       OptionalAttr<NotNegative>:$bank, OptionalAttr<NotNegative>:$row, UnitAttr:$pim_stream);
  let results = (outs Npu_Token:$done);
  let assemblyFormat = !strconcat("`` $phase ", After, [{ `bytes` $bytes (`to` `channel` $channel^ `bank` $bank `row` $row)? (`pim_stream` $pim_stream^)? attr-dict}]);
  let hasVerifier = 1;
}

def Npu_GemmOp : Npu_Command<"gemm"> {
  let summary = "GEMM: rows through the systolic arrays";
  let description = [{
    Takes the arrays for `cycles`; the result is there `latency` later. `rows` is how many rows are multiplied with the tile (0: a part of a
    product). `preload` is GEMM_PRELOAD: a new stationary operand. `frees`: the first operand, a resident tile, is given back in the end.

    Example: `%y = npu.gemm qkv(%w, %x : !npu.tile<4096x128xf16>, !npu.token) rows 256 cycles 1024 latency 256`

    Constraints: with `frees` the first operand is the result of a resident `npu.movin`.
  }];
  let arguments = (ins Npu_PhaseAttr:$phase, Variadic<Npu_Value>:$inputs, NotNegative:$rows, Positive:$cycles,
                       DefaultValuedAttr<NotNegative, "0">:$latency, UnitAttr:$preload, UnitAttr:$frees);
  let results = (outs Npu_Token:$done);
  let assemblyFormat = [{`` $phase `` `(` $inputs `:` type($inputs) `)` `rows` $rows `cycles` $cycles (`latency` $latency^)? (`preload` $preload^)?
    (`frees` $frees^)? attr-dict}];
  let hasVerifier = 1;
}

def Npu_VectorOp : Npu_Command<"vector"> {
  let summary = "an instruction of a vector unit";
  let description = [{
    Norms, softmax, activations, sums and rotations, by `phase`; any free unit takes it for `cycles`.

    Example: `%p = npu.vector softmax after(%logits : !npu.token) cycles 24`
  }];
  let arguments = (ins Npu_PhaseAttr:$phase, Variadic<Npu_Value>:$inputs, NotNegative:$cycles, UnitAttr:$pim_stream);
  let results = (outs Npu_Token:$done);
  let assemblyFormat = !strconcat("`` $phase ", After, " `cycles` $cycles (`pim_stream` $pim_stream^)? attr-dict");
}

def Npu_AllReduceOp : Npu_Command<"all_reduce"> {
  let summary = "the sum of what several devices have, over the link";
  let description = [{
    A ring of `devices` over the link of the target file.

    Example: `%s = npu.all_reduce link after(%y : !npu.token) bytes 2097152 devices 4`
  }];
  let arguments = (ins Npu_PhaseAttr:$phase, Variadic<Npu_Value>:$inputs, Positive:$bytes,
                       ConfinedAttr<I64Attr, [IntMinValue<2>]>:$devices);
  let results = (outs Npu_Token:$done);
  let assemblyFormat = !strconcat("`` $phase ", After, " `bytes` $bytes `devices` $devices attr-dict");
}

def Npu_JoinOp : Npu_Command<"join"> {
  let summary = "everything that it takes";
  let description = [{
    Takes no time. Without operands it is the token of the beginning: there is nothing to wait for. `mark`: the end of a block, whose cycle `yoke-sim` reports.

    Example: `%all = npu.join after(%a, %b : !npu.token, !npu.token) mark`

    Constraints: a mark has operands.
  }];
  let arguments = (ins Variadic<Npu_Value>:$inputs, UnitAttr:$mark);
  let results = (outs Npu_Token:$done);
  let assemblyFormat = !strconcat(After, " (`mark` $mark^)? attr-dict");
  let hasVerifier = 1;
}

def Npu_FreeOp : Npu_Command<"free"> {
  let summary = "gives back a tile when its users are done";
  let description = [{
    Example: `%f = npu.free %w : <4096x128xf16> after(%y : !npu.token)`

    Constraints: the tile is the result of a resident `npu.movin`.
  }];
  let arguments = (ins Npu_Tile:$tile, Variadic<Npu_Value>:$inputs);
  let results = (outs Npu_Token:$done);
  let assemblyFormat = !strconcat("$tile `:` type($tile) ", After, " attr-dict");
  let hasVerifier = 1;
}

#endif // YOKE_NPU_OPS_TD
