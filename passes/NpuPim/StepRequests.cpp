//===- StepRequests.cpp - the requests and the shape of a step ------------===//
#include "NpuPim/StepRequests.h"

#include "LLM/LLM.h"
#include "MoE/MoE.h"
#include "Partition/StepClass.h"

using namespace mlir;
using namespace yoke;

Result<std::vector<sim::Request>> yoke::requestsOf(func::FuncOp step, const Target &target, int64_t context,
                                                   const std::string &batchFile) {
  StepClass size = StepClass::of(step);
  if (batchFile.empty())
    return std::vector<sim::Request>(static_cast<size_t>(size.sequences), {context + size.tokens, -1, size.tokens});
  std::vector<sim::Request> requests = YOKE_TRY(sim::loadBatch(batchFile, target.memory->channels));
  if (static_cast<int64_t>(requests.size()) != size.sequences)
    return malformed("{}: expected the {} requests of the class {}, found {}", batchFile, size.sequences, size.name(),
                     requests.size());
  for (sim::Request &request : requests) {
    if (request.length < size.tokens)
      return malformed("{}: expected requests of at least the {} new tokens of the class, found {}", batchFile,
                       size.tokens, request.length);
    request.rows = size.tokens;
  }
  return requests;
}

int64_t yoke::headRows(func::FuncOp step) {
  constexpr int64_t treeTokens = 64; // steps of more tokens a sequence want the logits of the last one
  StepClass size = StepClass::of(step);
  return size.tokens <= treeTokens ? size.rows() : size.sequences;
}

namespace {
/// What a walk over the ops of a step finds.
struct Findings {
  int64_t matrixElements = 0, hidden = 0;
  bool gated = false, rotary = false, experts = false, headMatrices = false;
  SmallVector<llm::AttentionOp> attentions;
  llm::LmHeadOp head;

  explicit Findings(func::FuncOp step) {
    step.walk([&](Operation *op) {
      if (auto linear = dyn_cast<llm::LinearOp>(op))
        matrixElements += linear.getWeight().getType().getNumElements();
      else if (auto attention = dyn_cast<llm::AttentionOp>(op))
        attentions.push_back(attention);
      else if (isa<llm::GatedOp, llm::ActivationOp>(op)) {
        gated |= isa<llm::GatedOp>(op);
        hidden = cast<RankedTensorType>(op->getResult(0).getType()).getDimSize(1);
      } else if (auto lmHead = dyn_cast<llm::LmHeadOp>(op))
        head = lmHead;
      rotary |= isa<llm::RopeOp>(op);
      experts |= isa<moe::ExpertsOp, moe::RouteOp>(op);
      headMatrices |= isa<llm::HeadLinearOp>(op);
    });
  }
};
} // namespace

Result<sim::ModelShape> yoke::decoderShape(func::FuncOp step, int64_t devices) {
  Findings found(step);
  std::string name = step.getName().str();
  if (found.experts)
    return malformed("@{}: a mixture of experts is no stack of equal decoder blocks", name);
  if (found.headMatrices)
    return malformed("@{}: attention with matrices of each head has no schedule of its own", name);
  if (found.attentions.empty() || !found.head || !found.hidden)
    return malformed("@{}: expected attention, feed-forward networks and a head", name);
  llm::AttentionOp first = found.attentions.front();
  for (llm::AttentionOp attention : found.attentions)
    if (!attention.getCache() || attention.getHeads() != first.getHeads() ||
        attention.getKvHeads() != first.getKvHeads() || attention.getHeadDim() != first.getHeadDim() ||
        attention.getWindow() != first.getWindow())
      return malformed("@{}: expected attention of one shape, window included, with a cache", name);
  auto head = cast<RankedTensorType>(found.head.getWeight().getType());
  sim::ModelShape shape;
  shape.name = name;
  shape.heads = static_cast<int64_t>(first.getHeads());
  shape.keyHeads = static_cast<int64_t>(first.getKvHeads());
  shape.headSize = first.getHeadDim();
  shape.width = head.getDimSize(1);
  shape.vocabulary = head.getDimSize(0);
  shape.layers = static_cast<int64_t>(found.attentions.size());
  shape.hidden = found.hidden;
  shape.gated = found.gated;
  shape.rotary = found.rotary;
  shape.window = static_cast<int64_t>(first.getWindow().value_or(0));
  if (shape.blockWeights() * shape.layers != found.matrixElements)
    return malformed("@{}: expected {} blocks of {} weights, found {} weights", name, shape.layers,
                     shape.blockWeights(), found.matrixElements);
  shape.tensorParallel = devices;
  YOKE_TRY(sim::checkParallelism(shape));
  return shape;
}
