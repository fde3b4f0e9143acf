//===- SizeTrees.cpp - trees that pay on the machine they run on ----------===//
#include "Decode/DecodePasses.h"

#include "mlir/IR/Remarks.h"

namespace yoke {
#define GEN_PASS_DEF_SIZETREESPASS
#include "Decode/Passes.h.inc"
} // namespace yoke

using namespace mlir;
using namespace yoke;

/// What token recycling and heads find on the average.
static constexpr double usualAcceptance[] = {0.45, 0.15, 0.08, 0.05, 0.04, 0.03, 0.03, 0.02};

namespace {
struct SizeTreesPass : yoke::impl::SizeTreesPassBase<SizeTreesPass> {
  using Base::Base;

  void runOnOperation() override {
    if (acceptance.empty())
      acceptance = ArrayRef(usualAcceptance);
    for (double probability : acceptance)
      if (!(probability >= 0 && probability <= 1)) {
        getOperation()->emitError("expected acceptance from 0 to 1, found ") << probability;
        return signalPassFailure();
      }
    getOperation()->walk([&](decode::LoopOp loop) {
      if (!loop.getCosts())
        return;
      for (Operation &op : llvm::make_early_inc_range(loop.getBody().front()))
        if (auto tree = dyn_cast<decode::TreeOp>(op))
          resize(loop, tree, tree.getTopology());
        else if (auto draft = dyn_cast<decode::DraftOp>(op); draft && draft.getTopology())
          resize(loop, draft, *draft.getTopology());
    });
  }

private:
  /// Probability that a node is accepted: of its rank, given its parent.
  SmallVector<double> reached(decode::TopologyAttr topology) const {
    SmallVector<double> result = {1};
    for (int64_t node = 1; node < topology.getSize(); ++node) {
      auto rank = static_cast<size_t>(topology.getRanks()[node]);
      double given = rank < acceptance.size() ? acceptance[rank] : 0;
      result.push_back(given * result[topology.getParents()[node]]);
    }
    return result;
  }

  /// The nodes, most probable first, up to where tokens per cost are most.
  decode::TopologyAttr best(decode::LoopOp loop, decode::TopologyAttr topology) const {
    SmallVector<double> probability = reached(topology);
    SmallVector<int64_t> order = llvm::to_vector(llvm::seq<int64_t>(1, topology.getSize()));
    llvm::sort(order, [&](int64_t a, int64_t b) {
      return probability[a] != probability[b] ? probability[a] > probability[b] : a < b;
    });
    double tokens = 1, bestRate = 1 / *loop.costOf(1);
    size_t size = 0;
    for (auto [index, node] : llvm::enumerate(order)) {
      tokens += probability[node];
      double rate = tokens / *loop.costOf(static_cast<int64_t>(index) + 2);
      if (rate > bestRate) {
        bestRate = rate;
        size = index + 1;
      }
    }
    SmallVector<bool> keep(topology.getSize(), false);
    for (int64_t node : ArrayRef(order).take_front(size))
      keep[node] = true;
    return topology.keeping([&](int64_t node) { return keep[node]; });
  }

  template <typename OpTy> void resize(decode::LoopOp loop, OpTy op, decode::TopologyAttr topology) {
    decode::TopologyAttr smaller = best(loop, topology);
    if (smaller == topology)
      return;
    remark::passed(op.getLoc(), remark::RemarkOpts::name("SizedTree").category("yoke-decode"))
        << std::to_string(smaller.getSize()) << " of " << std::to_string(topology.getSize()) << " nodes pay";
    op.setTopologyAttr(smaller);
    auto type = decode::TreeType::get(&getContext(), smaller.getSize(), smaller.getDepth());
    op.getTree().setType(type);
    auto path = decode::PathType::get(&getContext(), smaller.getDepth());
    for (Operation *reader : op->getUsers())
      if (auto accept = dyn_cast<decode::AcceptOp>(reader))
        accept.getPath().setType(path);
  }
};
} // namespace
