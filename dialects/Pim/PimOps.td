#ifndef YOKE_PIM_OPS_TD
#define YOKE_PIM_OPS_TD

include "Pim/PimBase.td"

class Pim_Op<string mnemonic, list<Trait> traits = []> : Op<Pim_Dialect, mnemonic, traits>;

defvar Positive = ConfinedAttr<I64Attr, [IntPositive]>;
defvar NotNegative = ConfinedAttr<I64Attr, [IntNonNegative]>;
defvar Column = ConfinedAttr<I64Attr, [IntNonNegative, IntMaxValue<32767>]>;
defvar Count = ConfinedAttr<I64Attr, [IntPositive, IntMaxValue<32767>]>;

def Pim_RunOp : Pim_Op<"run", [ParentOneOf<["::yoke::npu::StageOp", "::yoke::npu::RepeatOp"]>, SingleBlock, NoTerminator, NoRegionArguments]> {
  let summary = "commands of one channel";
  let description = [{
    Begins when its operands are there and the channel has done what it was given before; ends when the last result has been read.

    Example:
    ```mlir
    %logits = pim.run logit on 3 after(%query : !npu.token) {
      pim.gwrite bank 4 row 32751
      pim.repeat 10 step 1 {
        pim.tile row 16384 comps 32 {
          pim.repeat 4 step 8 {
            pim.comps_readres column 0 count 8
          }
        }
      }
    }
    ```

    Constraints: the channel, banks and rows are those of the program's machine; inside are `pim.gwrite`, `pim.tile` and `pim.repeat`.
  }];
  let arguments = (ins Npu_PhaseAttr:$phase, NotNegative:$channel, Variadic<Npu_Value>:$inputs);
  let results = (outs Npu_Token:$done);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "`` $phase `on` $channel (`after` `(` $inputs^ `:` type($inputs) `)`)? attr-dict-with-keyword $body";
  let hasRegionVerifier = 1;
}

def Pim_RepeatOp : Pim_Op<"repeat", [ParentOneOf<["RunOp", "TileOp", "RepeatOp"]>, SingleBlock, NoTerminator, NoRegionArguments]> {
  let summary = "commands that are executed several times";
  let description = [{
    Outside a tile the rows of tiles lie `step` further each time, inside one the columns. Vectors stay where they are.

    Example: `pim.repeat 4 step 8 { pim.comps_readres column 0 count 8 }`
  }];
  let arguments = (ins Positive:$times, I64Attr:$step);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$times `step` $step attr-dict-with-keyword $body";
}

def Pim_GwriteOp : Pim_Op<"gwrite", [ParentOneOf<["RunOp", "RepeatOp"]>]> {
  let summary = "GWRITE: a row of a bank into the channel's vector buffer";
  let description = "Example: `pim.gwrite bank 4 row 32751`";
  let arguments = (ins NotNegative:$bank, NotNegative:$row);
  let assemblyFormat = "`bank` $bank `row` $row attr-dict";
}

def Pim_TileOp : Pim_Op<"tile", [ParentOneOf<["RunOp", "RepeatOp"]>, SingleBlock, NoTerminator, NoRegionArguments]> {
  let summary = "one row of all banks";
  let description = [{
    P_HEADER: tells the controller the row and, to plan around refreshes, the COMPs; those of the tile follow.

    Example: `pim.tile row 16384 comps 32 { pim.comps_readres column 0 count 32 }`

    Constraints: inside are `pim.comp`, `pim.readres`, `pim.comps_readres` and `pim.repeat`; the last is a result.
  }];
  let arguments = (ins NotNegative:$row, Count:$comps);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "`row` $row `comps` $comps attr-dict-with-keyword $body";
  let hasRegionVerifier = 1;
}

class Pim_InTile<string mnemonic> : Pim_Op<mnemonic, [ParentOneOf<["TileOp", "RepeatOp"]>]>;

def Pim_CompOp : Pim_InTile<"comp"> {
  let summary = "COMP: columns of all banks times the vector buffer";
  let description = [{
    `count` commands, one a column, each added to the sums.

    Example: `pim.comp column 0 count 8`
  }];
  let arguments = (ins Column:$column, Count:$count);
  let assemblyFormat = "`column` $column `count` $count attr-dict";
}

def Pim_ReadResOp : Pim_InTile<"readres"> {
  let summary = "READRES: the sum of each bank";
  let description = "Example: `pim.readres`";
  let assemblyFormat = "attr-dict";
}

def Pim_CompsReadResOp : Pim_InTile<"comps_readres"> {
  let summary = "COMPS_READRES: several COMPs and a READRES under one command";
  let description = "Example: `pim.comps_readres column 0 count 8`";
  let arguments = (ins Column:$column, Count:$count);
  let assemblyFormat = "`column` $column `count` $count attr-dict";
}

def Pim_IssueOp : Pim_Op<"issue", [HasParent<"::yoke::npu::StageOp">]> {
  let summary = "a command at its cycle";
  let description = [{
    What the memory sees: ordinary commands (`act`, `pre`, `rd`, `wr`, `ref`), those of PIM (`p_header`, `gwrite`, `g_act`, `comp`, `readres`,
    `comps_readres`) and those that close PIM row buffers, of one bank (`pim_precharge`) or of all (`pim_precharge_all`). The bank counts through ranks and bank
    groups; it is the first of those that `g_act` opens and the first of the rank of a `ref`. `yoke-sim` checks such a stage against the timing of its memory.

    Example: `pim.issue g_act at 1204 channel 3 bank 4 row 16384`

    Constraints: a stage with issued commands holds nothing else; channel, bank and row are those of the machine; commands that have a row say which.
  }];
  let arguments = (ins Pim_CommandAttr:$command, NotNegative:$cycle, NotNegative:$channel, NotNegative:$bank,
                       OptionalAttr<NotNegative>:$row, DefaultValuedAttr<Column, "0">:$column,
                       DefaultValuedAttr<ConfinedAttr<I64Attr, [IntNonNegative, IntMaxValue<65535>]>, "1">:$count);
  let assemblyFormat = [{
    `` $command `at` $cycle `channel` $channel `bank` $bank (`row` $row^)? (`column` $column^)? (`count` $count^)? attr-dict
  }];
  let hasVerifier = 1;
}

#endif // YOKE_PIM_OPS_TD
