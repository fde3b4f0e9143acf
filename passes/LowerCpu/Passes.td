#ifndef YOKE_PASSES_LOWERCPU_PASSES_TD
#define YOKE_PASSES_LOWERCPU_PASSES_TD

include "mlir/Pass/PassBase.td"

def PackWeightsPass : Pass<"yoke-pack-weights", "::mlir::ModuleOp"> {
  let summary = "Decide how each weight lies in the package";
  let description = [{
    Gives every `ml_program.global` that is read a `llm.layout` attribute: panels of rows for what a projection multiplies by, row-major for tables that
    are only looked up, float32 for vectors. Offsets follow each other, aligned to 64 bytes, in the order of the globals. The module's
    `llm.weight_bytes` is their total size, `llm.token_bytes` what a step of one token reads of it. Globals that nobody reads go.
  }];
  let options = [Option<"level", "level", "std::string", "\"x86-64-v4\"", "x86-64-v3, or x86-64-v4[+avx512vnni][+avx512bf16]">];
}

def TuneKernelsPass : Pass<"yoke-tune-kernels", "::mlir::ModuleOp"> {
  let summary = "Note for each kernel how it was found to run best";
  let description = [{
    Gives each `llm.fused` that multiplies with a matrix the attribute `llm.tuning` with the choices for its key: its kernel's name, and for each matrix
    `:` and its shape, type and the type its rows are rounded to. `*` stands for those that have no choices of their own. `yoke-lower-to-kernels` reads it:

    - `rows`: rows of activations multiplied at once;
    - `unroll`: times that the loop over inputs is written out;
    - `prefetch`: bytes ahead of the reads of a panel that are asked for;
    - `dealt`: panels that threads take in turn, 0 for one part each;
    - `panels`: panels multiplied with a block of rows before the next block.

    None of them changes a bit of the result.
  }];
  let options = [Option<"choices", "choices", "std::string", "\"\"", "KEY@NAME=VALUE,..., several with ; between them">];
}

def LowerToKernelsPass : Pass<"yoke-lower-to-kernels", "::mlir::ModuleOp"> {
  let summary = "Turn @step into kernels of vector code and a function that calls them";
  let description = [{
    Each `llm.fused` becomes a function over memrefs; equal regions, as those of equal layers, share one. `@step` becomes `@yoke_step` with the signature of
    the step ABI: every thread of a team runs it, takes its share of each kernel and meets the others at a barrier. Values between kernels live in one
    arena, planned here for `max-tokens` tokens a step; the numbers that the runtime needs are in the module's `llm.step` attribute.
  }];
  let options = [
    Option<"level", "level", "std::string", "\"x86-64-v4\"", "x86-64-v3, or x86-64-v4[+avx512vnni][+avx512bf16]">,
    Option<"maxTokens", "max-tokens", "int64_t", "512", "Most tokens of one step">,
    Option<"timed", "timed", "bool", "false", "Let `@yoke_step` tell when each kernel begins">
  ];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect", "::mlir::LLVM::LLVMDialect", "::mlir::math::MathDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"];
}

def ApproximateMathPass : Pass<"yoke-approximate-math", "::mlir::func::FuncOp"> {
  let summary = "Vectors of exp, tanh and erf as polynomials";
  let description = [{
    Upstream's approximations, which are within a few units in the last place, for the functions of activations and softmax. Sines and cosines keep
    the range reduction of the mathematics library: rotary angles are large.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect", "::mlir::vector::VectorDialect"];
}

#endif // YOKE_PASSES_LOWERCPU_PASSES_TD
