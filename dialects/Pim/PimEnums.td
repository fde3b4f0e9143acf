#ifndef YOKE_PIM_ENUMS_TD
#define YOKE_PIM_ENUMS_TD

include "mlir/IR/EnumAttr.td"

// Numbered as the simulator's commands.
def Pim_Command : I32EnumAttr<"Command", "a command that a memory sees", [
  I32EnumAttrCase<"act", 0>, I32EnumAttrCase<"pre", 1>, I32EnumAttrCase<"rd", 2>, I32EnumAttrCase<"wr", 3>, I32EnumAttrCase<"ref", 4>,
  I32EnumAttrCase<"p_header", 5>, I32EnumAttrCase<"gwrite", 6>, I32EnumAttrCase<"g_act", 7>, I32EnumAttrCase<"comp", 8>,
  I32EnumAttrCase<"readres", 9>, I32EnumAttrCase<"comps_readres", 10>, I32EnumAttrCase<"pim_precharge", 11>,
  I32EnumAttrCase<"pim_precharge_all", 12>
]> {
  let cppNamespace = "::yoke::pim";
  let genSpecializedAttr = 0;
}
#endif // YOKE_PIM_ENUMS_TD
