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

def LowerToKernelsPass : Pass<"yoke-lower-to-kernels", "::mlir::ModuleOp"> {
  let summary = "Turn @step into kernels of vector code and a function that calls them";
  let description = [{
    Each `llm.fused` becomes a function over memrefs; equal regions, as those of equal layers, share one. `@step` becomes `@yoke_step` with the signature of
    the step ABI: every thread of a team runs it, takes its share of each kernel and meets the others at a barrier. Values between kernels live in one
    arena, planned here for `max-tokens` tokens a step; the numbers that the runtime needs are in the module's `llm.step` attribute.
  }];
  let options = [
    Option<"level", "level", "std::string", "\"x86-64-v4\"", "x86-64-v3, or x86-64-v4[+avx512vnni][+avx512bf16]">,
    Option<"maxTokens", "max-tokens", "int64_t", "512", "Most tokens of one step">
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
