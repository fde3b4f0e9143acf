// Checkpoints for the import tests: a fixture, or a copy of one with files changed.
#pragma once

#include "Import/Import.h"
#include "Support/Json.h"

#include "mlir/IR/MLIRContext.h"

#include <functional>
#include <string>

namespace yoke::test {

/// test/unit/Import/fixtures/NAME.
std::string fixture(const std::string &name);

/// A temporary copy of a fixture, removed at the end.
class TestFolder {
public:
  explicit TestFolder(const std::string &fixtureName);
  ~TestFolder();
  TestFolder(const TestFolder &) = delete;

  const std::string &path() const { return folder; }
  Json json(const std::string &file = "config.json") const;
  void write(const std::string &file, const std::string &text) const;
  /// Applies `change` to the file's JSON.
  void edit(const std::function<void(Json &)> &change, const std::string &file = "config.json") const;
  /// Applies `change` to the header of model.safetensors; its data stays.
  void editTensors(const std::function<void(Json &)> &change) const;

private:
  std::string folder;
};

/// Imports a folder. Fails the test when the folder cannot be opened.
Result<mlir::OwningOpRef<mlir::ModuleOp>> import(mlir::MLIRContext &context, const std::string &folder,
                                                 ImportOptions options = {});

/// The message of the error that importing the folder gives; fails the test when it succeeds or when the error is not
/// Malformed.
std::string importError(const std::string &folder);

} // namespace yoke::test
