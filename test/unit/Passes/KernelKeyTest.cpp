#include "LowerCpu/KernelKey.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

using namespace mlir;
using namespace yoke;

namespace {
class KernelKeyTest : public testing::Test {
protected:
  KernelKeyTest() { context.loadDialect<llm::LLMDialect, func::FuncDialect, arith::ArithDialect>(); }

  /// The key of the one fused region of a function with these arguments.
  std::string key(const std::string &arguments, const std::string &fused, ArrayRef<Type> types = {},
                  int64_t interleave = 0) {
    module = parseSourceString<ModuleOp>("func.func @f(" + arguments + ") {\n" + fused + "\nreturn\n}", &context);
    if (!module)
      return "does not parse: " + fused;
    llm::FusedOp op;
    module->walk([&](llm::FusedOp found) { op = found; });
    return kernelKey(op, types, interleave);
  }

  std::string scaled(const std::string &factor, const std::string &name = "%a", const std::string &kernel = "scale") {
    return key("%x: tensor<?x8xf32>", "%y = llm.fused \"" + kernel +
                                          "\" (%x) : (tensor<?x8xf32>) -> tensor<?x8xf32> {\n^bb0(" + name +
                                          ": tensor<?x8xf32>):\n%s = llm.scale " + name + " {factor = " + factor +
                                          " : f32} : tensor<?x8xf32>\nllm.yield %s : tensor<?x8xf32>\n}");
  }

  std::string summed(const std::string &left, const std::string &right) {
    return key("%x: tensor<?x8xf32>, %y: tensor<?x8xf32>",
               "%z = llm.fused \"addf\" (%x, %y) : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32> {\n"
               "^bb0(%a: tensor<?x8xf32>, %b: tensor<?x8xf32>):\n%s = arith.subf " +
                   left + ", " + right + " : tensor<?x8xf32>\nllm.yield %s : tensor<?x8xf32>\n}");
  }

  std::string attention(int64_t layer, int64_t window) {
    std::string cache = "!llm.kv_cache<layers = 4, heads = 1, head_dim = 8, f32>", row = "tensor<?x8xf32>";
    std::string types =
        "(" + row + ", " + row + ", " + row + ", !llm.batch, " + cache + ") -> (" + row + ", " + cache + ")";
    return key(
        "%q: " + row + ", %batch: !llm.batch, %cache: " + cache,
        "%o:2 = llm.fused \"attention\" (%q, %q, %q, %batch, %cache) : " + types + " {\n^bb0(%a: " + row +
            ", %b: " + row + ", %c: " + row + ", %d: !llm.batch, %e: " + cache +
            "):\n%r, %n = llm.attention %a, %b, %c, %d cache %e {heads = 1, kv_heads = 1, scale = 1.0 : f32, layer = " +
            std::to_string(layer) + ", window = " + std::to_string(window) + "} : " + types +
            "\nllm.yield %r, %n : " + row + ", " + cache + "\n}");
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
};
} // namespace

TEST_F(KernelKeyTest, NamesDoNotCount) {
  EXPECT_EQ(scaled("2.0", "%a"), scaled("2.0", "%other"));
  EXPECT_EQ(scaled("2.0", "%a", "scale"), scaled("2.0", "%a", "another name"));
}

TEST_F(KernelKeyTest, AttributesCount) { EXPECT_NE(scaled("2.0"), scaled("3.0")); }

TEST_F(KernelKeyTest, WhichOperandIsReadWhereCounts) {
  EXPECT_NE(summed("%a", "%b"), summed("%b", "%a"));
  EXPECT_NE(summed("%a", "%b"), summed("%a", "%a"));
  EXPECT_EQ(summed("%a", "%b"), summed("%a", "%b"));
}

TEST_F(KernelKeyTest, TheLayerOfAttentionDoesNotCountButItsWindowDoes) {
  EXPECT_EQ(attention(0, 5), attention(3, 5));
  EXPECT_NE(attention(0, 5), attention(0, 6));
}

TEST_F(KernelKeyTest, MemoryTypesAndInterleavingCount) {
  auto text = std::string("%y = llm.fused \"scale\" (%x) : (tensor<?x8xf32>) -> tensor<?x8xf32> {\n^bb0(%a: "
                          "tensor<?x8xf32>):\n%s = llm.scale %a {factor = 2.0 : f32} : tensor<?x8xf32>\nllm.yield %s : "
                          "tensor<?x8xf32>\n}");
  auto f32 = MemRefType::get({ShapedType::kDynamic, 8}, Float32Type::get(&context));
  auto strided =
      MemRefType::get({ShapedType::kDynamic, 8}, f32.getElementType(), StridedLayoutAttr::get(&context, 0, {16, 1}));
  std::string plain = key("%x: tensor<?x8xf32>", text, {f32});
  EXPECT_EQ(plain, key("%x: tensor<?x8xf32>", text, {f32}));
  EXPECT_NE(plain, key("%x: tensor<?x8xf32>", text, {strided}));
  EXPECT_NE(plain, key("%x: tensor<?x8xf32>", text, {f32}, 16));
}
