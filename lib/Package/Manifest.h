// The manifest of a package: what the compiled model is and what its step function needs.
#pragma once

#include "Support/Error.h"
#include "Support/Json.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace yoke {

/// Bounds of what a manifest may say. They make every product that the runtime forms fit in int64_t: arena_bytes +
/// max_threads * arena_bytes_per_thread, max_tokens * output_columns * 4, and the extent of every key and value block
/// in a page. page_bytes times a number of pages is bounded only by pagesThatFit().
namespace manifest_limits {
constexpr int64_t tokenIds = INT32_MAX;
constexpr int64_t hiddenSize = int64_t(1) << 24;
constexpr int64_t layers = int64_t(1) << 16;
constexpr int64_t parameters = int64_t(1) << 50;
constexpr int64_t stepTokens = int64_t(1) << 20;
constexpr int64_t arenaBytes = int64_t(1) << 46;
constexpr int64_t arenaBytesPerThread = int64_t(1) << 40;
constexpr int64_t threads = 1024;
constexpr int64_t pageTokens = int64_t(1) << 16;
constexpr int64_t pageBytes = int64_t(1) << 40;
constexpr int64_t heads = int64_t(1) << 16;
constexpr int64_t draftHeads = 64;
constexpr int64_t headDim = int64_t(1) << 16;
} // namespace manifest_limits

/// A probe gives a row of some layer for every token where a generating model gives logits.
enum class Task { Generate, Embed, Probe };

/// As in the manifest: "generate", "embed", "probe".
constexpr const char *taskName(Task task) {
  return task == Task::Generate ? "generate" : task == Task::Embed ? "embed" : "probe";
}

/// Where one layer's keys and values lie in a KV page, see StepAbi.h.
struct KvLayer {
  int64_t heads = 0;
  int64_t headDim = 0;
  int64_t keyOffset = 0;    ///< bytes from the start of the page, a multiple of 4
  int64_t valueOffset = 0;  ///< likewise
  int64_t elementBytes = 4; ///< 2: 16-bit floats, 4: float32

  /// Bytes of the keys, and of the values, of one page.
  int64_t blockBytes(int64_t pageTokens) const { return heads * headDim * pageTokens * elementBytes; }
};

/// Numbers about a step that it leaves in the arena, see StepAbi.h.
struct StepRecord {
  enum class Kind { SkippedFfnRows, FfnCosines, ExpertLoad };
  static constexpr std::string_view names[] = {"skipped_ffn_rows", "ffn_cosines", "expert_load"};

  Kind kind = Kind::SkippedFfnRows;
  int64_t layer = 0;
  int64_t offset = 0; ///< bytes from the start of the arena, a multiple of 8
  int64_t size = 0;   ///< elements

  int64_t bytes() const { return size * (kind == Kind::FfnCosines ? 4 : 8); }
};

struct StepDescription {
  int64_t maxTokens = 0;
  int64_t arenaBytes = 0;
  int64_t arenaBytesPerThread = 0;
  int64_t maxThreads = 64;
  int64_t pageTokens = 0;
  int64_t pageBytes = 0; ///< 0: no KV cache
  int64_t outputColumns = 0;
  int64_t featureColumns = 0; ///< of the rows that draft heads go on from; 0: the step gives none
  /// LongRoPE: a step that holds this position or a later one rotates all its tokens for long texts; 0: no such switch.
  int64_t ropeSwitch = 0;
  std::vector<KvLayer> kvLayers;
  std::vector<StepRecord> records;

  int64_t arenaSize(int64_t threads) const { return arenaBytes + threads * arenaBytesPerThread; }
};

/// A function beside the step, see StepAbi.h; `step.outputColumns` are those of its first result.
struct DraftEntry {
  std::string name; ///< "medusa_heads"
  StepDescription step;
};

/// Kinds of draft heads.
inline constexpr std::string_view draftHeadKinds[] = {"medusa", "hydra", "eagle"};

/// Whether a specification of a drafter, NAME[:...], names draft heads.
bool isDraftHeads(std::string_view spec);

/// Draft heads that the package holds.
struct DraftDescription {
  std::string kind;       ///< one of draftHeadKinds
  int64_t heads = 0;      ///< tokens ahead that they guess at most, one for each head; 1 for a layer that goes on
  int64_t vocabulary = 0; ///< draft tokens; the section `draft_vocabulary` says which when they are not all
  std::vector<DraftEntry> entries;

  /// nullptr when there is none.
  const DraftEntry *find(std::string_view name) const;
};

struct TargetDescription {
  std::string triple;
  std::string cpu;
  std::string level;                 ///< "x86-64-v3"
  std::vector<std::string> features; ///< what the code uses, in LLVM's spelling: "avx512f"
};

/// A generation loop in the code, see LoopAbi.h.
struct LoopDescription {
  std::string draft;    ///< what guesses, NAME[:KEY=VALUE,...]
  int64_t capacity = 1; ///< nodes of a tree
  int64_t best = 0;     ///< best tokens of a row that the greedy loop reads; 0: there is no greedy loop

  /// NAME.
  std::string_view drafter() const { return std::string_view(draft).substr(0, draft.find(':')); }
};

struct KernelUse {
  std::string name;
  int64_t calls = 0;
};

struct Manifest {
  static constexpr int64_t formatVersion = 1;

  std::string yokeVersion;
  std::string llvmVersion;
  std::string architecture; ///< "LlamaForCausalLM"
  Task task = Task::Generate;
  TargetDescription target;
  std::string sourceSha256; ///< 64 hexadecimal digits
  int64_t parameters = 0;
  std::string weightType; ///< "bf16"
  int64_t vocabSize = 0;
  int64_t hiddenSize = 0;
  int64_t layers = 0;
  int64_t maxPositions = 0;
  std::optional<int64_t> bosTokenId; ///< below vocabSize, as all token ids
  std::vector<int64_t> eosTokenIds;
  std::optional<int64_t> padTokenId;
  StepDescription step;
  std::optional<LoopDescription> loop;
  std::optional<DraftDescription> draft;
  std::vector<KernelUse> kernels;
  std::optional<int64_t> tokenBytes; ///< bytes of weights that a step of one token reads
  std::vector<std::string> remarks;

  Json toJson() const;

  /// Strict: all keys must be there, none else, all values in range, keys and values inside their page and disjoint. A
  /// newer `format` is refused by name before anything else is looked at. `source` names the input in messages. Error:
  /// Malformed.
  static Result<Manifest> fromJson(const Json &json, std::string_view source);
  static Result<Manifest> parse(std::string_view text, std::string_view source);
};

} // namespace yoke
