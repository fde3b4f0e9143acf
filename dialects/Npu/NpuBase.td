#ifndef YOKE_NPU_BASE_TD
#define YOKE_NPU_BASE_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"

def Npu_Dialect : Dialect {
  let name = "npu";
  let cppNamespace = "::yoke::npu";
  let summary = "Commands of an NPU: tiles moved, multiplied and reduced";
  let description = [{
    A `npu.program` is what one device does in a step: stages that follow each other, and in each stage commands for the queues of the device. A
    command yields a value, a tile of the scratchpad or a token, and waits for the values that it takes: there is no other order between commands of
    different queues, so a queue that comes to a command whose values are there starts it. Commands of one queue start by their order in the
    program where they compete. Since a value is taken after it was made, a program cannot wait for itself.

    The `pim` dialect adds the commands of multipliers inside the memory's banks. `yoke-translate --serialize-commands` writes a program
    in its binary form, `yoke-sim` runs that.
  }];
  let useDefaultAttributePrinterParser = 1;
  let useDefaultTypePrinterParser = 1;
}

def Npu_Token : TypeDef<Npu_Dialect, "Token"> {
  let mnemonic = "token";
  let summary = "a command that ends";
}

def Npu_Tile : TypeDef<Npu_Dialect, "Tile"> {
  let mnemonic = "tile";
  let summary = "a rectangle of a matrix in the scratchpad";
  let description = [{
    Example: `!npu.tile<4096x128xf16>`

    Constraints: rows and columns are positive; elements are `i4`, `i8`, `f16` or `f32`; all of them together are whole bytes.
  }];
  let parameters = (ins "int64_t":$rows, "int64_t":$columns, "::mlir::Type":$element);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    int64_t getBytes() const { return getRows() * getColumns() * int64_t(getElement().getIntOrFloatBitWidth()) / 8; }
  }];
}

def Npu_Value : AnyTypeOf<[Npu_Token, Npu_Tile], "token or tile">;

// Numbered as the simulator's phases.
def Npu_Phase : I32EnumAttr<"Phase", "the part of a decoder that a command belongs to", [
  I32EnumAttrCase<"norm", 0>, I32EnumAttrCase<"qkv", 1>, I32EnumAttrCase<"logit", 2>, I32EnumAttrCase<"softmax", 3>,
  I32EnumAttrCase<"attend", 4>, I32EnumAttrCase<"projection", 5>, I32EnumAttrCase<"feed_forward", 6>, I32EnumAttrCase<"residual", 7>,
  I32EnumAttrCase<"link", 8>, I32EnumAttrCase<"head", 9>, I32EnumAttrCase<"other", 10>
]> {
  let cppNamespace = "::yoke::npu";
  let genSpecializedAttr = 0;
}
def Npu_PhaseAttr : EnumAttr<Npu_Dialect, Npu_Phase, "phase">;

// Numbered as the simulator's policies.
def Npu_Policy : I32EnumAttr<"Policy", "the controllers and queues that a program is made for", [
  I32EnumAttrCase<"overlapped", 0>, I32EnumAttrCase<"published_npu", 1>, I32EnumAttrCase<"npu_pim", 2>, I32EnumAttrCase<"neupims", 3>,
  I32EnumAttrCase<"published_npu_pim", 4>, I32EnumAttrCase<"published_neupims", 5>
]> {
  let cppNamespace = "::yoke::npu";
  let genSpecializedAttr = 0;
}
def Npu_PolicyAttr : EnumAttr<Npu_Dialect, Npu_Policy, "policy">;

def Npu_MachineAttr : AttrDef<Npu_Dialect, "Machine"> {
  let mnemonic = "machine";
  let summary = "the memory that addresses are made for";
  let description = [{
    Channels, banks of a channel, rows of a bank and bytes of a row.

    Example: `#npu.machine<channels = 32, banks = 32, rows = 32768, row_bytes = 1024>`
  }];
  let parameters = (ins "int64_t":$channels, "int64_t":$banks, "int64_t":$rows, "int64_t":$row_bytes);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

#endif // YOKE_NPU_BASE_TD
