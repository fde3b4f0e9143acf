#ifndef YOKE_PASSES_PARTITION_PASSES_TD
#define YOKE_PASSES_PARTITION_PASSES_TD

include "mlir/Pass/PassBase.td"

def SpecialisePass : Pass<"yoke-specialise", "::mlir::ModuleOp"> {
  let summary = "Clone the step for classes of token counts";
  let description = [{
    Replaces `@step` by one clone a class, `@step_<sequences>x<tokens>`, with the attribute `llm.class`. What is a product with a vector in one class is a
    product of matrices in another, so each may be placed differently. A step takes the smallest class that holds its tokens.

    Modules without `@step` are left alone.
  }];
  let options = [
    ListOption<"classes", "classes", "std::string", "Classes as SEQUENCESxTOKENS, tokens of each sequence (default: 1x1,1x16,1x512)">
  ];
}

def PartitionPass : Pass<"yoke-partition", "::mlir::ModuleOp"> {
  let summary = "Put each kernel on the device that makes the whole fastest";
  let description = [{
    Takes the kernels of each function (`llm.fused`; see `--yoke-fuse`) and puts them into `place.on` regions with explicit `place.transfer`s. Kernels
    run one after the other; the sum of their times on the devices (`lib/Target/CostModel.h`) and of the transfers between them is made as small
    as it can be over the whole function by minimum cuts (`lib/Target/Assignment.h`), not kernel by kernel. The result is never slower, by that model, than
    any one device alone. Neighbouring kernels of one device share a region: regions are intervals of the order in which kernels run,
    hence convex. Slices of a kernel's result stay with it, so that only what is read crosses.

    Weights and KV cache must fit: where a memory is too small, those kernels leave it that lose least time per byte. Devices of one memory (NPU and PIM) hold a weight once.

    Each decision is a remark (category `yoke-partition`) with the time on every device and what limits it. A summary is always printed, one line a function.

    Function without kernels are left alone.
  }];
  let options = [
    Option<"target", "target", "std::string", "", "Target: a description (JSON) or a built-in name">,
    Option<"context", "context", "int64_t", "1024", "Tokens that a sequence has in the KV cache">,
    Option<"treeTokens", "tree-tokens", "int64_t", "64",
           "Steps of at most so many tokens a sequence want the logits of all of them; longer ones those of the last">,
    Option<"noFallback", "no-fallback", "bool", "false", "Fail rather than leave a kernel to the CPU of a target that has another device">,
    Option<"plan", "plan", "std::string", "", "Take the devices from this plan (JSON) instead of choosing them">,
    Option<"savePlan", "save-plan", "std::string", "", "Write the plan (JSON)">
  ];
  let dependentDialects = ["::yoke::place::PlaceDialect"];
}

def CheckPlacementPass : Pass<"yoke-check-placement", "::mlir::ModuleOp"> {
  let summary = "Fail unless a target can execute a placement";
  let description = [{
    Every `llm` kernel lies in a `place.on`; every device is one of the target's; transfers have a link; the weights and the KV cache that the regions of a memory
    read fit into it. (That regions are convex and cannot wait for each other follows from their form: see the dialect.)
  }];
  let options = [
    Option<"target", "target", "std::string", "", "Target: a description (JSON) or a built-in name">,
    Option<"context", "context", "int64_t", "1024", "Tokens that a sequence has in the KV cache">
  ];
}

def ErasePlacementPass : Pass<"yoke-erase-placement", "::mlir::ModuleOp"> {
  let summary = "Take everything out of its place.on region";
  let description = [{
    The program computes the same; it can be lowered for one device.

    Before:
    ```mlir
    %y = place.on npu(%x) : (tensor<?x8xf32>) -> tensor<?x8xf32> {
    ^bb0(%rows: tensor<?x8xf32>):
      %0 = llm.scale %rows {factor = 2.0 : f32} : tensor<?x8xf32>
      place.yield %0 : tensor<?x8xf32>
    }
    %z = place.transfer %y from npu to cpu : tensor<?x8xf32>
    ```
    After:
    ```mlir
    %z = llm.scale %x {factor = 2.0 : f32} : tensor<?x8xf32>
    ```
  }];
}

#endif // YOKE_PASSES_PARTITION_PASSES_TD
