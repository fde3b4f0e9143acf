//===- RopeConfig.cpp - rope fields of config.json ------------------------===//
#include "Import/Rope.h"

#include "Support/Text.h"

#include <algorithm>
#include <cmath>

using namespace yoke;
using namespace yoke::import;

namespace {

struct NamedType {
  std::string_view name;
  RopeType type;
};

constexpr NamedType ropeTypes[] = {
    {"default", RopeType::Default}, {"linear", RopeType::Linear},     {"dynamic", RopeType::Dynamic},
    {"yarn", RopeType::Yarn},       {"longrope", RopeType::LongRope}, {"llama3", RopeType::Llama3},
};

/// Reads one rope dictionary, or an absent one.
class RopeReader {
public:
  RopeReader(ConfigReader &config, int64_t headDim, int64_t maxPositions, const RopeSpelling &spelling)
      : config(config), spelling(spelling), headDim(headDim), maxPositions(maxPositions) {
    theta = config.number(spelling.theta, minTheta, maxTheta, spelling.thetaDefault);
    partial = spelling.partial.empty() ? 1 : config.number(spelling.partial, 0, 1, spelling.partialDefault);
    if (config.has("original_max_position_embeddings"))
      originalPositions = config.integer("original_max_position_embeddings", 1, import::maxPositions);
    else if (spelling.originalPositionsDefault)
      originalPositions = spelling.originalPositionsDefault;
    config.accept({"original_max_position_embeddings"});
  }

  Rope read(const std::optional<JsonObject> &dictionary, bool nested) {
    RopeParameters p;
    p.theta = theta;
    double fraction = partial;
    if (dictionary) {
      p.type = type(*dictionary);
      p.theta = number(*dictionary, "rope_theta", minTheta, maxTheta, theta);
      fraction = number(*dictionary, "partial_rotary_factor", 0, 1, partial);
      if (spelling.partial.empty() && fraction != 1)
        config.record(dictionary->error("partial_rotary_factor", "is not supported for this architecture").value());
      readScaling(*dictionary, p, nested);
      checkKeys(*dictionary);
    }
    p.dim = static_cast<int64_t>(headDim * fraction);
    checkDim(p);
    return config.failed() || p.dim == 0 ? Rope() : checked(computeRope(p));
  }

private:
  RopeType type(const JsonObject &dictionary) {
    std::string_view key = dictionary.has("rope_type") || !dictionary.has("type") ? "rope_type" : "type";
    std::string name = config.take(dictionary.string(key, "default"), std::string("default"));
    if (spelling.onlyLongRope && (name == "su" || name == "yarn"))
      name = "longrope";
    std::string supported;
    for (const NamedType &known : ropeTypes) {
      if (spelling.onlyLongRope && known.type != RopeType::Default && known.type != RopeType::LongRope)
        continue;
      if (known.name == name)
        return known.type;
      supported += fmt::format("{}{}", supported.empty() ? "" : ", ", known.name);
    }
    config.record(
        dictionary.error(key, fmt::format("unsupported rope type {}; supported: {}", quote(name), supported)).value());
    return RopeType::Default;
  }

  double number(const JsonObject &dictionary, std::string_view key, double lo, double hi, double otherwise) {
    return config.take(dictionary.number(key, lo, hi, otherwise), otherwise);
  }

  void readScaling(const JsonObject &d, RopeParameters &p, bool nested) {
    if (p.type == RopeType::Default)
      return;
    bool ratio = p.type == RopeType::Yarn || p.type == RopeType::LongRope; // factor defaults to a ratio of lengths
    if (p.type != RopeType::Dynamic && p.type != RopeType::Linear)
      readOriginalPositions(d, p, nested);
    if (ratio && !d.has("factor"))
      p.factor = static_cast<double>(maxPositions) / p.originalPositions;
    else
      p.factor = config.take(d.number("factor", minFactor, maxFactor), 1.0);
    if (ratio && d.has("attention_factor"))
      p.attentionFactor = number(d, "attention_factor", 0, maxFactor, 1);
    if (p.type == RopeType::Yarn)
      readYarn(d, p);
    else if (p.type == RopeType::Llama3)
      readLlama3(d, p);
    else if (p.type == RopeType::LongRope)
      readLongRope(d, p);
  }

  /// The field beside the dictionary wins, as in transformers; a dictionary per layer type stands alone.
  void readOriginalPositions(const JsonObject &d, RopeParameters &p, bool nested) {
    int64_t own = config.take(
        d.integer("original_max_position_embeddings", 1, import::maxPositions, std::max<int64_t>(maxPositions, 1)),
        maxPositions);
    p.originalPositions = nested ? own : originalPositions.value_or(own);
  }

  void readYarn(const JsonObject &d, RopeParameters &p) {
    auto orDefault = [&](std::string_view key, double otherwise) {
      double value = number(d, key, 0, maxFactor, otherwise);
      return value == 0 ? otherwise : value;
    };
    p.betaFast = orDefault("beta_fast", 32);
    p.betaSlow = orDefault("beta_slow", 1);
    p.mscale = number(d, "mscale", 0, maxFactor, 0);
    p.mscaleAllDim = number(d, "mscale_all_dim", 0, maxFactor, 0);
    p.truncate = config.take(d.boolean("truncate", true), true);
    if (p.theta <= 1)
      config.record(d.error("rope_theta", "yarn needs a base above 1").value());
  }

  void readLlama3(const JsonObject &d, RopeParameters &p) {
    p.lowFrequencyFactor = config.take(d.number("low_freq_factor", minFactor, maxFactor), 1.0);
    p.highFrequencyFactor = config.take(d.number("high_freq_factor", minFactor, maxFactor), 4.0);
    if (p.highFrequencyFactor <= p.lowFrequencyFactor)
      config.record(d.error("high_freq_factor", fmt::format("{} must be greater than low_freq_factor {}",
                                                            p.highFrequencyFactor, p.lowFrequencyFactor))
                        .value());
  }

  void readLongRope(const JsonObject &d, RopeParameters &p) {
    p.shortFactors = config.take(d.numbers("short_factor", minFactor, maxFactor, import::maxHeads), {});
    p.longFactors = config.take(d.numbers("long_factor", minFactor, maxFactor, import::maxHeads), {});
    if (p.originalPositions < 2)
      config.record(d.error("original_max_position_embeddings", "longrope needs at least 2").value());
  }

  void checkDim(const RopeParameters &p) {
    auto wrong = [&](const std::string &rule) { config.refuse("rope_scaling", rule); };
    int64_t rotating = p.dim + p.dim % 2;
    if (rotating > headDim)
      config.refuse("head_dim", fmt::format("rotary embeddings need an even head size, found {}", headDim));
    if (p.type == RopeType::Dynamic && p.dim == 2)
      wrong("dynamic scaling needs more than 2 rotating elements");
    if (p.type == RopeType::Yarn && p.dim % 2)
      wrong(fmt::format("yarn needs an even number of rotating elements, found {}", p.dim));
    if (p.type == RopeType::LongRope)
      for (const auto *factors : {&p.shortFactors, &p.longFactors})
        if (static_cast<int64_t>(factors->size()) * 2 != p.dim && !config.failed())
          wrong(fmt::format("{} must have {} elements (half of the {} that rotate), found {}",
                            factors == &p.shortFactors ? "short_factor" : "long_factor", p.dim / 2, p.dim,
                            factors->size()));
  }

  Rope checked(Rope rope) {
    for (const auto *frequencies : {&rope.frequencies, &rope.longFrequencies})
      if (!std::ranges::all_of(*frequencies, [](float f) { return std::isfinite(f); }) ||
          !std::isfinite(rope.magnitude))
        config.refuse("rope_parameters", "give frequencies that are not finite");
    return rope;
  }

  void checkKeys(const JsonObject &d) {
    for (const std::string &key : d.unknownKeys(
             {"rope_type", "type", "rope_theta", "partial_rotary_factor", "factor", "original_max_position_embeddings",
              "attention_factor", "beta_fast", "beta_slow", "short_factor", "long_factor", "low_freq_factor",
              "high_freq_factor", "mscale", "mscale_all_dim", "truncate", "finetuned"}))
      if (d.has(key))
        config.record(d.error(key, "unsupported rope field").value());
  }

  static constexpr double minTheta = 1e-6, maxTheta = 1e15, minFactor = 1e-6, maxFactor = 1e6;

  ConfigReader &config;
  const RopeSpelling &spelling;
  int64_t headDim, maxPositions;
  double theta, partial;
  std::optional<int64_t> originalPositions;
};

} // namespace

LayerRopes yoke::import::readRopes(ConfigReader &config, int64_t headDim, int64_t maxPositions,
                                   const RopeSpelling &spelling) {
  RopeReader reader(config, headDim, maxPositions, spelling);
  std::optional<JsonObject> parameters = config.object("rope_parameters");
  if (std::optional<JsonObject> scaling = config.object("rope_scaling"))
    parameters = scaling;

  bool nested = parameters && (parameters->has("full_attention") || parameters->has("sliding_attention"));
  if (!nested) {
    Rope rope = reader.read(parameters, false);
    return {rope, rope};
  }
  if (Status only = parameters->expectOnly({"full_attention", "sliding_attention"}); !only)
    config.record(only.error());
  auto readLayer = [&](std::string_view type) -> Rope {
    if (!parameters->has(type)) // such layers have no position embedding
      return {};
    std::optional<JsonObject> layer = config.take(parameters->optionalObject(type), {});
    return layer ? reader.read(layer, true) : Rope();
  };
  Rope full = readLayer("full_attention");
  return {full, readLayer("sliding_attention")};
}
