#ifndef YOKE_PASSES_FUSE_PASSES_TD
#define YOKE_PASSES_FUSE_PASSES_TD

include "mlir/Pass/PassBase.td"

def ConcatProjectionsPass : Pass<"yoke-concat-projections", "::mlir::ModuleOp"> {
  let summary = "Make one projection of query, key and value, and one of gate and up";
  let description = [{
    Linear ops of one input whose results meet in one `llm.attention` (through rotary embeddings and head norms) or in one `llm.gated` become one
    linear op over a weight that has the rows of theirs one below the other; its columns are taken apart by `tensor.extract_slice`. The input is read
    once and the thread team is woken once.

    Before:
    ```mlir
    %g = llm.linear %x, %gate : (tensor<?x64xf32>, tensor<176x64xf32>) -> tensor<?x176xf32>
    %u = llm.linear %x, %up : (tensor<?x64xf32>, tensor<176x64xf32>) -> tensor<?x176xf32>
    %y = llm.gated silu %g, %u : tensor<?x176xf32>
    ```
    After:
    ```mlir
    %gu = llm.linear %x, %gate_up : (tensor<?x64xf32>, tensor<352x64xf32>) -> tensor<?x352xf32>
    %g = tensor.extract_slice %gu[0, 0] [%T, 176] [1, 1] : tensor<?x352xf32> to tensor<?x176xf32>
    %u = tensor.extract_slice %gu[0, 176] [%T, 176] [1, 1] : tensor<?x352xf32> to tensor<?x176xf32>
    %y = llm.gated silu %g, %u : tensor<?x176xf32>
    ```

    Left alone: linear ops some of which have a bias and some not, weights of different element types, weights that are not read from a `#llm.weight`
    global or that are read elsewhere too.
  }];
  let dependentDialects = ["::mlir::tensor::TensorDialect", "::mlir::arith::ArithDialect", "::mlir::ml_program::MLProgramDialect"];
}

def FormKernelsPass : Pass<"yoke-form-kernels", "::mlir::func::FuncOp"> {
  let summary = "Group ops into llm.fused regions, one kernel each";
  let description = [{
    - a projection takes in the norm before it and the element-wise ops after it (activation, gate, residual sum, soft-cap), as long as nothing
      else reads the values between;
    - attention takes in the rotary embeddings and head norms of its queries and keys;
    - experts take in the router that chooses them and the element-wise ops after them;
    - a norm takes in the element-wise ops after it;
    - every other op becomes a kernel of its own, but for regions that some rows skip, whose ops become kernels inside.

    Each group of more than one op is an optimisation remark.
  }];
}

#endif // YOKE_PASSES_FUSE_PASSES_TD
