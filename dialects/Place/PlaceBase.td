#ifndef YOKE_PLACE_BASE_TD
#define YOKE_PLACE_BASE_TD

include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"

def Place_Dialect : Dialect {
  let name = "place";
  let cppNamespace = "::yoke::place";
  let summary = "Which device computes what";
  let description = [{
    `place.on` holds what one device computes; a value that another device made enters it through a `place.transfer`. Values are not changed by either:
    a program without its placement computes the same. Regions are ops of one block, so their order is one in which every device finds its
    operands ready: a placement cannot wait for itself.
  }];
  let useDefaultAttributePrinterParser = 1;
}

#endif // YOKE_PLACE_BASE_TD
