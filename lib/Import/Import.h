//===- Import.h - from a Hugging Face checkpoint to the llm dialect -------===//
#ifndef YOKE_LIB_IMPORT_IMPORT_H
#define YOKE_LIB_IMPORT_IMPORT_H

#include "Checkpoint/Checkpoint.h"
#include "Support/Error.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace yoke {

/// Element type of the weight matrices in the program.
enum class WeightType { AsStored, F32, BF16, F16 };

/// Draft heads that are imported beside the model.
struct DraftHeads {
  std::string kind;                       ///< "medusa", "hydra" or "eagle"
  const Checkpoint *checkpoint = nullptr; ///< null: the heads are among the model's own tensors
};

/// Starts the names of the tensors of a separate checkpoint of heads, in the module and, after Checkpoint::attach, in
/// the model's checkpoint.
inline constexpr std::string_view headsPrefix = "heads/";

struct ImportOptions {
  WeightType weightType = WeightType::AsStored; ///< vectors (norms, biases) always stay as stored
  std::optional<DraftHeads> draft = std::nullopt;
  std::vector<std::string> *warnings = nullptr; ///< receives one line for each config key that has no effect
};

/// The module that computes one step of the checkpoint's model: `llm.model` attributes, one `ml_program.global` per
/// logical weight, and `func.func @step` from a ragged batch of T tokens to
/// - the logits [R, vocab_size] of the R tokens whose output is wanted, and the new cache (task "generate");
/// - one row [S, hidden_size] for each of S sequences (task "embed").
/// With draft heads the step returns what they go on from as well, [T, columns], and functions of their own stand
/// beside it, see heads/HeadImport.h. Activations are f32. Weights are named, never read, except that a stored copy of
/// tied embeddings is compared with its original.
///
/// Errors (Malformed): a family, field or quantisation that is not supported, with all of them in one message; a
/// config value outside its rule; tensors that are missing, extra, misshaped or not f32, f16 or bf16 (nor integers of a
/// supported `quantization_config`, see StoredScheme.h).
Result<mlir::OwningOpRef<mlir::ModuleOp>> importCheckpoint(mlir::MLIRContext &context, const Checkpoint &checkpoint,
                                                           const ImportOptions &options = {});

/// As importCheckpoint, with `config` in place of the folder's config.json.
Result<mlir::OwningOpRef<mlir::ModuleOp>> importModel(mlir::MLIRContext &context, std::string_view config,
                                                      const Checkpoint &checkpoint, const ImportOptions &options = {});

/// Names of the architectures that importCheckpoint accepts, sorted.
std::vector<std::string> supportedArchitectures();

/// Adds `--import-checkpoint` (input: the config.json of a checkpoint folder) to the translation tools.
void registerImportTranslation();

} // namespace yoke

#endif // YOKE_LIB_IMPORT_IMPORT_H
