//===- ModelBuilder.h - the step function of a model ----------------------===//
#ifndef YOKE_LIB_IMPORT_MODELBUILDER_H
#define YOKE_LIB_IMPORT_MODELBUILDER_H

#include "Import/Rope.h"
#include "Import/WeightTable.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <optional>

namespace yoke::import {

/// What the function's type and the module's attributes say.
struct ModelShape {
  int64_t vocabulary = 0, hidden = 0, layers = 0, positions = 0;
  int64_t kvHeads = 0, headDim = 0; ///< of the key/value cache; 0: an encoder, which has none
  int64_t stateLayers = 0;          ///< of the cache behind those of attention, for what `segments` keeps
};

struct AttentionShape {
  int64_t heads = 1, kvHeads = 1, layer = 0;
  float scale = 1;
  std::optional<int64_t> window = std::nullopt;
  std::optional<double> softcap = std::nullopt;
};

/// The arguments of a function that goes on from features of the model's tokens.
struct DraftFunction {
  int64_t features = 0;                     ///< columns
  std::optional<int64_t> tokensPerRow = {}; ///< token ids for each row of features; nullopt: takes no tokens
  int64_t kvHeads = 0, headDim = 0;         ///< of its one layer of keys and values; 0: no batch and no cache
};

/// Writes `func.func @step` op by op, then functions of draft heads. Names of weights are those of transformers, with
/// the base model's prefix. All values are activations [T, columns] of f32 unless stated; sizes are checked against the
/// checkpoint at the end, so every method can be called regardless of what the checkpoint holds.
class ModelBuilder {
public:
  ModelBuilder(mlir::MLIRContext &context, const Checkpoint &checkpoint, const ImportOptions &options,
               llvm::StringRef basePrefix);

  /// Ends the reading of the config and opens the function. Nothing else may be called before, or after an error.
  Status begin(ConfigReader &config, const ModelShape &shape);

  /// Token ids and positions, [T] of i32.
  mlir::Value tokens() const { return tokenIds; }
  mlir::Value positions();

  /// Modality of each token, [T] of i32: 1 for ids in `ranges` [begin, end), or for those between `open` and `close`,
  /// which needs one of the shape's `stateLayers`; else 0.
  mlir::Value modalities(llvm::ArrayRef<std::pair<int64_t, int64_t>> ranges);
  mlir::Value segments(int64_t open, int64_t close);

  /// The value of a weight.
  mlir::Value load(mlir::ml_program::GlobalOp global);
  /// A whole tensor [rows, columns] or [size] as a weight.
  mlir::Value matrix(llvm::StringRef name, int64_t rows, int64_t columns);
  mlir::Value vector(llvm::StringRef name, int64_t size);
  /// Rows of a larger tensor as a weight `name` of their own.
  mlir::Value part(llvm::StringRef name, llvm::ArrayRef<int64_t> shape, llvm::StringRef tensor,
                   llvm::ArrayRef<int64_t> tensorShape, const Rows &rows);

  /// The rows of several tensors as one weight, one below the other; of matrices [count, out, in] those of all.
  mlir::Value stack(llvm::StringRef name, llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<TensorRows> parts);

  /// Row `ids[t] + offset` of `table`.
  mlir::Value embedding(mlir::Value ids, mlir::Value table, int64_t offset = 0);
  /// x times the transposed weight [out, in], plus the bias [out] unless null. The second form takes `name.weight` and
  /// `name.bias`.
  mlir::Value linear(mlir::Value x, mlir::Value weight, mlir::Value bias = {});
  mlir::Value linear(mlir::Value x, llvm::StringRef name, int64_t out, bool bias);
  /// Each head of x, from column `first` of it on, times the transpose of a matrix of its own: weight [heads, out, in].
  mlir::Value headLinear(mlir::Value x, mlir::Value weight, int64_t first);
  /// Of each head the columns of a, then those of b.
  mlir::Value concatHeads(mlir::Value a, mlir::Value b, int64_t heads);
  /// The columns of all parts, side by side.
  mlir::Value concatColumns(llvm::ArrayRef<mlir::Value> parts);
  /// Columns [first, first + count) of x.
  mlir::Value columnRange(mlir::Value x, int64_t first, int64_t count);
  /// The same elements as rows of `columns`.
  mlir::Value reshapeRows(mlir::Value x, int64_t columns);
  /// `size` is that of the scale; each run of so many columns is normalised alone.
  mlir::Value rmsNorm(mlir::Value x, llvm::StringRef name, int64_t size, double epsilon, float scaleOffset = 0);
  /// With `affine` scaled and shifted by `name.weight` and `name.bias`.
  mlir::Value layerNorm(mlir::Value x, llvm::StringRef name, double epsilon, bool affine = true);
  mlir::Value activation(llm::ActivationKind kind, mlir::Value x);
  mlir::Value gated(llm::ActivationKind kind, mlir::Value gate, mlir::Value up);
  mlir::Value add(mlir::Value a, mlir::Value b);
  mlir::Value addVector(mlir::Value x, mlir::Value vector);
  mlir::Value scale(mlir::Value x, double factor);
  mlir::Value softcap(mlir::Value x, double cap);
  /// Heads of `headDim` columns turned by their positions; x itself when nothing rotates.
  mlir::Value rotate(mlir::Value x, const Rope &rope, int64_t headDim);
  /// Causal over the cache when the model has one, else bidirectional.
  mlir::Value attention(mlir::Value q, mlir::Value k, mlir::Value v, const AttentionShape &shape);
  /// Logits of the wanted tokens, [R, vocabulary].
  mlir::Value lmHead(mlir::Value x, mlir::Value weight, mlir::Value bias = {});
  /// One row for each sequence, [S, columns].
  mlir::Value pool(llm::PoolKind kind, mlir::Value x, bool normalize);

  /// Ends the function with its results, and the cache when it has one.
  void finish(mlir::ValueRange results);

  /// Loads of the weights with which the step looks tokens up and makes logits; null before it has.
  mlir::Value tokenTable() { return loadNamed(tableGlobal); }
  mlir::Value headWeight() { return loadNamed(headGlobal); }
  mlir::Value headBias() { return loadNamed(headBiasGlobal); }
  /// Once the step is finished: x before the head, normalised, and the inputs of the layers that noteLayer() told of.
  mlir::Value finalHidden() const { return hiddenRows; }
  llvm::ArrayRef<mlir::Value> layerInputs() const { return layerRows; }
  void noteLayer(mlir::Value x) { layerRows.push_back(x); }
  /// Ops that `build` writes come at the end of the finished step.
  mlir::Value atStepEnd(llvm::function_ref<mlir::Value()> build);
  /// Makes the finished step return `rows` [T, columns] of it as well: what draft functions go on from.
  void addStepResult(mlir::Value rows);
  /// Opens another function, whose weights are those of `weights` from here on. Returns its features [T, columns].
  mlir::Value beginDraft(llvm::StringRef name, const DraftFunction &shape, WeightTable &weights);

  WeightTable &weights() { return *current; }
  const ModelShape &shape() const { return modelShape; }
  const Checkpoint &checkpoint() const { return source; }
  const ImportOptions &options() const { return importOptions; }
  mlir::OpBuilder &builder() { return ops; }
  mlir::ModuleOp module() { return *moduleOp; }
  mlir::OwningOpRef<mlir::ModuleOp> take() { return std::move(moduleOp); }

private:
  void openFunction(llvm::StringRef name, llvm::ArrayRef<mlir::Type> arguments);
  mlir::Value loadNamed(mlir::ml_program::GlobalOp global) { return global ? load(global) : mlir::Value(); }
  mlir::ml_program::GlobalOp globalOf(mlir::Value value);
  mlir::Value ones(int64_t size);

  const Checkpoint &source;
  const ImportOptions &importOptions;
  mlir::OwningOpRef<mlir::ModuleOp> moduleOp;
  WeightTable table;
  mlir::OpBuilder ops;
  mlir::Location location;
  ModelShape modelShape;
  mlir::func::FuncOp step, function; ///< the step, and what is being written
  mlir::Value tokenIds, batch, cache, positionIds;
  llvm::DenseMap<mlir::Attribute, mlir::Value> ropeTables;
  llvm::StringMap<mlir::Value> loads;
  WeightTable *current = &table;
  mlir::ml_program::GlobalOp tableGlobal, headGlobal, headBiasGlobal;
  mlir::Value hiddenRows;
  llvm::SmallVector<mlir::Value> layerRows;
};

} // namespace yoke::import

#endif // YOKE_LIB_IMPORT_MODELBUILDER_H
