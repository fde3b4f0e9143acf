#include "BufferizedFunction.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/ExecutionEngine/OptUtils.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "llvm/Support/TargetSelect.h"

#include <cstdlib>
#include <cstring>

using namespace mlir;
using namespace yoke;

namespace {

constexpr llvm::StringLiteral pipeline =
    "builtin.module("
    "func.func(yoke-decompose{complete=true}),"
    "one-shot-bufferize{bufferize-function-boundaries=true function-boundary-type-conversion=identity-layout-map},"
    "buffer-deallocation-pipeline,convert-bufferization-to-memref,"
    "func.func(convert-linalg-to-loops),"
    "convert-scf-to-cf,expand-strided-metadata,lower-affine,"
    "arith-expand{include-bf16=true},"
    "convert-math-to-llvm,convert-math-to-libm,convert-arith-to-llvm,"
    "finalize-memref-to-llvm,convert-func-to-llvm,convert-cf-to-llvm,convert-index-to-llvm,"
    "reconcile-unrealized-casts)";

/// A strided memref of rank 1 or 2 as MLIR's C interface has it.
struct Descriptor {
  void *allocated = nullptr;
  void *aligned = nullptr;
  int64_t offset = 0;
  int64_t sizesAndStrides[4] = {};
};

size_t bytesOf(Type element) { return element.getIntOrFloatBitWidth() / 8; }

void store(std::byte *target, Type element, float value) {
  if (element.isF32()) {
    std::memcpy(target, &value, sizeof(value));
    return;
  }
  llvm::APFloat rounded(value);
  bool lost = false;
  rounded.convert(cast<FloatType>(element).getFloatSemantics(), llvm::APFloat::rmNearestTiesToEven, &lost);
  auto bits = static_cast<uint16_t>(rounded.bitcastToAPInt().getZExtValue());
  std::memcpy(target, &bits, sizeof(bits));
}

float load(const std::byte *source, Type element) {
  if (element.isF32()) {
    float value = 0;
    std::memcpy(&value, source, sizeof(value));
    return value;
  }
  uint16_t bits = 0;
  std::memcpy(&bits, source, sizeof(bits));
  return llvm::APFloat(cast<FloatType>(element).getFloatSemantics(), llvm::APInt(16, bits)).convertToFloat();
}

/// An argument in memory of its own, which the function may write to.
struct Buffer {
  Buffer(const TensorArgument &argument, RankedTensorType type) {
    Type element = type.getElementType();
    int64_t rows = 0, cols = 1;
    if (const auto *ids = std::get_if<std::vector<int32_t>>(&argument)) {
      rows = static_cast<int64_t>(ids->size());
      bytes.resize(ids->size() * sizeof(int32_t));
      std::memcpy(bytes.data(), ids->data(), bytes.size());
    } else {
      const auto &matrix = std::get<Matrix>(argument);
      rows = matrix.rows, cols = matrix.cols;
      bytes.resize(matrix.data.size() * bytesOf(element));
      for (size_t i = 0; i < matrix.data.size(); ++i)
        store(&bytes[i * bytesOf(element)], element, matrix.data[i]);
    }
    descriptor.allocated = descriptor.aligned = bytes.data();
    int64_t *word = descriptor.sizesAndStrides;
    if (type.getRank() == 1)
      word[0] = rows, word[1] = 1;
    else
      word[0] = rows, word[1] = cols, word[2] = cols, word[3] = 1;
  }

  std::vector<std::byte> bytes;
  Descriptor descriptor;
};

} // namespace

Result<std::unique_ptr<BufferizedFunction>> BufferizedFunction::compile(ModuleOp module) {
  auto function = module.lookupSymbol<func::FuncOp>("f");
  if (!function || function.getNumResults() != 1)
    return failed("the module has no @f of one result");
  auto result = std::make_unique<BufferizedFunction>();
  for (Type type : function.getArgumentTypes())
    result->argumentTypes.push_back(cast<RankedTensorType>(type));
  result->resultType = cast<RankedTensorType>(function.getResultTypes()[0]);
  function->setAttr(LLVM::LLVMDialect::getEmitCWrapperAttrName(), UnitAttr::get(module.getContext()));

  PassManager manager(module.getContext());
  if (mlir::failed(parsePassPipeline(pipeline.drop_front(StringRef("builtin.module(").size()).drop_back(), manager)) ||
      mlir::failed(manager.run(module)))
    return failed("the passes failed");
  static const bool isInitialized = !llvm::InitializeNativeTarget() && !llvm::InitializeNativeTargetAsmPrinter();
  if (!isInitialized)
    return failed("there is no native target");
  auto optimize = makeOptimizingTransformer(1, 0, nullptr);
  ExecutionEngineOptions options;
  options.transformer = optimize;
  options.enableGDBNotificationListener = options.enablePerfNotificationListener = false;
  auto engine = ExecutionEngine::create(module, options);
  if (!engine)
    return failed("{}", llvm::toString(engine.takeError()));
  result->engine = std::move(*engine);
  return result;
}

Result<Matrix> BufferizedFunction::run(const std::vector<TensorArgument> &arguments) {
  if (arguments.size() != argumentTypes.size())
    return failed("{} arguments for {}", arguments.size(), argumentTypes.size());
  std::vector<Buffer> buffers;
  for (size_t i = 0; i < arguments.size(); ++i)
    buffers.emplace_back(arguments[i], argumentTypes[i]);
  Descriptor output;
  std::vector<Descriptor *> pointers{&output};
  for (Buffer &buffer : buffers)
    pointers.push_back(&buffer.descriptor);
  std::vector<void *> packed;
  for (Descriptor *&pointer : pointers)
    packed.push_back(static_cast<void *>(&pointer));
  if (llvm::Error error = engine->invokePacked("_mlir_ciface_f", packed))
    return failed("{}", llvm::toString(std::move(error)));

  const int64_t *word = output.sizesAndStrides;
  Type element = resultType.getElementType();
  Matrix matrix(word[0], word[1]);
  const auto *elements = static_cast<const std::byte *>(output.aligned);
  for (int64_t r = 0; r < matrix.rows; ++r)
    for (int64_t c = 0; c < matrix.cols; ++c)
      matrix.at(r, c) = load(elements + (output.offset + r * word[2] + c * word[3]) * bytesOf(element), element);
  std::free(output.allocated);
  return matrix;
}
