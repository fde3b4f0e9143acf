#ifndef YOKE_PIM_BASE_TD
#define YOKE_PIM_BASE_TD

include "Npu/NpuBase.td"
include "Pim/PimEnums.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"

def Pim_Dialect : Dialect {
  let name = "pim";
  let cppNamespace = "::yoke::pim";
  let summary = "Commands of multipliers inside a memory's banks";
  let description = [{
    A channel has a vector buffer of one row; each of its banks multiplies elements of an open row with those of the buffer, all banks at once, and has one sum.

    `pim.run` gives a channel the commands of one computation, in order: `pim.gwrite` fills the vector buffer, `pim.tile` is one row of all banks
    (P_HEADER announces it to the controller, which then opens and closes rows itself), and inside are the products and the results.
    What lies where is up to who makes the program; docs/commands.md has the layout of keys, values and weights that Yoke's lowering uses.

    `pim.issue` is a command that the controller has issued, at its cycle, with the rows that it opened and closed: the commands that a memory sees.
  }];
  let useDefaultAttributePrinterParser = 1;
  let dependentDialects = ["::yoke::npu::NpuDialect"];
}

def Pim_CommandAttr : EnumAttr<Pim_Dialect, Pim_Command, "command">;

#endif // YOKE_PIM_BASE_TD
