#ifndef YOKE_PASSES_NPUPIM_PASSES_TD
#define YOKE_PASSES_NPUPIM_PASSES_TD

include "mlir/Pass/PassBase.td"

def InterleavePass : Pass<"yoke-interleave", "::mlir::ModuleOp"> {
  let summary = "Choose how NPU and PIM work at once on a placed step";
  let description = [{
    For each placed step of a stack of equal decoder blocks, simulates the schedules that the target can run (`lib/Simulator`) and leaves the fastest as the
    function's attribute `place.schedule`, which `--yoke-lower-npu-pim` follows: requests packed onto channels by greedy minimum load, one batch or two sub-batches, and
    where attention is done.

    - `mode=yoke`: our schedule. A tile of weights is loaded once for both sub-batches, PIM begins with a group of heads as soon as their queries and keys are
      there, rows are opened ahead, all banks are closed by one command where the target has it. Alternatives are one batch and two sub-batches with attention in the
      banks or on the arrays, and the kernels one by one as they are placed; when those are fastest, the function is left as it is.
    - `mode=neupims`: the published stages. With `interleave=auto` the published rule: two sub-batches from 256 requests on. `published` keeps the published
      shortcuts.

    Each alternative is a remark (category `yoke-interleave`) with its cycles, or with why it is impossible; the choice is a diagnostic remark. Functions
    that are not such a step are left alone, with a remark that says why.

    Before:
    ```mlir
    func.func @step_32x1(...) attributes {llm.class = array<i64: 32, 1>} {
    ```
    After:
    ```mlir
    func.func @step_32x1(...) attributes {llm.class = array<i64: 32, 1>, place.schedule = #place.schedule<overlapped, sub_batches = 1,
      attention = pim, devices = 1, lengths = [513, ...], channels = [0, ...]>} {
    ```
  }];
  let options = [
    Option<"target", "target", "std::string", "", "Target description (JSON)">,
    Option<"context", "context", "int64_t", "1024", "Tokens that a sequence has in the KV cache">,
    Option<"batchFile", "batch-file", "std::string", "", "Requests instead of the class's: CSV with seq_len[,ch_idx], new tokens included">,
    Option<"devices", "devices", "int64_t", "1", "Devices that share every layer over the target's link">,
    Option<"mode", "mode", "std::string", "\"yoke\"", "yoke or neupims">,
    Option<"interleave", "interleave", "std::string", "\"auto\"", "Two sub-batches: auto, on or off">,
    Option<"asPlaced", "as-placed", "bool", "true", "With mode=yoke: consider the kernels one by one too">,
    Option<"published", "published", "bool", "false", "With mode=neupims: the published simulator's shortcuts">
  ];
  let dependentDialects = ["::yoke::place::PlaceDialect"];
}

def LowerNpuPimPass : Pass<"yoke-lower-npu-pim", "::mlir::ModuleOp"> {
  let summary = "Lower placed steps to NPU and PIM commands";
  let description = [{
    Replaces each function with `place.on` regions by an `npu.program` of its name, for the sequences and new tokens of its `llm.class` and the `context` that they have.
    A function with `place.schedule` becomes that schedule: all decoder blocks in one loop, then the head. Without it, kernels become commands one by one:
    products go through the arrays, slice by slice, or into the banks, where the matrix lies as docs/commands.md says; attention likewise; the
    rest is done by vector units. Values that go from NPU to PIM are written to the row that a GWRITE reads, and results come with READRES: a
    `place.transfer` is no command of its own.

    Which experts of a mixture are reached is known only when a step runs: there are commands for those that an even load reaches, with a remark (category
    `yoke-lower-npu-pim`) that says how many. What cannot be lowered is an error that says so: regions on a CPU or GPU, heads longer than a
    row, attention of several shapes, more keys, values and matrices than the banks have rows.

    Functions without `place.on` are left alone. Weights that nothing reads any more are removed.
  }];
  let options = [
    Option<"target", "target", "std::string", "", "Target description (JSON)">,
    Option<"context", "context", "int64_t", "1024", "Tokens that a sequence has in the KV cache">,
    Option<"batchFile", "batch-file", "std::string", "", "Requests instead of the class's: CSV with seq_len[,ch_idx], new tokens included">
  ];
  let dependentDialects = ["::yoke::npu::NpuDialect", "::yoke::pim::PimDialect", "::yoke::place::PlaceDialect"];
}

#endif // YOKE_PASSES_NPUPIM_PASSES_TD
