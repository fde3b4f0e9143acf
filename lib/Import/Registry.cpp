//===- Registry.cpp - all families ----------------------------------------===//
#include "Import/Family.h"

#include "llvm/ADT/STLExtras.h"

namespace yoke::import {
#define YOKE_FAMILY(Name) extern const Family Name##Family;
#include "Import/families/Families.def"

static const Family *const allFamilies[] = {
#define YOKE_FAMILY(Name) &Name##Family,
#include "Import/families/Families.def"
};

llvm::ArrayRef<const Family *> families() { return allFamilies; }
} // namespace yoke::import

std::vector<std::string> yoke::supportedArchitectures() {
  std::vector<std::string> names;
  for (const import::Family *family : import::families())
    names.insert(names.end(), family->architectures.begin(), family->architectures.end());
  llvm::sort(names);
  return names;
}
