// Rope fields in their spellings. What they compute is compared with transformers in GoldenTest.
#include "TestFolder.h"

#include "Import/Rope.h"

#include <gmock/gmock.h>

using namespace yoke;
using namespace yoke::import;
using namespace yoke::test;
using testing::HasSubstr;

namespace {

struct Reading {
  LayerRopes ropes;
  std::string error;
};

Reading read(const Json &fields, int64_t headDim = 8, int64_t positions = 64, RopeSpelling spelling = {}) {
  ConfigReader config(*JsonObject::from(fields, "config.json"), "Test");
  LayerRopes ropes = readRopes(config, headDim, positions, spelling);
  Status status = config.finish(nullptr);
  return {ropes, status ? "" : status.error().message};
}

TEST(Rope, DefaultFrequencies) {
  Reading plain = read(Json::object());
  ASSERT_EQ(plain.error, "");
  EXPECT_THAT(plain.ropes.full.frequencies, testing::ElementsAre(1.0f, 0.1f, 0.01f, testing::FloatEq(0.001f)));
  EXPECT_EQ(plain.ropes.full.magnitude, 1.0f);
}

TEST(Rope, BothSpellingsMeanTheSame) {
  Reading old = read({{"rope_theta", 5e5}, {"rope_scaling", {{"type", "linear"}, {"factor", 4}}}});
  Reading now = read({{"rope_parameters", {{"rope_theta", 5e5}, {"rope_type", "linear"}, {"factor", 4.0}}}});
  ASSERT_EQ(old.error + now.error, "");
  EXPECT_EQ(old.ropes.full.frequencies, now.ropes.full.frequencies);
}

TEST(Rope, DynamicIsDefaultWithinItsLength) {
  Reading dynamic = read({{"rope_scaling", {{"type", "dynamic"}, {"factor", 3.0}}}});
  EXPECT_EQ(dynamic.error, "");
  EXPECT_EQ(dynamic.ropes.full.frequencies, read(Json::object()).ropes.full.frequencies);
  EXPECT_TRUE(dynamic.ropes.full.longFrequencies.empty());
}

TEST(Rope, OneDictionaryALayerType) {
  Reading nested = read({{"rope_parameters",
                          {{"full_attention", {{"rope_type", "linear"}, {"factor", 8.0}, {"rope_theta", 1e6}}},
                           {"sliding_attention", {{"rope_type", "default"}, {"rope_theta", 1e4}}}}}});
  ASSERT_EQ(nested.error, "");
  EXPECT_EQ(nested.ropes.full.frequencies[0], 0.125f);
  EXPECT_EQ(nested.ropes.sliding.frequencies, read(Json::object()).ropes.full.frequencies);
  Reading none = read({{"rope_parameters", {{"full_attention", nullptr}, {"sliding_attention", Json::object()}}}});
  EXPECT_EQ(none.error, "");
  EXPECT_TRUE(none.ropes.full.frequencies.empty());
  EXPECT_EQ(none.ropes.sliding.frequencies.size(), 4u);
}

TEST(Rope, PartialRotation) {
  RopeSpelling spelling = {.partial = "rotary_pct", .partialDefault = 0.25};
  EXPECT_EQ(read(Json::object(), 16, 64, spelling).ropes.full.frequencies.size(), 2u);
  EXPECT_EQ(read({{"rotary_pct", 0.0}}, 16, 64, spelling).ropes.full.frequencies.size(), 0u);
  // 5 of 16 elements: three pairs, spaced as if there were 5 elements
  Reading odd = read({{"rotary_pct", 0.3125}}, 16, 64, spelling);
  ASSERT_EQ(odd.ropes.full.frequencies.size(), 3u);
  EXPECT_FLOAT_EQ(odd.ropes.full.frequencies[1], std::pow(10000.0, -0.4));
  EXPECT_THAT(read({{"partial_rotary_factor", 0.5}}).error, HasSubstr("partial_rotary_factor: 0.5 is not supported"));
}

TEST(Rope, LongRopeSwitchesAtTheOriginalLength) {
  Json fields = {{"original_max_position_embeddings", 16},
                 {"rope_scaling", {{"type", "su"}, {"short_factor", {1, 1, 1, 1}}, {"long_factor", {2, 2, 2, 4}}}}};
  Reading reading = read(fields, 8, 64, {.onlyLongRope = true, .originalPositionsDefault = 4096});
  ASSERT_EQ(reading.error, "");
  EXPECT_EQ(reading.ropes.full.longFrom, 16);
  EXPECT_EQ(reading.ropes.full.longFrequencies[0], 0.5f);
  EXPECT_FLOAT_EQ(reading.ropes.full.magnitude, std::sqrt(1 + std::log(4.0) / std::log(16.0)));
}

TEST(Rope, WrongValuesAreNamed) {
  auto scaling = [](Json dictionary) { return read({{"rope_scaling", std::move(dictionary)}}).error; };
  EXPECT_THAT(scaling({{"type", "linear"}}), HasSubstr("rope_scaling.factor: expected a number"));
  EXPECT_THAT(scaling({{"type", "linear"}, {"factor", "4"}}), HasSubstr("found \"4\""));
  EXPECT_THAT(scaling({{"type", 3}}), HasSubstr("rope_scaling.type: expected a string"));
  EXPECT_THAT(scaling({{"type", "mrope"}}), HasSubstr("unsupported rope type \"mrope\""));
  EXPECT_THAT(scaling({{"type", "default"}, {"mrope_section", {1, 2}}}), HasSubstr("mrope_section: unsupported"));
  EXPECT_THAT(scaling({{"type", "llama3"}, {"factor", 8}, {"low_freq_factor", 4}, {"high_freq_factor", 4}}),
              HasSubstr("high_freq_factor: 4 must be greater"));
  EXPECT_THAT(scaling({{"type", "longrope"}, {"short_factor", {1}}, {"long_factor", {1, 2, 3, 4}}}),
              HasSubstr("short_factor must have 4 elements"));
  EXPECT_THAT(read({{"rope_theta", -1}}).error, HasSubstr("rope_theta"));
  EXPECT_THAT(read(Json::object(), 7).error, HasSubstr("even head size, found 7"));
}

} // namespace
