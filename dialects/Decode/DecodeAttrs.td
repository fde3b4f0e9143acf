#ifndef YOKE_DECODE_ATTRS_TD
#define YOKE_DECODE_ATTRS_TD

include "Decode/DecodeBase.td"

class Decode_Enum<string name, string summary, list<I32EnumAttrCase> cases> : I32EnumAttr<name, summary, cases> {
  let cppNamespace = "::yoke::decode";
  let genSpecializedAttr = 0;
}

def Decode_DrafterKind : Decode_Enum<"DrafterKind", "what guesses tokens", [
  I32EnumAttrCase<"prompt_lookup", 0>,     // what followed the last few tokens before
  I32EnumAttrCase<"ngram", 1>,             // a suffix automaton of the text
  I32EnumAttrCase<"token_recycling", 2>,   // a table of the model's best successors of each token
  I32EnumAttrCase<"adaptive", 3>,          // tri-grams that drift towards the text (ADED)
  I32EnumAttrCase<"combined", 4>,          // ngram and token_recycling in one tree
  I32EnumAttrCase<"draft_model", 5>,       // a smaller model
  I32EnumAttrCase<"medusa", 6>,            // heads that guess independently of each other
  I32EnumAttrCase<"hydra", 7>,             // heads that see the tokens guessed before
  I32EnumAttrCase<"eagle", 8>              // a layer that guesses the next hidden row
]>;
def Decode_DrafterKindAttr : EnumAttr<Decode_Dialect, Decode_DrafterKind, "drafter">;

def Decode_Acceptance : Decode_Enum<"Acceptance", "which guesses are kept", [
  I32EnumAttrCase<"greedy", 0>,            // those that are the most probable token
  I32EnumAttrCase<"sampled", 1>,           // those that the text's own sampler draws at their position
  I32EnumAttrCase<"typical", 2>            // those that are probable enough, see decode.accept
]>;
def Decode_AcceptanceAttr : EnumAttr<Decode_Dialect, Decode_Acceptance, "acceptance">;

def Decode_TopologyAttr : AttrDef<Decode_Dialect, "Topology"> {
  let mnemonic = "topology";
  let summary = "a tree of guesses whose shape is fixed before its tokens are known";
  let description = [{
    Written as the paths of its nodes, in any order: `[0, 2]` is the third-best guess below the best guess below the root. The root is not written. A
    published tree may be named instead: `mc_sim_7b_63` (Medusa), `token_recycling` (the template of 80 nodes).

    Node 0 is the root, the others follow by depth, then by path, so that a node comes after its parent and the children of a node
    are neighbours. Everything else folds from that: depths, the runs of children, which nodes are a node's ancestors.

    Example: `#decode.topology<[0], [1], [0, 0], [0, 1]>`

    Constraints: the path to each node's parent is there; no path is there twice; ranks are 0 or more; at most 1024 nodes.
  }];
  let parameters = (ins ArrayRefParameter<"int32_t">:$parents, ArrayRefParameter<"int32_t">:$ranks);
  let builders = [AttrBuilder<(ins "const ::yoke::TreeTopology &":$tree)>];
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    ::yoke::TreeTopology getTree() const;
    /// Nodes, the root included.
    int64_t getSize() const { return getParents().size(); }
    /// Edges to the deepest node.
    int64_t getDepth() const;
    /// For each node the first of its children, and how many there are; children are neighbours.
    ::llvm::SmallVector<int32_t> getFirstChildren() const;
    ::llvm::SmallVector<int32_t> getChildCounts() const;
    /// Without the nodes for which `keep` is false, and all below them.
    TopologyAttr keeping(::llvm::function_ref<bool(int64_t node)> keep) const;
  }];
}

#endif // YOKE_DECODE_ATTRS_TD
