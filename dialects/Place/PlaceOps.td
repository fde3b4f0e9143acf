#ifndef YOKE_PLACE_OPS_TD
#define YOKE_PLACE_OPS_TD

include "Place/PlaceBase.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Place_Device : I32EnumAttr<"Device", "a kind of device", [
  I32EnumAttrCase<"npu", 0>, // systolic arrays and vector units beside a memory
  I32EnumAttrCase<"pim", 1>, // multipliers inside that memory's banks
  I32EnumAttrCase<"gpu", 2>,
  I32EnumAttrCase<"cpu", 3>
]> {
  let cppNamespace = "::yoke::place";
  let genSpecializedAttr = 0;
}
def Place_DeviceAttr : EnumAttr<Place_Dialect, Place_Device, "device">;

def Place_ScheduleKind : I32EnumAttr<"ScheduleKind", "how devices of one memory work at once", [
  I32EnumAttrCase<"overlapped", 0>, // every command when its operands are there
  I32EnumAttrCase<"stages", 1>, // stages with barriers, as NeuPIMs
  I32EnumAttrCase<"published_stages", 2> // with the published simulator's shortcuts
]> {
  let cppNamespace = "::yoke::place";
  let genSpecializedAttr = 0;
}

def Place_ScheduleAttr : AttrDef<Place_Dialect, "Schedule"> {
  let mnemonic = "schedule";
  let summary = "how a placed step is run";
  let description = [{
    On a function, as `place.schedule`: the requests of the step by their tokens (new ones included) and the memory channel that each lives in, the new tokens (`rows`)
    of each, in how many sub-batches they go, where attention is done, and how many devices share each layer.

    Example: `#place.schedule<overlapped, sub_batches = 2, attention = pim, devices = 1, rows = 1, lengths = [513, 513], channels = [0, 1]>`

    Constraints: one or two sub-batches; attention on npu or pim; as many channels as lengths, at least one; lengths hold the new tokens.
  }];
  let parameters = (ins EnumParameter<Place_ScheduleKind>:$kind, "int64_t":$sub_batches, EnumParameter<Place_Device>:$attention,
                        "int64_t":$devices, "int64_t":$rows, "::mlir::DenseI64ArrayAttr":$lengths, "::mlir::DenseI64ArrayAttr":$channels);
  let builders = [
    AttrBuilder<(ins "::yoke::place::ScheduleKind":$kind, "int64_t":$sub_batches, "::yoke::place::Device":$attention, "int64_t":$devices,
                     "int64_t":$rows, "::llvm::ArrayRef<int64_t>":$lengths, "::llvm::ArrayRef<int64_t>":$channels), [{
      return $_get($_ctxt, kind, sub_batches, attention, devices, rows, ::mlir::DenseI64ArrayAttr::get($_ctxt, lengths),
                   ::mlir::DenseI64ArrayAttr::get($_ctxt, channels));
    }]>
  ];
  let assemblyFormat = "`<` $kind `,` struct($sub_batches, $attention, $devices, $rows, $lengths, $channels) `>`";
  let genVerifyDecl = 1;
}

class Place_Op<string mnemonic, list<Trait> traits = []> : Op<Place_Dialect, mnemonic, traits>;

def Place_OnOp : Place_Op<"on", [IsolatedFromAbove, SingleBlock, RecursiveMemoryEffects]> {
  let summary = "what one device computes";
  let description = [{
    The region's arguments are the operands, its `place.yield` gives the results. Weights are read inside, by `ml_program.global_load_const`: they
    lie in the device's memory.

    Example:
    ```mlir
    %y = place.on pim(%x) : (tensor<?x64xf32>) -> tensor<?x128xf32> {
    ^bb0(%rows: tensor<?x64xf32>):
      %w = ml_program.global_load_const @w : tensor<128x64xbf16>
      %0 = llm.linear %rows, %w : (tensor<?x64xf32>, tensor<128x64xbf16>) -> tensor<?x128xf32>
      place.yield %0 : tensor<?x128xf32>
    }
    ```

    Constraints: the region's arguments have the operands' types and its `place.yield` the results' types; an operand that another
    device's `place.on` made comes through a `place.transfer` to this device.
  }];
  let arguments = (ins Place_DeviceAttr:$device, Variadic<AnyType>:$inputs);
  let results = (outs Variadic<AnyType>:$outputs);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "`` $device `(` $inputs `)` attr-dict `:` functional-type($inputs, $outputs) $body";
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
}

def Place_YieldOp : Place_Op<"yield", [Pure, Terminator, ReturnLike, HasParent<"OnOp">]> {
  let summary = "what a placed region gives";
  let arguments = (ins Variadic<AnyType>:$values);
  let assemblyFormat = "($values^ `:` type($values))? attr-dict";
}

def Place_TransferOp : Place_Op<"transfer", [Pure, AllTypesMatch<["value", "result"]>]> {
  let summary = "makes a value of one device readable by another";
  let description = [{
    Example: `%b = place.transfer %a from npu to pim : tensor<?x64xf32>`

    Constraints: the two devices differ; a value that a `place.on` made is transferred from that region's device.
  }];
  let arguments = (ins AnyType:$value, Place_DeviceAttr:$source, Place_DeviceAttr:$destination);
  let results = (outs AnyType:$result);
  let assemblyFormat = "$value `from` `` $source `to` `` $destination attr-dict `:` type($value)";
  let hasVerifier = 1;
}

#endif // YOKE_PLACE_OPS_TD
