//===- WeightTable.h - weights of the model and of the checkpoint ---------===//
#ifndef YOKE_LIB_IMPORT_WEIGHTTABLE_H
#define YOKE_LIB_IMPORT_WEIGHTTABLE_H

#include "Checkpoint/ExpectedTensors.h"
#include "Import/Import.h"
#include "LLM/LLM.h"
#include "Quantizer/StoredScheme.h"

#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

#include <functional>
#include <string>
#include <vector>

namespace yoke::import {

/// The rows of a checkpoint tensor that make one weight: `count` blocks of `block` rows, `stride` apart, from `offset`.
struct Rows {
  int64_t offset;
  int64_t block;
  int64_t stride;
  int64_t count;
  bool transposed = false;              ///< stored [in, out]; rows are counted in [out, in]
  int64_t firstColumn = 0, columns = 0; ///< the elements of a row that are taken; 0 columns: all

  static Rows range(int64_t offset, int64_t count) { return {offset, count, count, 1}; }
  static Rows transposedRange(int64_t offset, int64_t count) { return {offset, count, count, 1, true}; }
};

/// `rows` of the checkpoint tensor `tensor` of shape `shape`.
struct TensorRows {
  std::string tensor;
  std::vector<int64_t> shape;
  Rows rows;
};

/// Declares weights as `ml_program.global` and notes which checkpoint tensors they need. A tensor that is missing or
/// misshaped still gives a global of the expected type; check() reports it.
class WeightTable {
public:
  /// `basePrefix` ("model.") starts the names of all but the head's tensors and is absent from the checkpoint when it
  /// was saved from the base model.
  WeightTable(mlir::ModuleOp module, const Checkpoint &checkpoint, WeightType matrixType, llvm::StringRef basePrefix);

  /// Starts the names of globals, and of the tensors in their values, from here on: for the weights of a second
  /// checkpoint, see Checkpoint::attach.
  void setNamespace(llvm::StringRef prefix) { space = prefix.str(); }

  /// From here on matrices of linear layers may be stored quantised.
  void setScheme(const StoredScheme &stored) { scheme = stored; }

  /// Globals come before `op`.
  void insertBefore(mlir::Operation *op) { builder.setInsertionPoint(op); }

  /// The name under which the checkpoint holds `name`, which may lack the base prefix or be one of transformers' older
  /// names; `name` without the prefix when there is none.
  std::string storedName(llvm::StringRef name) const;
  const TensorInfo *find(llvm::StringRef name) const { return checkpoint.find(storedName(name)); }

  /// True when the checkpoint has the tensor of `part`, as it is or quantised.
  bool isStored(const TensorRows &part) const { return find(part.tensor) || quantizedStem(part); }

  /// The global `name` of type `shape`, made of `parts`, one below the other. A stack of matrices has a shape of three
  /// numbers. Declared once for each name.
  mlir::ml_program::GlobalOp declare(llvm::StringRef name, llvm::ArrayRef<int64_t> shape,
                                     llvm::ArrayRef<TensorRows> parts);

  /// The global `name` of type `shape`, made of `rows` of the tensor `tensor`, which has `tensorShape` in the
  /// checkpoint. A vector may be the rows of a matrix, end to end. Declared once for each name.
  mlir::ml_program::GlobalOp declare(llvm::StringRef name, llvm::ArrayRef<int64_t> shape, llvm::StringRef tensor,
                                     llvm::ArrayRef<int64_t> tensorShape, const Rows &rows);

  /// Makes it an error that the tensor `name` holds a value that is not finite.
  void requireFinite(llvm::StringRef name) { finite.insert(storedName(name)); }

  /// The global `ones.SIZE`, a vector of f32 ones that no checkpoint holds: its value is `dense<1.0>`.
  mlir::ml_program::GlobalOp declareOnes(int64_t size);

  /// Errors about missing, misshaped, extra and badly typed tensors, and values that must be finite. `mayBeExtra` sees
  /// names as stored.
  Status check(const std::function<bool(llvm::StringRef)> &mayBeExtra) const;

  /// Elements of all globals that the checkpoint holds.
  int64_t parameters() const { return elementCount; }
  /// "f32", "bf16", "f16", "q8" or "q4": the element type of most matrix elements.
  std::string matrixType() const;

private:
  mlir::ml_program::GlobalOp create(llvm::StringRef name, mlir::RankedTensorType type, mlir::Attribute value);
  llm::PieceAttr pieceOf(const TensorRows &part);
  mlir::Type elementType(const TensorInfo *tensor, bool matrix);
  Status checkFinite() const;
  /// The stem of a part's tensors when the checkpoint holds the matrix quantised.
  std::optional<std::string> quantizedStem(const TensorRows &part) const;
  llm::QuantType quantizedType(const std::string &stem, int64_t inputs) const;
  void expectQuantized(const std::string &stem, llvm::ArrayRef<int64_t> shape);

  mlir::OpBuilder builder;
  const Checkpoint &checkpoint;
  WeightType requested;
  std::string basePrefix, space;
  bool hasPrefix;
  llvm::StringMap<mlir::ml_program::GlobalOp> globals;
  llvm::StringMap<std::vector<int64_t>> expected;
  llvm::StringSet<> finite;
  std::vector<std::string> unsupportedTypes;
  std::vector<std::string> mixedWeights; ///< that are stored quantised in part
  std::optional<StoredScheme> scheme;
  int64_t elementCount = 0;
  llvm::StringMap<int64_t> matrixElements;
};

/// Tensors that transformers ignores: buffers of older versions.
bool isBuffer(llvm::StringRef tensor);

} // namespace yoke::import

#endif // YOKE_LIB_IMPORT_WEIGHTTABLE_H
