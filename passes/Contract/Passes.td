#ifndef YOKE_PASSES_CONTRACT_PASSES_TD
#define YOKE_PASSES_CONTRACT_PASSES_TD

include "mlir/Pass/PassBase.td"

def CheckContractPass : Pass<"yoke-check-contract", "::mlir::ModuleOp"> {
  let summary = "Fail unless a stage left only what the next stage understands";
  let description = [{
    Ends every stage. An op that is none of `ops` (full names) and in none of `dialects` is reported with its location; the first five by
    name, the others by their number.
  }];
  let options = [
    Option<"stage", "stage", "std::string", "", "Name of the stage, for the message">,
    ListOption<"ops", "ops", "std::string", "Names of allowed ops">,
    ListOption<"dialects", "dialects", "std::string", "Names of allowed dialects">,
    ListOption<"closed", "closed", "std::string", "Names of ops whose regions are not looked into">
  ];
}

#endif // YOKE_PASSES_CONTRACT_PASSES_TD
