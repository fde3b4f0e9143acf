#include "Checkpoint/Checkpoint.h"
#include "Interpreter/Weights.h"

using namespace yoke;

static Result<Matrix> readTensor(const Checkpoint &checkpoint, llvm::StringRef name) {
  const TensorInfo *tensor = checkpoint.find(std::string_view(name));
  if (!tensor)
    return malformed("{}: there is no tensor {}", checkpoint.folder(), name.str());
  if (tensor->shape.size() < 1 || tensor->shape.size() > 3)
    return malformed("{}: {}: expected rank 1 to 3, found {}", checkpoint.folder(), name.str(), tensor->shape.size());
  if (!isConvertibleToFloat(tensor->dtype))
    return malformed("{}: {}: {} is not a type of weights", checkpoint.folder(), name.str(), dtypeName(tensor->dtype));
  int64_t cols = tensor->shape.size() == 1 ? 1 : tensor->shape.back();
  Matrix result(cols == 0 ? 0 : tensor->elementCount() / cols, cols);
  convertToFloat(tensor->dtype, checkpoint.bytes(*tensor), result.data);
  return result;
}

WeightProvider yoke::checkpointWeights(const Checkpoint &checkpoint) {
  return piecewiseWeights([&checkpoint](llvm::StringRef name) { return readTensor(checkpoint, name); });
}
