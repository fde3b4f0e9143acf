//===- Modalities.cpp - layers whose weights depend on the modality -------===//
#include "Import/Modalities.h"

#include <array>

using namespace mlir;
using namespace yoke;
using namespace yoke::import;

static void readRanges(ConfigReader &config, int64_t vocabulary, ModalityRule &rule) {
  constexpr std::string_view key = "moe_gen_token_ranges";
  constexpr size_t maxRanges = 256;
  config.accept({key});
  const Json *list = config.take(config.all().optionalArray(key, maxRanges), {});
  if (!list)
    return;
  int64_t free = 0;
  for (const Json &range : *list) {
    auto at = [&](size_t i) { return range[i].is_number_integer() ? range[i].get<int64_t>() : -1; };
    if (!range.is_array() || range.size() != 2 || at(0) < free || at(1) <= at(0) || at(1) > vocabulary)
      return config.refuse(key, fmt::format("expected [first, end] of ids up to vocab_size {}, in order and without "
                                            "overlap, found {}",
                                            vocabulary, describeJson(range)));
    rule.ranges.emplace_back(at(0), at(1));
    free = at(1);
  }
}

ModalityRule yoke::import::readModalityRule(ConfigReader &config, int64_t vocabulary) {
  ModalityRule rule;
  readRanges(config, vocabulary, rule);
  auto start = config.optionalInteger("vision_start_token_id", 0, vocabulary - 1);
  auto end = config.optionalInteger("vision_end_token_id", 0, vocabulary - 1);
  config.require(start.has_value() == end.has_value(), start ? "vision_start_token_id" : "vision_end_token_id",
                 "vision_start_token_id and vision_end_token_id come together");
  config.require(!start || start != end, "vision_end_token_id", "must differ from vision_start_token_id");
  config.require(!start || rule.ranges.empty(), "moe_gen_token_ranges",
                 "either ranges of ids or vision_start_token_id and vision_end_token_id say what a token is");
  if (start && end)
    rule.markers = {*start, *end};
  return rule;
}

std::optional<std::pair<int64_t, int64_t>> yoke::import::findMarkers(const Checkpoint &checkpoint,
                                                                     std::string_view start, std::string_view end,
                                                                     int64_t vocabulary) {
  auto text = checkpoint.tokenizer();
  if (!text)
    return std::nullopt;
  auto document = parseJson(*text, "tokenizer.json", {.bytes = size_t(1) << 28});
  if (!document || !document->is_object() || !document->contains("added_tokens"))
    return std::nullopt;
  std::optional<int64_t> ids[2];
  for (const Json &token : (*document)["added_tokens"]) {
    if (!token.is_object() || !token.contains("content") || !token.contains("id") || !token["id"].is_number_integer())
      continue;
    for (auto [place, name] : llvm::enumerate(std::array{start, end}))
      if (int64_t id = token["id"].get<int64_t>(); token["content"] == name && id >= 0 && id < vocabulary)
        ids[place] = id;
  }
  if (!ids[0] || !ids[1] || ids[0] == ids[1])
    return std::nullopt;
  return std::pair(*ids[0], *ids[1]);
}

SmallVector<Value> yoke::import::byModality(ModelBuilder &model, Value modalities, int64_t count, ValueRange inputs,
                                            ModalityBody body) {
  if (!modalities)
    return body(0, inputs);
  OpBuilder &ops = model.builder();
  Location loc = inputs.front().getLoc();
  SmallVector<std::unique_ptr<Block>> blocks;
  SmallVector<Type> types;
  for (int64_t modality = 0; modality < count; ++modality) {
    OpBuilder::InsertionGuard guard(ops);
    Block &block = *blocks.emplace_back(std::make_unique<Block>());
    block.addArguments(inputs.getTypes(), SmallVector<Location>(inputs.size(), loc));
    ops.setInsertionPointToStart(&block);
    SmallVector<Value> results = body(modality, block.getArguments());
    types.clear();
    llm::YieldOp::create(ops, loc, results);
    llvm::append_range(types, ValueRange(results).getTypes());
  }
  auto op = llm::ByModalityOp::create(ops, loc, types, modalities, inputs, static_cast<unsigned>(count));
  for (auto [region, block] : llvm::zip_equal(op.getBodies(), blocks))
    region.push_back(block.release());
  return SmallVector<Value>(op.getOutputs());
}
