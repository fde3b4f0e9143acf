// yoke-opt: reads IR, runs passes, writes IR.
#include "Compiler/Registration.h"

#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  yoke::registerEverything(registry);
  return mlir::asMainReturnCode(mlir::MlirOptMain(argc, argv, "Yoke's optimiser driver\n", registry));
}
