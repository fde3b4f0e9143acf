#include "Checkpoint/Checkpoint.h"

#include "Support/Hash.h"
#include "Support/HashMapped.h"
#include "Support/Text.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <sys/stat.h>

namespace yoke {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view indexName = "model.safetensors.index.json";
constexpr size_t maxSmallFileBytes = size_t(1) << 24;
constexpr size_t maxTokenizerBytes = size_t(1) << 28;

bool exists(const std::string &path) {
  struct stat status;
  return ::lstat(path.c_str(), &status) == 0;
}

Result<MappedFile> openText(const std::string &folder, std::string_view name, size_t maxBytes) {
  MappedFile file = YOKE_TRY(MappedFile::open(fmt::format("{}/{}", folder, name)));
  if (file.bytes().size() > maxBytes)
    return malformed("{}: {} bytes exceed the limit of {}", name, file.bytes().size(), maxBytes);
  return file;
}

Result<std::optional<MappedFile>> openOptionalText(const std::string &folder, std::string_view name, size_t maxBytes) {
  if (!exists(fmt::format("{}/{}", folder, name)))
    return std::nullopt;
  return YOKE_TRY(openText(folder, name, maxBytes));
}

/// The blob that a link in a snapshot of the Hugging Face cache stands for: MODEL/snapshots/REVISION/NAME ->
/// MODEL/blobs/HASH. Empty for any other link.
std::string cacheBlob(const std::string &folder, const std::string &name) {
  std::error_code error;
  fs::path snapshot = fs::canonical(folder, error);
  if (error || snapshot.parent_path().filename() != "snapshots")
    return {};
  fs::path target = fs::canonical(snapshot / name, error);
  if (error || target.parent_path() != snapshot.parent_path().parent_path() / "blobs")
    return {};
  return target.string();
}

/// The path to open for a shard, which is looked at but not opened here.
Result<std::string> shardPath(const std::string &folder, const std::string &name) {
  std::string path = fmt::format("{}/{}", folder, name);
  struct stat status;
  if (::lstat(path.c_str(), &status) != 0)
    return malformed("{}: weight_map: shard {}: {}", indexName, quote(name), strerror(errno));
  if (S_ISREG(status.st_mode))
    return path;
  if (S_ISLNK(status.st_mode))
    if (std::string blob = cacheBlob(folder, name); !blob.empty())
      return blob;
  return malformed("{}: weight_map: shard name must be a plain file name: {} is {}", indexName, quote(name),
                   S_ISLNK(status.st_mode)   ? "a symbolic link"
                   : S_ISDIR(status.st_mode) ? "a folder"
                                             : "a FIFO, socket or device");
}

} // namespace

Result<Checkpoint> Checkpoint::openFolder(const std::string &folder) {
  Checkpoint out;
  out.folderPath = folder;
  struct stat status;
  if (::stat(folder.c_str(), &status) != 0)
    return malformed("{}: {}", printable(folder, 4096), strerror(errno));
  if (!S_ISDIR(status.st_mode))
    return malformed("{}: expected a checkpoint folder", printable(folder, 4096));
  return out;
}

Result<Checkpoint> Checkpoint::open(const std::string &folder) {
  Checkpoint out = YOKE_TRY(openFolder(folder));
  out.configFile = YOKE_TRY(openText(folder, "config.json", maxSmallFileBytes));
  out.tokenizerFile = YOKE_TRY(openOptionalText(folder, "tokenizer.json", maxTokenizerBytes));
  out.tokenizerConfigFile = YOKE_TRY(openOptionalText(folder, "tokenizer_config.json", maxSmallFileBytes));
  out.generationConfigFile = YOKE_TRY(openOptionalText(folder, "generation_config.json", maxSmallFileBytes));
  out.chatTemplateFile = YOKE_TRY(openOptionalText(folder, "chat_template.jinja", maxSmallFileBytes));
  YOKE_TRY(out.openWeights());
  out.indexByName();
  return out;
}

Result<Checkpoint> Checkpoint::openHeads(const std::string &folder) {
  Checkpoint out = YOKE_TRY(openFolder(folder));
  if (auto config = YOKE_TRY(openOptionalText(folder, "config.json", maxSmallFileBytes)))
    out.configFile = std::move(*config);
  YOKE_TRY(out.openHeadWeights());
  out.indexByName();
  return out;
}

Status Checkpoint::openHeadWeights() {
  if (exists(folderPath + "/model.safetensors") || exists(fmt::format("{}/{}", folderPath, indexName)))
    return openWeights();
  for (std::string name : {"medusa_lm_head.safetensors", "hydra_lm_head.safetensors"})
    if (std::string path = fmt::format("{}/{}", folderPath, name); exists(path))
      return addShard(name, path, Links::Follow);
  for (std::string_view name : {"medusa_lm_head.pt", "hydra_lm_head.pt", "pytorch_model.bin"})
    if (exists(fmt::format("{}/{}", folderPath, name)))
      return malformed(
          "{0}/{1}: pickled weights are not read: convert them with python -c \"import torch, "
          "safetensors.torch as s; t = torch.load('{1}', map_location='cpu'); t = t if isinstance(t, dict) else "
          "t.state_dict(); s.save_file({{k: v.clone() for k, v in t.items()}}, 'model.safetensors')\"",
          printable(folderPath, 4096), name);
  return malformed("{}: no model.safetensors, medusa_lm_head.safetensors or hydra_lm_head.safetensors",
                   printable(folderPath, 4096));
}

void Checkpoint::attach(Checkpoint other, std::string_view prefix) {
  const auto first = static_cast<uint32_t>(shards.size());
  for (Shard &shard : other.shards) {
    for (TensorInfo &tensor : shard.table.table) {
      tensor.name = attachedNames.emplace_back(fmt::format("{}{}", prefix, tensor.name));
      tensor.file += first;
    }
    shard.name = fmt::format("{}{}", prefix, shard.name);
    shards.push_back(std::move(shard));
  }
  attachedConfigs.push_back(std::move(other.configFile));
  byName.clear();
  indexByName();
}

Status Checkpoint::openWeights() {
  std::string single = folderPath + "/model.safetensors";
  if (exists(single))
    return addShard("model.safetensors", single, Links::Follow);
  if (std::string index = fmt::format("{}/{}", folderPath, indexName); exists(index))
    return openShards(YOKE_TRY(readFile(index, maxTokenizerBytes)));
  bool pickled = exists(folderPath + "/pytorch_model.bin") || exists(folderPath + "/pytorch_model.bin.index.json");
  return malformed("{}: no model.safetensors and no {}{}", printable(folderPath, 4096), indexName,
                   pickled ? " (pickled pytorch_model.bin is not supported: convert it to safetensors)" : "");
}

Status Checkpoint::openShards(const std::string &indexText) {
  ShardIndex index = YOKE_TRY(parseShardIndex(indexText, indexName));
  std::vector<std::string> paths;
  for (const std::string &name : index.shards)
    paths.push_back(YOKE_TRY(shardPath(folderPath, name)));
  for (size_t i = 0; i < paths.size(); ++i)
    YOKE_TRY(addShard(index.shards[i], paths[i], Links::Refuse));
  return checkClaims(index);
}

Status Checkpoint::addShard(std::string name, const std::string &path, Links links) {
  MappedFile file = YOKE_TRY(MappedFile::open(path, links));
  SafetensorsTable table = YOKE_TRY(parseSafetensors(file.bytes(), name));
  for (TensorInfo &tensor : table.table)
    tensor.file = static_cast<uint32_t>(shards.size());
  for (const std::string &warning : table.warnings())
    warningLines.push_back(fmt::format("{}: {}", name, warning));
  shards.push_back({std::move(name), std::move(file), std::move(table)});
  return {};
}

Status Checkpoint::checkClaims(const ShardIndex &index) const {
  NameList missing, unclaimed;
  for (const auto &[tensor, shard] : index.weights)
    if (!shards[shard].table.find(tensor))
      missing.add(fmt::format("{} in {}", tensor, index.shards[shard]));
  if (!missing.empty())
    return malformed("{}: weight_map: {} tensors are not in their shard: {}", indexName, missing.size(),
                     missing.text());
  for (const Shard &shard : shards)
    for (const TensorInfo &tensor : shard.table.tensors()) {
      const ShardIndex::Weight *weight = index.find(tensor.name);
      if (!weight || weight->shard != tensor.file)
        unclaimed.add(fmt::format("{} in {}", tensor.name, shard.name));
    }
  if (!unclaimed.empty())
    return malformed("{}: weight_map: {} tensors of the shards are not in the map: {}", indexName, unclaimed.size(),
                     unclaimed.text());
  return {};
}

void Checkpoint::indexByName() {
  for (const Shard &shard : shards)
    for (const TensorInfo &tensor : shard.table.tensors())
      byName.push_back(&tensor);
  std::ranges::sort(byName, {}, &TensorInfo::name);
}

const TensorInfo *Checkpoint::find(std::string_view name) const {
  auto it = std::ranges::lower_bound(byName, name, {}, &TensorInfo::name);
  return it == byName.end() || (*it)->name != name ? nullptr : *it;
}

std::span<const std::byte> Checkpoint::bytes(const TensorInfo &tensor) const {
  const Shard &shard = shards[tensor.file];
  return shard.file.bytes().subspan(shard.table.dataOffset() + tensor.begin, tensor.byteSize());
}

template <class Hash> void Checkpoint::hashContent(Hash &hash) const {
  auto add = [&](std::string_view name, const MappedFile &file) {
    uint64_t lengths[] = {name.size(), file.bytes().size()};
    hash.update(std::as_bytes(std::span(lengths)));
    hash.update(std::as_bytes(std::span(name)));
    hashMapped(hash, file.bytes());
  };
  auto addOptional = [&](std::string_view name, const std::optional<MappedFile> &file) {
    if (file)
      add(name, *file);
  };
  add("config.json", configFile);
  addOptional("tokenizer.json", tokenizerFile);
  addOptional("tokenizer_config.json", tokenizerConfigFile);
  addOptional("generation_config.json", generationConfigFile);
  addOptional("chat_template.jinja", chatTemplateFile);
  for (const Shard &shard : shards)
    add(shard.name, shard.file);
  for (const MappedFile &file : attachedConfigs)
    add("heads/config.json", file);
}

std::string Checkpoint::contentKey() const {
  Xxh3Stream hash;
  hashContent(hash);
  return toHex(hash.digest());
}

Result<std::string> Checkpoint::sha256() const {
  Sha256 hash;
  hashContent(hash);
  return toHex(YOKE_TRY(hash.finish()));
}

} // namespace yoke
