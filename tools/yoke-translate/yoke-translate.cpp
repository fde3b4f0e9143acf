// yoke-translate: converts between IR and other formats; a folder stands for its config.json.
#include "Commands/Commands.h"
#include "Compiler/Registration.h"
#include "Import/Import.h"

#include "mlir/IR/DialectRegistry.h"
#include "mlir/InitAllTranslations.h"
#include "mlir/Tools/mlir-translate/MlirTranslateMain.h"
#include "llvm/Support/FileSystem.h"

#include <string>
#include <vector>

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  yoke::registerEverything(registry);
  mlir::registerAllTranslations();
  yoke::registerImportTranslation();
  yoke::registerCommandTranslations();
  std::vector<std::string> arguments(argv, argv + argc);
  std::vector<char *> pointers;
  for (std::string &argument : arguments) {
    if (&argument != &arguments.front() && llvm::sys::fs::is_directory(argument))
      argument += "/config.json";
    pointers.push_back(argument.data());
  }
  pointers.push_back(nullptr);
  return mlir::failed(mlir::mlirTranslateMain(argc, pointers.data(), "Yoke's translation driver\n"));
}
