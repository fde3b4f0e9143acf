#include "SimulateValues.h"

#include "Checkpoint/ExpectedTensors.h"
#include "Console.h"
#include "Input.h"
#include "Support/Json.h"
#include "Tokenizer/Tokenizer.h"

#include <chrono>

namespace yoke::cli {
namespace {

using namespace sim;

/// What a plain llama must not say of itself; the epsilon and the base of the rotary embedding.
Status readDetails(const JsonObject &config, DecoderWeights &weights) {
  size_t type = YOKE_TRY(config.choice("model_type", {"llama", "mistral"}));
  for (std::string_view key : {"attention_bias", "mlp_bias"})
    if (YOKE_TRY(config.boolean(key, false)))
      return config.error(key, "biases are not computed with values");
  if (config.has("rope_scaling"))
    return config.error("rope_scaling", "scaled rotary embeddings are not computed with values");
  if (type == 1 && config.has("sliding_window"))
    return config.error("sliding_window", "windows are not computed with values");
  if (YOKE_TRY(config.string("hidden_act", "silu")) != "silu")
    return config.error("hidden_act", "violates hidden_act = silu");
  weights.epsilon = YOKE_TRY(config.number("rms_norm_eps", 0, 1, 1e-6));
  weights.ropeTheta = YOKE_TRY(config.number("rope_theta", 1, 1e12, 1e4));
  return {};
}

class Loader {
public:
  explicit Loader(const Checkpoint &checkpoint) : checkpoint(checkpoint) {}

  void want(std::string name, std::vector<int64_t> shape, std::vector<float> &into) {
    expected.push_back({std::move(name), std::move(shape)});
    places.push_back(&into);
  }
  Status load() {
    auto extra = [](std::string_view name) { return name.ends_with("inv_freq") || name == "lm_head.weight"; };
    YOKE_TRY(checkTensors(checkpoint, expected, extra));
    for (size_t i = 0; i < expected.size(); ++i) {
      const TensorInfo &tensor = *checkpoint.find(expected[i].name);
      if (!isConvertibleToFloat(tensor.dtype))
        return malformed("{}: {}: {} is no type of weights", checkpoint.folder(), tensor.name, dtypeName(tensor.dtype));
      places[i]->resize(size_t(tensor.elementCount()));
      convertToFloat(tensor.dtype, checkpoint.bytes(tensor), *places[i]);
    }
    return {};
  }

private:
  const Checkpoint &checkpoint;
  std::vector<ExpectedTensor> expected;
  std::vector<std::vector<float> *> places;
};

Result<std::vector<int32_t>> promptOf(const ValuesRequest &request, const Checkpoint &checkpoint) {
  if (!request.tokenIds.empty())
    return parseTokenIds(request.tokenIds, "--token-ids");
  if (!checkpoint.tokenizer())
    return malformed("{}: no tokenizer.json; give --token-ids", request.model);
  Tokenizer tokenizer = YOKE_TRY(Tokenizer::load(*checkpoint.tokenizer(), request.model + "/tokenizer.json"));
  std::vector<int32_t> tokens = YOKE_TRY(tokenizer.encode(request.text));
  if (tokens.empty())
    return usageError("--text: no tokens");
  return tokens;
}

/// config.json's eos_token_id: a number, a list or nothing.
std::vector<int64_t> endTokens(const Checkpoint &checkpoint, const std::string &source) {
  std::vector<int64_t> ends;
  if (Result<Json> config = parseJson(checkpoint.config(), source); config && config->is_object())
    if (auto found = config->find("eos_token_id"); found != config->end())
      for (const Json &value : found->is_array() ? *found : Json::array({*found}))
        if (value.is_number_integer())
          ends.push_back(value.get<int64_t>());
  return ends;
}

} // namespace

Result<DecoderWeights> loadDecoderWeights(const std::string &folder) {
  Checkpoint checkpoint = YOKE_TRY(Checkpoint::open(folder));
  std::string source = folder + "/config.json";
  DecoderWeights weights;
  weights.shape = YOKE_TRY(parseModelConfig(checkpoint.config(), source, folder));
  Json document = YOKE_TRY(parseJson(checkpoint.config(), source));
  JsonObject config = YOKE_TRY(JsonObject::from(document, source));
  YOKE_TRY(readDetails(config, weights));
  const ModelShape &shape = weights.shape;
  int64_t width = shape.width, queries = shape.heads * shape.headSize, keys = shape.keyHeads * shape.headSize;
  Loader loader(checkpoint);
  loader.want("model.embed_tokens.weight", {shape.vocabulary, width}, weights.embedding);
  loader.want("model.norm.weight", {width}, weights.finalNorm);
  if (!YOKE_TRY(config.boolean("tie_word_embeddings", false)))
    loader.want("lm_head.weight", {shape.vocabulary, width}, weights.head);
  if (shape.layers > 4096)
    return config.error("num_hidden_layers", "violates num_hidden_layers <= 4096");
  weights.layers.resize(size_t(shape.layers));
  for (size_t i = 0; i < weights.layers.size(); ++i) {
    DecoderLayerWeights &layer = weights.layers[i];
    std::string prefix = fmt::format("model.layers.{}.", i);
    loader.want(prefix + "self_attn.q_proj.weight", {queries, width}, layer.query);
    loader.want(prefix + "self_attn.k_proj.weight", {keys, width}, layer.key);
    loader.want(prefix + "self_attn.v_proj.weight", {keys, width}, layer.value);
    loader.want(prefix + "self_attn.o_proj.weight", {width, queries}, layer.projection);
    loader.want(prefix + "mlp.gate_proj.weight", {shape.hidden, width}, layer.gate);
    loader.want(prefix + "mlp.up_proj.weight", {shape.hidden, width}, layer.up);
    loader.want(prefix + "mlp.down_proj.weight", {width, shape.hidden}, layer.down);
    loader.want(prefix + "input_layernorm.weight", {width}, layer.attentionNorm);
    loader.want(prefix + "post_attention_layernorm.weight", {width}, layer.feedForwardNorm);
  }
  YOKE_TRY(loader.load());
  return weights;
}

Result<int> simulateValues(const ValuesRequest &request, const Target &target) {
  if (request.text.empty() == request.tokenIds.empty())
    return usageError("--values needs one of --text and --token-ids");
  DecoderWeights weights = YOKE_TRY(loadDecoderWeights(request.model));
  Checkpoint checkpoint = YOKE_TRY(Checkpoint::open(request.model));
  std::vector<int32_t> prompt = YOKE_TRY(promptOf(request, checkpoint)), generated;
  std::vector<int64_t> ends = endTokens(checkpoint, request.model + "/config.json");
  int64_t positions = int64_t(prompt.size()) + request.generate, limit = weights.shape.positions;
  if (limit && positions > limit)
    return malformed("{} tokens are more than the model's {} positions", positions, limit);
  auto decoder = YOKE_TRY(ValueDecoder::create(target, std::move(weights), positions));
  std::vector<TimedCommand> commands;
  if (!request.commands.empty())
    decoder->recordCommands(&commands);
  auto begin = std::chrono::steady_clock::now();
  std::vector<float> logits;
  for (int32_t token : prompt)
    logits = YOKE_TRY(decoder->step(token));
  int64_t promptCycles = decoder->cycles();
  std::string finish = "length";
  while (int64_t(generated.size()) < request.generate) {
    int32_t token = int32_t(std::max_element(logits.begin(), logits.end()) - logits.begin());
    generated.push_back(token);
    if (std::find(ends.begin(), ends.end(), token) != ends.end()) {
      finish = "stop";
      break;
    }
    if (int64_t(generated.size()) < request.generate)
      logits = YOKE_TRY(decoder->step(token));
  }
  double wall = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  if (!request.commands.empty()) {
    AtomicFile file = YOKE_TRY(AtomicFile::create(request.commands));
    YOKE_TRY(file.append(formatTrace(commands)));
    YOKE_TRY(file.commit());
  }
  std::string text;
  if (checkpoint.tokenizer())
    text = YOKE_TRY(Tokenizer::load(*checkpoint.tokenizer(), request.model + "/tokenizer.json")).decode(generated);
  double clock = target.npu->clockMHz * 1e6;
  Json json = {
      {"token_ids", generated},      {"prompt_token_ids", prompt},    {"text", text},
      {"finish_reason", finish},     {"system", target.name},         {"mode", "yoke"},
      {"cycles", decoder->cycles()}, {"prompt_cycles", promptCycles}, {"time_s", double(decoder->cycles()) / clock},
      {"simulation_wall_s", wall}};
  YOKE_TRY(writeOutput(request.json ? dumpJson(json, 2) + "\n" : text + "\n"));
  if (!request.json)
    printNote(fmt::format("{} tokens on {}: {} cycles, {:.3f} ms; simulated in {:.2f} s", generated.size(), target.name,
                          decoder->cycles(), double(decoder->cycles()) / clock * 1e3, wall));
  return 0;
}

} // namespace yoke::cli
