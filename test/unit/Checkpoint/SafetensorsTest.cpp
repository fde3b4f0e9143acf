#include "Checkpoint/Safetensors.h"
#include "test/unit/Checkpoint/SafetensorsFile.h"

#include <chrono>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace yoke;
using testing::ElementsAre;
using testing::HasSubstr;
using yoke::test::safetensors;

namespace {

Result<SafetensorsTable> parse(std::string_view file, SafetensorsLimits limits = {}) {
  return parseSafetensors(std::as_bytes(std::span(file)), "m.safetensors", limits);
}

std::string tensor(std::string_view name, std::string_view dtype, std::string_view shape, std::string_view offsets) {
  return fmt::format(R"("{}":{{"dtype":"{}","shape":{},"data_offsets":{}}})", name, dtype, shape, offsets);
}

/// A header of one tensor "t".
std::string one(std::string_view dtype, std::string_view shape, std::string_view offsets) {
  return "{" + tensor("t", dtype, shape, offsets) + "}";
}

std::string two(std::string_view firstOffsets, std::string_view secondOffsets) {
  return "{" + tensor("a", "U8", "[8]", firstOffsets) + "," + tensor("b", "U8", "[8]", secondOffsets) + "}";
}

struct Refused {
  const char *what;
  std::string file;
  const char *message;
};

} // namespace

TEST(Safetensors, RefusesMalformedFiles) {
  const std::string good = one("F32", "[2]", "[0,8]");
  const std::string deep(100'000, '[');
  const Refused cases[] = {
      {"empty", "", "header length: the file has 0 bytes"},
      {"7 bytes", std::string(7, '\0'), "header length: the file has 7 bytes"},
      {"N = 0", safetensors("", 0, 0), "header length: 0"},
      {"N = 100,000,001", safetensors(good, 8, 100'000'001), "header length: 100000001 bytes exceed the limit"},
      {"N = 2^64 - 1", safetensors(good, 8, UINT64_MAX), "header length: 18446744073709551615"},
      {"N = 2^63", safetensors(good, 8, uint64_t(1) << 63), "header length: 9223372036854775808"},
      {"N past the end", safetensors(good, 0, good.size() + 1), "header length: "},
      {"body truncated", safetensors(good, 7), "data section: the header describes 8 bytes, the file holds 7"},
      {"trailing byte", safetensors(good, 9), "data section: the header describes 8 bytes, the file holds 9"},
      {"no tensor, but data", safetensors("{}", 1), "data section: the header describes 0 bytes, the file holds 1"},
      {"overlap", safetensors(two("[0,8]", "[4,12]"), 12), R"(tensor "b" [4, 12) overlaps tensor "a" [0, 8))"},
      {"same bytes twice", safetensors(two("[0,8]", "[0,8]"), 8), "overlaps"},
      {"hole", safetensors(two("[0,8]", "[9,17]"), 17), R"(hole between tensor "a" [0, 8) and tensor "b" [9, 17))"},
      {"hole at the start", safetensors(one("U8", "[8]", "[1,9]"), 9), R"(tensor "t" [1, 9) is the first)"},
      {"reversed", safetensors(one("U8", "[8]", "[8,0]"), 8), R"(tensor "t": data_offsets: end 0 < begin 8)"},
      {"shape gives more bytes", safetensors(one("F32", "[3]", "[0,8]"), 8),
       "need 12 bytes, data_offsets [0, 8] give 8"},
      {"shape gives fewer bytes", safetensors(one("F32", "[1]", "[0,8]"), 8), "need 4 bytes"},
      {"end past the file", safetensors(one("U8", "[800]", "[0,800]"), 8), "the header describes 800 bytes"},
      {"end near 2^64", safetensors(one("U8", "[8]", "[18446744073709551608,18446744073709551615]"), 8),
       "need 8 bytes"},
      {"product 2^33 * 2^33", safetensors(one("U8", "[8589934592,8589934592]", "[0,8]"), 8), "overflow"},
      {"product wraps to 0", safetensors(one("U8", "[4294967296,4294967296]", "[0,0]"), 0), "overflow"},
      {"bits wrap", safetensors(one("F64", "[2305843009213693952]", "[0,0]"), 0), "overflow"},
      {"dimension 2^63", safetensors(one("U8", "[9223372036854775808]", "[0,0]"), 0), "overflow"},
      {"wrap beside a zero", safetensors(one("U8", "[4294967296,0,4294967296]", "[0,0]"), 0), "overflow"},
      {"negative dimension", safetensors(one("U8", "[-8]", "[0,8]"), 8),
       "shape: expected an unsigned integer, found -8"},
      {"minus zero", safetensors(one("U8", "[-0]", "[0,0]"), 0), "found -0"},
      {"negative offset", safetensors(one("U8", "[8]", "[-8,0]"), 8),
       "data_offsets: expected an unsigned integer, found -8"},
      {"dimension 2.0", safetensors(one("U8", "[2.0]", "[0,2]"), 2), "found 2.0"},
      {"dimension 1e0", safetensors(one("U8", "[1e0]", "[0,1]"), 1), "found 1e0"},
      {"dimension 10^20", safetensors(one("U8", "[100000000000000000000]", "[0,1]"), 1), "found 100000000000000000000"},
      {"dimension text", safetensors(one("U8", R"(["8"])", "[0,8]"), 8), R"(found "8")"},
      {"dimension list", safetensors(one("U8", "[[8]]", "[0,8]"), 8), "found an array"},
      {"shape is a number", safetensors(one("U8", "8", "[0,8]"), 8), "shape: expected an array, found 8"},
      {"shape is an object", safetensors(one("U8", "{}", "[0,8]"), 8), "shape: expected an array, found an object"},
      {"unknown dtype", safetensors(one("F33", "[2]", "[0,8]"), 8), R"(dtype: unknown "F33"; known: BOOL, F4)"},
      {"lower-case dtype", safetensors(one("f32", "[2]", "[0,8]"), 8), R"(dtype: unknown "f32")"},
      {"dtype is a number", safetensors(R"({"t":{"dtype":1,"shape":[],"data_offsets":[0,1]}})", 1),
       "dtype: expected a string"},
      {"missing shape", safetensors(R"({"t":{"dtype":"U8","data_offsets":[0,8]}})", 8),
       R"(tensor "t": shape is missing)"},
      {"missing dtype", safetensors(R"({"t":{"shape":[8],"data_offsets":[0,8]}})", 8), "dtype is missing"},
      {"missing offsets", safetensors(R"({"t":{"dtype":"U8","shape":[8]}})", 8), "data_offsets is missing"},
      {"1 offset", safetensors(one("U8", "[8]", "[0]"), 8), "data_offsets: expected 2 numbers, found 1"},
      {"3 offsets", safetensors(one("U8", "[8]", "[0,8,8]"), 8), "data_offsets: expected 2 numbers, found 3"},
      {"half a byte", safetensors(one("F4", "[3]", "[0,1]"), 1), "12 bits of F4 are not a whole number of bytes"},
      {"tensor is null", safetensors(R"({"t":null})", 0), R"(tensor "t": expected an object, found null)"},
      {"tensor is a list", safetensors(R"({"t":[]})", 0), "expected an object, found an array"},
      {"invalid UTF-8", safetensors("{\"\xff\":1}", 0), "UTF-8"},
      {"lone surrogate", safetensors(R"({"\ud800":1})", 0), "surrogate"},
      {"byte order mark", safetensors("\xEF\xBB\xBF" + good, 8), "must begin with \"{\""},
      {"array", safetensors("[]", 0), "must begin with \"{\""},
      {"leading space", safetensors(" " + good, 8), "must begin with \"{\""},
      {"NUL padding", safetensors(good + std::string(3, '\0'), 8), "NUL byte at offset"},
      {"text after the header", safetensors(good + "x", 8), "header: "},
      {"cut in the middle", safetensors(good.substr(0, 20), 8), "header: "},
      {"100k-deep", safetensors("{\"t\":" + deep, 0), "expected an object, found an array"},
      {"100k-deep in an unknown key", safetensors(R"({"t":{"x":)" + deep, 0), "nested deeper than 64 levels"},
      {"duplicate field", safetensors(R"({"t":{"dtype":"U8","dtype":"U8","shape":[8],"data_offsets":[0,8]}})", 8),
       R"(tensor "t": duplicate key "dtype")"},
      {"two __metadata__", safetensors(R"({"__metadata__":{},"__metadata__":{}})", 0),
       R"(duplicate key "__metadata__")"},
      {"__metadata__: null twice", safetensors(R"({"__metadata__":null,"__metadata__":null})", 0), "duplicate key"},
      {"duplicate tensor",
       safetensors("{" + tensor("t", "U8", "[8]", "[0,8]") + "," + tensor("t", "U8", "[8]", "[8,16]") + "}", 16),
       R"(duplicate key "t")"},
      {"duplicate tensor of another dtype",
       safetensors("{" + tensor("t", "U8", "[8]", "[0,8]") + "," + tensor("t", "F32", "[2]", "[0,8]") + "}", 8),
       R"(duplicate key "t")"},
      {"duplicate in __metadata__", safetensors(R"({"__metadata__":{"k":"1","k":"2"}})", 0),
       R"(__metadata__: duplicate key "k")"},
      {"number in __metadata__", safetensors(R"({"__metadata__":{"k":1}})", 0),
       R"(__metadata__: "k": expected a string, found 1)"},
      {"list as __metadata__", safetensors(R"({"__metadata__":[]})", 0), "__metadata__: expected an object"},
      {"NUL in a name", safetensors("{" + tensor("a\\u0000b", "U8", "[8]", "[0,8]") + "}", 8),
       R"(tensor "a\x00b": a tensor name must not contain NUL)"},
      {"long name", safetensors("{" + tensor(std::string(5000, 'n'), "U8", "[8]", "[0,8]") + "}", 8),
       "a name of 5000 bytes"},
      {"33 dimensions",
       safetensors(one("U8", "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]", "[0,1]"), 1),
       "more than 32 dimensions"},
  };
  for (const Refused &test : cases) {
    Result<SafetensorsTable> table = parse(test.file);
    ASSERT_FALSE(table) << test.what;
    EXPECT_EQ(table.error().kind, ErrorKind::Malformed) << test.what;
    EXPECT_THAT(table.error().message, testing::StartsWith("m.safetensors: ")) << test.what;
    EXPECT_THAT(table.error().message, HasSubstr(test.message)) << test.what;
    EXPECT_EQ(table.error().message.find('\n'), std::string::npos) << test.what;
  }
}

TEST(Safetensors, AcceptsWhatTheFormatAllows) {
  const std::pair<const char *, std::string> cases[] = {
      {"no tensor", safetensors("{}", 0)},
      {"trailing spaces", safetensors("{}      ", 0)},
      {"scalar", safetensors(one("F32", "[]", "[0,4]"), 4)},
      {"empty tensor", safetensors(one("F32", "[3,0]", "[0,0]"), 0)},
      {"odd offset",
       safetensors("{" + tensor("a", "U8", "[1]", "[0,1]") + "," + tensor("b", "F32", "[1]", "[1,5]") + "}", 5)},
      {"two halves of a byte", safetensors(one("F4", "[2]", "[0,1]"), 1)},
      {"metadata only", safetensors(R"({"__metadata__":{"format":"pt"}})", 0)},
  };
  for (const auto &[what, file] : cases) {
    Result<SafetensorsTable> table = parse(file);
    ASSERT_TRUE(table) << what << ": " << table.error().message;
    EXPECT_TRUE(table->warnings().empty()) << what;
  }
}

TEST(Safetensors, WarnsAboutOddities) {
  const std::pair<std::string, const char *> cases[] = {
      {safetensors(R"({"__metadata__":null})", 0), "__metadata__ is null"},
      {safetensors("{" + tensor("", "U8", "[8]", "[0,8]") + "}", 8), "empty name"},
      {safetensors(R"({"t":{"x":{"y":[1,{}]},"dtype":"U8","shape":[8],"data_offsets":[0,8]}})", 8),
       R"(tensor "t": unknown key "x")"},
  };
  for (const auto &[file, message] : cases) {
    Result<SafetensorsTable> table = parse(file);
    ASSERT_TRUE(table) << table.error().message;
    EXPECT_THAT(table->warnings(), ElementsAre(HasSubstr(message)));
  }
}

TEST(Safetensors, OrdersByOffsetAndFindsByName) {
  std::string file =
      safetensors("{" + tensor("z", "F32", "[2,1]", "[4,12]") + "," + tensor("y", "I16", "[0]", "[12,12]") + "," +
                      R"("__metadata__":{"format":"pt","a":""},)" + tensor("caf\\u00e9", "U8", "[4]", "[0,4]") + "}",
                  12);
  Result<SafetensorsTable> parsed = parse(file);
  ASSERT_TRUE(parsed) << parsed.error().message;
  SafetensorsTable table = std::move(*parsed);
  ASSERT_EQ(table.tensors().size(), 3u);
  EXPECT_EQ(table.tensors()[0].name, "café");
  EXPECT_EQ(table.tensors()[1].name, "z");
  const TensorInfo *z = table.find("z");
  ASSERT_TRUE(z);
  EXPECT_EQ(z->dtype, DType::F32);
  EXPECT_THAT(z->shape, ElementsAre(2, 1));
  EXPECT_EQ(z->begin, 4u);
  EXPECT_EQ(z->byteSize(), 8u);
  EXPECT_EQ(z->elementCount(), 2);
  EXPECT_EQ(table.find("y")->elementCount(), 0);
  EXPECT_EQ(table.find("x"), nullptr);
  EXPECT_EQ(table.find(""), nullptr);
  EXPECT_EQ(table.dataOffset(), file.size() - 12);
  EXPECT_THAT(table.metadata(), ElementsAre(testing::Pair("format", "pt"), testing::Pair("a", "")));
}

TEST(Safetensors, KeepsToItsLimits) {
  SafetensorsLimits limits;
  limits.tensors = 1;
  EXPECT_THAT(parse(safetensors(two("[0,8]", "[8,16]"), 16), limits).error().message, HasSubstr("more than 1 tensors"));
  limits = {};
  limits.headerBytes = 10;
  EXPECT_THAT(parse(safetensors(two("[0,8]", "[8,16]"), 16), limits).error().message,
              HasSubstr("exceed the limit of 10"));
}

TEST(Safetensors, ReadsAMillionTensorsInLinearTime) {
  auto seconds = [](size_t count) {
    std::string header = "{";
    for (size_t i = 0; i < count; ++i)
      header += fmt::format(R"({}"model.layers.{:08}.w":{{"dtype":"U8","shape":[1],"data_offsets":[{},{}]}})",
                            i ? "," : "", i, i, i + 1);
    header += "}";
    header.resize(count * 96, ' ');
    std::string file = safetensors(header, count);
    auto start = std::chrono::steady_clock::now();
    Result<SafetensorsTable> table = parse(file);
    EXPECT_TRUE(table && table->tensors().size() == count);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  EXPECT_LT(seconds(1'000'000), 30); // about 1 s on a quiet machine; quadratic work would take hours
}
