//===- DecodeTopology.cpp - trees of fixed shape --------------------------===//
#include "Decode/Decode.h"

#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace yoke;
using namespace yoke::decode;

#define GET_ATTRDEF_CLASSES
#include "Decode/DecodeAttrs.cpp.inc"

void DecodeDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "Decode/DecodeAttrs.cpp.inc"
      >();
}

static TopologyAttr topologyOf(MLIRContext *context, const TreeTopology &tree) {
  return TopologyAttr::get(context, tree);
}

/// `<` (name | (`[` rank, ... `]`), ...) `>`
Attribute TopologyAttr::parse(AsmParser &parser, Type) {
  llvm::SMLoc begin = parser.getCurrentLocation();
  if (parser.parseLess())
    return {};
  StringRef name;
  if (succeeded(parser.parseOptionalKeyword(&name))) {
    const TreeTopology *tree = namedTopology(std::string_view(name.data(), name.size()));
    if (!tree) {
      parser.emitError(begin) << "expected paths, mc_sim_7b_63 or token_recycling, found " << name;
      return {};
    }
    return parser.parseGreater() ? Attribute() : topologyOf(parser.getContext(), *tree);
  }
  std::vector<std::vector<int32_t>> paths;
  while (failed(parser.parseOptionalGreater())) {
    if (!paths.empty() && parser.parseComma())
      return {};
    std::vector<int32_t> &path = paths.emplace_back();
    auto parseRank = [&]() -> ParseResult { return parser.parseInteger(path.emplace_back()); };
    if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, parseRank))
      return {};
  }
  Result<TreeTopology> tree = TreeTopology::fromPaths(std::move(paths));
  if (!tree) {
    parser.emitError(begin) << tree.error().message;
    return {};
  }
  return topologyOf(parser.getContext(), *tree);
}

void TopologyAttr::print(AsmPrinter &printer) const {
  printer << '<';
  SmallVector<SmallVector<int32_t>> paths(1);
  for (int64_t node = 1; node < getSize(); ++node) {
    SmallVector<int32_t> path = paths[getParents()[node]];
    path.push_back(getRanks()[node]);
    printer << (node > 1 ? ", [" : "[");
    llvm::interleaveComma(path, printer);
    printer << ']';
    paths.push_back(std::move(path));
  }
  printer << '>';
}

LogicalResult TopologyAttr::verify(function_ref<InFlightDiagnostic()> emitError, ArrayRef<int32_t> parents,
                                   ArrayRef<int32_t> ranks) {
  if (parents.empty() || parents.size() != ranks.size() || parents[0] != -1 || ranks[0] != -1)
    return emitError() << "expected a topology of a root, which has no parent and no rank, and of nodes with both";
  if (parents.size() > static_cast<size_t>(TreeTopology::maxNodes))
    return emitError() << "expected at most " << TreeTopology::maxNodes << " nodes, found " << parents.size();
  for (size_t node = 1; node < parents.size(); ++node) {
    if (parents[node] < 0 || parents[node] >= static_cast<int32_t>(node) || parents[node] < parents[node - 1])
      return emitError() << "expected node " << node << " after its parent, and siblings side by side, found parent "
                         << parents[node];
    bool hasOlderSibling = node > 1 && parents[node - 1] == parents[node];
    if (ranks[node] < 0 || (hasOlderSibling && ranks[node] <= ranks[node - 1]))
      return emitError() << "expected ranks of 0 or more that ascend among siblings, found " << ranks[node]
                         << " at node " << node;
  }
  return success();
}

TopologyAttr TopologyAttr::get(MLIRContext *context, const TreeTopology &tree) {
  return get(context, ArrayRef<int32_t>(tree.parents), ArrayRef<int32_t>(tree.ranks));
}

TreeTopology TopologyAttr::getTree() const {
  TreeTopology tree{{getParents().begin(), getParents().end()}, {0}, {getRanks().begin(), getRanks().end()}};
  for (int32_t parent : getParents().drop_front())
    tree.depths.push_back(tree.depths[parent] + 1);
  return tree;
}

int64_t TopologyAttr::getDepth() const { return getTree().depths.back(); }

SmallVector<int32_t> TopologyAttr::getFirstChildren() const {
  SmallVector<int32_t> first(getSize(), 0);
  for (int64_t node = getSize() - 1; node > 0; --node)
    first[getParents()[node]] = static_cast<int32_t>(node);
  return first;
}

SmallVector<int32_t> TopologyAttr::getChildCounts() const {
  SmallVector<int32_t> counts(getSize(), 0);
  for (int32_t parent : getParents().drop_front())
    ++counts[parent];
  return counts;
}

TopologyAttr TopologyAttr::keeping(function_ref<bool(int64_t)> keep) const {
  SmallVector<int32_t> parents = {-1}, ranks = {-1}, place(getSize(), -1);
  place[0] = 0;
  for (int64_t node = 1; node < getSize(); ++node) {
    int32_t parent = place[getParents()[node]];
    if (parent < 0 || !keep(node))
      continue;
    place[node] = static_cast<int32_t>(parents.size());
    parents.push_back(parent);
    ranks.push_back(getRanks()[node]);
  }
  return get(getContext(), parents, ranks);
}
