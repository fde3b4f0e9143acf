#include "Factor/FactoredCheckpoint.h"

#include "Checkpoint/SafetensorsWriter.h"
#include "Quantizer/SmallFloat.h"
#include "Support/Text.h"

#include <bit>
#include <cstring>

namespace yoke {
namespace {

std::string blockPrefix(int64_t layer) { return fmt::format("model.layers.{}.mlp.", layer); }

/// A tensor of the new checkpoint: bytes of another checkpoint, or floats of its own.
struct Content {
  NewTensor tensor;
  std::span<const std::byte> stored = {};
  std::vector<float> values = {};
};

class Writer {
public:
  Writer(const Checkpoint &source, const FactorPlan &plan, const FactorProgress &progress)
      : source(source), plan(plan), progress(progress) {}

  Status write(const std::string &path) {
    std::vector<NewTensor> table;
    YOKE_TRY(forAll([&](const Content &content) -> Status {
      table.push_back(content.tensor);
      return {};
    }));
    SafetensorsWriter writer = YOKE_TRY(SafetensorsWriter::create(path, table));
    YOKE_TRY(forAll([&](const Content &content) { return append(writer, content); }));
    return writer.finish();
  }

private:
  using Sink = const std::function<Status(const Content &)> &;

  Status forAll(Sink sink) {
    for (const TensorInfo *tensor : source.tensors())
      if (!isReplaced(tensor->name))
        YOKE_TRY(copy(source, *tensor, sink));
    for (int64_t layer = 0; layer < plan.layers; ++layer)
      if (!plan.isDense(layer))
        YOKE_TRY(addLayer(layer, sink));
    return {};
  }

  bool isReplaced(std::string_view name) const {
    constexpr std::string_view start = "model.layers.";
    if (!name.starts_with(start) || name.find(".mlp.") == std::string_view::npos)
      return false;
    int64_t layer = std::atoll(std::string(name.substr(start.size())).c_str());
    return !plan.isDense(layer);
  }

  static Status copy(const Checkpoint &from, const TensorInfo &tensor, Sink sink) {
    std::vector<int64_t> shape(tensor.shape.begin(), tensor.shape.end());
    return sink({{std::string(tensor.name), tensor.dtype, shape}, from.bytes(tensor)});
  }

  static std::string prefixOf(const FactorPlan &plan, int64_t layer) {
    return plan.isMixtral ? fmt::format("model.layers.{}.block_sparse_moe.", layer) : blockPrefix(layer);
  }

  Status addLayer(int64_t layer, Sink sink) {
    std::string prefix = prefixOf(plan, layer);
    if (progress.before && layer < progress.done) {
      for (const TensorInfo *tensor : progress.before->tensors())
        if (tensor->name.starts_with(prefix))
          YOKE_TRY(copy(*progress.before, *tensor, sink));
      return {};
    }
    if (progress.next && layer == progress.done)
      return addExperts(layer, prefix, *progress.next, sink);
    LayerExperts plain{{{}, plan.shared, plan.experts, plan.expertInner()},
                       YOKE_TRY(readBlock(source, plan, layer)),
                       FloatMatrix(plan.experts, plan.hidden)};
    return addExperts(layer, prefix, plain, sink);
  }

  Status addExperts(int64_t layer, const std::string &prefix, const LayerExperts &experts, Sink sink) {
    DType type = source.find(blockPrefix(layer) + "gate_proj.weight")->dtype;
    // A chosen expert's weight is 1 / topK, and the shared neurons' gate one half: down makes up for it.
    bool isExact = std::has_single_bit(uint64_t(plan.topK));
    auto add = [&](const std::string &name, DType dtype, std::vector<int64_t> shape, std::vector<float> values) {
      return sink({{prefix + name + ".weight", dtype, std::move(shape)}, {}, std::move(values)});
    };
    auto addBlock = [&](const std::string &name, std::array<const char *, 3> parts, int64_t begin, int64_t count,
                        float factor, DType downType) -> Status {
      const GatedBlock &block = experts.block;
      auto rows = [&](const FloatMatrix &matrix) {
        return std::vector<float>(matrix.row(begin), matrix.row(begin) + count * matrix.columns);
      };
      std::vector<float> down;
      for (int64_t row = 0; row < plan.hidden; ++row)
        for (int64_t i = 0; i < count; ++i)
          down.push_back(block.down.row(row)[begin + i] * factor);
      YOKE_TRY(add(name + parts[0], type, {count, plan.hidden}, rows(block.gate)));
      YOKE_TRY(add(name + parts[1], type, {count, plan.hidden}, rows(block.up)));
      return add(name + parts[2], downType, {plan.hidden, count}, std::move(down));
    };
    std::array<const char *, 3> mixtral = {"w1", "w3", "w2"}, qwen = {"gate_proj", "up_proj", "down_proj"};
    YOKE_TRY(add("gate", type, {plan.experts, plan.hidden}, experts.router.data));
    for (int64_t e = 0; e < plan.experts; ++e)
      YOKE_TRY(addBlock(fmt::format("experts.{}.", e), plan.isMixtral ? mixtral : qwen, experts.split.begin(e),
                        plan.expertInner(), static_cast<float>(plan.topK), isExact ? type : DType::F32));
    if (plan.shared == 0)
      return {};
    YOKE_TRY(add("shared_expert_gate", type, {1, plan.hidden}, std::vector<float>(size_t(plan.hidden))));
    return addBlock("shared_expert.", qwen, 0, plan.shared, 2, type);
  }

  static Status append(SafetensorsWriter &writer, const Content &content) {
    if (content.values.empty())
      return writer.append(content.stored);
    if (content.tensor.dtype == DType::F32)
      return writer.append(std::as_bytes(std::span(content.values)));
    std::vector<uint16_t> rounded;
    for (float value : content.values)
      rounded.push_back(content.tensor.dtype == DType::BF16 ? toBFloat16(value) : toFloat16(value));
    return writer.append(std::as_bytes(std::span(rounded)));
  }

  const Checkpoint &source;
  const FactorPlan &plan;
  const FactorProgress &progress;
};

Status writeText(const std::string &path, std::string_view text) {
  AtomicFile file = YOKE_TRY(AtomicFile::create(path));
  YOKE_TRY(file.append(text));
  return file.commit();
}

} // namespace

Result<GatedBlock> readBlock(const Checkpoint &source, const FactorPlan &plan, int64_t layer) {
  auto read = [&](const char *part, int64_t rows, int64_t columns) -> Result<FloatMatrix> {
    std::string name = blockPrefix(layer) + part + ".weight";
    const TensorInfo *tensor = source.find(name);
    if (!tensor)
      return malformed("{}: there is no tensor {}", printable(source.folder(), 4096), quote(name));
    if (tensor->shape.size() != 2 || tensor->shape[0] != rows || tensor->shape[1] != columns)
      return malformed("{}: tensor {}: expected a shape of [{}, {}]", printable(source.folder(), 4096), quote(name),
                       rows, columns);
    if (tensor->dtype != DType::F32 && tensor->dtype != DType::BF16 && tensor->dtype != DType::F16)
      return malformed("{}: tensor {} is {}, expected F32, F16 or BF16", printable(source.folder(), 4096), quote(name),
                       dtypeName(tensor->dtype));
    FloatMatrix matrix(rows, columns);
    convertToFloat(tensor->dtype, source.bytes(*tensor), matrix.data);
    return matrix;
  };
  GatedBlock block;
  block.gate = YOKE_TRY(read("gate_proj", plan.inner, plan.hidden));
  block.up = YOKE_TRY(read("up_proj", plan.inner, plan.hidden));
  block.down = YOKE_TRY(read("down_proj", plan.hidden, plan.inner));
  return block;
}

Status writeFactored(const Checkpoint &source, const FactorPlan &plan, const FactorProgress &progress,
                     const std::string &folder) {
  YOKE_TRY(writeText(folder + "/config.json", dumpJson(plan.config, 2) + "\n"));
  auto copy = [&](const char *name, std::optional<std::string_view> text) -> Status {
    return text ? writeText(folder + "/" + name, *text) : Status();
  };
  YOKE_TRY(copy("tokenizer.json", source.tokenizer()));
  YOKE_TRY(copy("tokenizer_config.json", source.tokenizerConfig()));
  YOKE_TRY(copy("generation_config.json", source.generationConfig()));
  YOKE_TRY(copy("chat_template.jinja", source.chatTemplate()));
  return Writer(source, plan, progress).write(folder + "/model.safetensors");
}

} // namespace yoke
