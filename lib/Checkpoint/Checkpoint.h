// A Hugging Face checkpoint folder: its small files as text, its weights mapped.
#pragma once

#include "Checkpoint/Safetensors.h"
#include "Checkpoint/ShardIndex.h"
#include "Support/Error.h"
#include "Support/File.h"

#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace yoke {

class Checkpoint {
public:
  /// Opens config.json, the optional tokenizer.json, tokenizer_config.json, generation_config.json and
  /// chat_template.jinja, and model.safetensors or else the shards named by model.safetensors.index.json. All tables
  /// are checked; the index must name exactly the tensors that the shards hold. A shard that is a symbolic link is
  /// refused, except from a snapshot of the Hugging Face cache to its blobs. Tensor bytes are not touched. JSON is not
  /// parsed, except the index. Errors: Malformed, or Resources by the system.
  static Result<Checkpoint> open(const std::string &folder);

  /// Opens a folder of draft heads: config.json when there is one, and model.safetensors or its shards, else
  /// medusa_lm_head.safetensors or hydra_lm_head.safetensors. Checks and errors as open().
  static Result<Checkpoint> openHeads(const std::string &folder);

  /// Takes over the weights of another checkpoint, whose tensors get names that begin with `prefix` (which no name
  /// here does). Its other files are left out, but count for the hashes.
  void attach(Checkpoint other, std::string_view prefix);

  const std::string &folder() const { return folderPath; }
  std::string_view config() const { return configFile.text(); }
  std::optional<std::string_view> tokenizer() const { return text(tokenizerFile); }
  std::optional<std::string_view> tokenizerConfig() const { return text(tokenizerConfigFile); }
  std::optional<std::string_view> generationConfig() const { return text(generationConfigFile); }
  std::optional<std::string_view> chatTemplate() const { return text(chatTemplateFile); }

  /// All tensors, sorted by name. Pointers live as long as the checkpoint, moves included.
  std::span<const TensorInfo *const> tensors() const { return byName; }
  /// nullptr when there is none.
  const TensorInfo *find(std::string_view name) const;
  /// The mapped bytes of a tensor of this checkpoint: little-endian, row-major, at any alignment.
  std::span<const std::byte> bytes(const TensorInfo &tensor) const;

  /// 32 hexadecimal digits: XXH3-128 over every byte of every file with its name and length. Fast (reads at memory
  /// speed), meant as the key of the user's own cache; it does not withstand someone who wants two checkpoints to
  /// collide.
  std::string contentKey() const;
  /// 64 hexadecimal digits: SHA-256 over the same. Error: Resources.
  Result<std::string> sha256() const;

  /// One line each, naming the file.
  std::span<const std::string> warnings() const { return warningLines; }

private:
  struct Shard {
    std::string name;
    MappedFile file;
    SafetensorsTable table;
  };

  static std::optional<std::string_view> text(const std::optional<MappedFile> &file) {
    return file ? std::optional(file->text()) : std::nullopt;
  }
  static Result<Checkpoint> openFolder(const std::string &folder);
  Status openWeights();
  Status openHeadWeights();
  Status openShards(const std::string &indexText);
  Status addShard(std::string name, const std::string &path, Links links);
  Status checkClaims(const ShardIndex &index) const;
  void indexByName();
  template <class Hash> void hashContent(Hash &hash) const;

  std::string folderPath;
  MappedFile configFile;
  std::optional<MappedFile> tokenizerFile, tokenizerConfigFile, generationConfigFile, chatTemplateFile;
  std::vector<Shard> shards;
  std::deque<std::string> attachedNames;
  std::vector<MappedFile> attachedConfigs;
  std::vector<const TensorInfo *> byName;
  std::vector<std::string> warningLines;
};

} // namespace yoke
