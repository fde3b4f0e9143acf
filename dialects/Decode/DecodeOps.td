#ifndef YOKE_DECODE_OPS_TD
#define YOKE_DECODE_OPS_TD

include "Decode/DecodeTypes.td"
include "LLM/LLMTypes.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class Decode_Rows<list<Type> elements, string summary> : Type<
    And<[TensorRankOf<elements, [2]>.predicate,
         CPred<"!::llvm::cast<::mlir::RankedTensorType>($_self).isDynamicDim(1)">]>, summary, "::mlir::RankedTensorType">;

def Decode_Floats : Decode_Rows<[F32], "rows of float32, tensor<?xDxf32>">;
def Decode_Ids : Decode_Rows<[I32], "rows of tokens, tensor<?xkxi32>">;
def Decode_Results : AnyTypeOf<[Decode_Floats, Decode_Ids]>;

class Decode_Op<string mnemonic, list<Trait> traits = []> : Op<Decode_Dialect, mnemonic, traits>;
class Decode_PureOp<string mnemonic, list<Trait> traits = []> : Decode_Op<mnemonic, !listconcat([Pure], traits)>;

//===----------------------------------------------------------------------===//
// The loop
//===----------------------------------------------------------------------===//

def Decode_LoopOp : Decode_Op<"loop", [IsolatedFromAbove, SingleBlock, RecursiveMemoryEffects]> {
  let summary = "steps until a text has ended";
  let description = [{
    The region is one step; its arguments are what is carried, first the operands, then what the step before gave to `decode.yield`. No step is taken once
    the carried `!decode.text` has ended. What is carried besides is up to the drafter: its state, hidden rows, the cache.

    `cost_rows` and `costs`, when given, say what a call of the model costs, measured: `costs[i]` for `cost_rows[i]` rows, in units of the call with one.

    Example, plain greedy decoding:
    ```mlir
    %end:2 = decode.loop(%text, %cache) : (!decode.text, !llm.kv_cache<layers = 2, heads = 2, head_dim = 8, f32>)
        -> (!decode.text, !llm.kv_cache<layers = 2, heads = 2, head_dim = 8, f32>) {
    ^bb0(%t: !decode.text, %c: !llm.kv_cache<layers = 2, heads = 2, head_dim = 8, f32>):
      %root = decode.tree <> of %t : (!decode.text) -> !decode.tree<nodes = 1, depth = 0>
      %logits, %c1 = decode.verify @step(%root, %t, %c) : (!decode.tree<nodes = 1, depth = 0>, !decode.text, !llm.kv_cache<layers = 2, heads = 2, head_dim = 8, f32>)
          -> (tensor<?x100xf32>, !llm.kv_cache<layers = 2, heads = 2, head_dim = 8, f32>)
      %t1 = decode.sample greedy(%logits), %t : (tensor<?x100xf32>)
      decode.yield %t1, %c1 : !decode.text, !llm.kv_cache<layers = 2, heads = 2, head_dim = 8, f32>
    }
    ```

    Constraints: exactly one text is carried; the region's arguments, the operands, what is yielded and the results have the same types; `cost_rows`
    ascends from 1, and `costs` has as many positive numbers.
  }];
  let arguments = (ins Variadic<AnyType>:$inits, OptionalAttr<DenseI64ArrayAttr>:$cost_rows, OptionalAttr<DenseF64ArrayAttr>:$costs);
  let results = (outs Variadic<AnyType>:$ends);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "`(` $inits `)` attr-dict `:` functional-type($inits, $ends) $body";
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    /// What a call with `rows` rows costs in units of one with one row: straight lines between what was measured, and the last one's slope
    /// beyond. Nothing when it was not measured.
    std::optional<double> costOf(int64_t rows);
  }];
}

def Decode_YieldOp : Decode_PureOp<"yield", [Terminator, ReturnLike, HasParent<"LoopOp">]> {
  let summary = "what a step hands to the next";
  let arguments = (ins Variadic<AnyType>:$values);
  let assemblyFormat = "($values^ `:` type($values))? attr-dict";
}

//===----------------------------------------------------------------------===//
// Guesses
//===----------------------------------------------------------------------===//

def Decode_DraftOp : Decode_PureOp<"draft"> {
  let summary = "a tree of guesses by a drafter that has a state";
  let description = [{
    The tree's root is the last token of the text. Its size and shape are up to the drafter, within the bounds of the tree's type; with a `topology`
    (`token_recycling`) they are the topology's, without the nodes for which the table knows no token.

    `match`, `copied` (prompt_lookup): tokens that have to match, tokens that are copied. `longest` (ngram): of the n-grams. `monte_carlo` (adaptive): how its
    tri-grams are searched. `model` (draft_model): the package.

    Example: `%tree = decode.draft prompt_lookup %t, %s {match = 3, copied = 10} : !decode.draft_state<prompt_lookup> -> !decode.tree<nodes = 11, depth = 10>`

    Constraints: the state is one of this kind; the kind has a state (medusa, hydra and eagle are `decode.heads`); each attribute is one of the
    kind's; numbers are positive; a topology fits the tree's type; a draft_model names its model.
  }];
  let arguments = (ins Decode_DrafterKindAttr:$kind, Decode_TextType:$text, Decode_DraftStateType:$state,
                       OptionalAttr<I64Attr>:$match, OptionalAttr<I64Attr>:$copied, OptionalAttr<I64Attr>:$longest,
                       OptionalAttr<Decode_TopologyAttr>:$topology, UnitAttr:$monte_carlo, OptionalAttr<StrAttr>:$model);
  let results = (outs Decode_TreeType:$tree);
  let assemblyFormat = "`` $kind $text `,` $state attr-dict `:` type($state) `->` type($tree)";
  let hasVerifier = 1;
}

def Decode_HeadsOp : Decode_PureOp<"heads", [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "the best guesses of trained heads, row by row";
  let description = [{
    Calls a function of the module that takes rows of hidden values (and, for heads that see more, what else it needs, row by row), and returns for each head its
    best guesses, the best first: [T, width] each, of head i for the token i + 2 places ahead.

    Example: `%c:2 = decode.heads medusa @draft_heads(%h) : (tensor<?x64xf32>) -> (tensor<?x10xi32>, tensor<?x10xi32>)`

    Constraints: the kind is medusa, hydra or eagle; the function exists, takes the operands' types and returns the results'; there is a head.
  }];
  let arguments = (ins Decode_DrafterKindAttr:$kind, FlatSymbolRefAttr:$callee, Variadic<AnyRankedTensor>:$inputs);
  let results = (outs Variadic<Decode_Ids>:$candidates);
  let assemblyFormat = "`` $kind $callee `(` $inputs `)` attr-dict `:` functional-type($inputs, $candidates)";
  let hasVerifier = 1;
}

def Decode_TreeOp : Decode_PureOp<"tree"> {
  let summary = "a tree of fixed shape below the last token of a text";
  let description = [{
    A node of depth d and rank r gets the token of column r of operand d - 1 of the `candidates`, each one row. The tree of the root alone has no
    candidates.

    Example:
    ```mlir
    %tree = decode.tree <[0], [1], [0, 0]> of %t from %c#0, %c#1
        : (!decode.text, tensor<?x10xi32>, tensor<?x10xi32>) -> !decode.tree<nodes = 4, depth = 2>
    ```

    Constraints: the topology is no deeper than there are candidates and no rank is beyond their width; the result's nodes and depth are the topology's.
  }];
  let arguments = (ins Decode_TopologyAttr:$topology, Decode_TextType:$text, Variadic<Decode_Ids>:$candidates);
  let results = (outs Decode_TreeType:$tree);
  let assemblyFormat = "$topology `of` $text (`from` $candidates^)? attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def Decode_LearnOp : Decode_PureOp<"learn", [AllTypesMatch<["state", "new_state"]>]> {
  let summary = "what a step teaches a drafter";
  let description = [{
    The rows are those of all nodes of the tree, accepted or not: logits, or the logits of the best tokens, best first, and these tokens. It comes before
    the `decode.accept` of the step, whose sampler works on the logits in place.

    Example: `%s1 = decode.learn %s, %tree, (%logits) : !decode.draft_state<token_recycling>, !decode.tree<nodes = 81, depth = 6>, (tensor<?x100xf32>)`

    Constraints: rows are logits alone, or values and tokens of as many columns.
  }];
  let arguments = (ins Decode_DraftStateType:$state, Decode_TreeType:$tree, Variadic<Decode_Results>:$rows);
  let results = (outs Decode_DraftStateType:$new_state);
  let assemblyFormat = "$state `,` $tree `,` `(` $rows `)` attr-dict `:` type($state) `,` type($tree) `,` `(` type($rows) `)`";
  let hasVerifier = 1;
}

def Decode_TopKOp : Decode_PureOp<"top_k"> {
  let summary = "the largest elements of each row, and where they stand";
  let description = [{
    x: [T, V], values and ids: [T, k]. The largest first; of equals the one of the lower column. NaN counts as larger than all, so that a row which holds
    one begins with it; minus infinity is never among them: where a row has fewer other elements, it goes on with minus infinity and -1. Behind
    `llm.lm_head` it becomes part of the head's kernel, and the logits are never written.

    Example: `%values, %ids = decode.top_k %logits : tensor<?x49152xf32> -> tensor<?x8xf32>, tensor<?x8xi32>`

    Constraints: values and ids have as many columns, 1 <= k <= V.
  }];
  let arguments = (ins Decode_Floats:$x);
  let results = (outs Decode_Floats:$values, Decode_Ids:$ids);
  let assemblyFormat = "$x attr-dict `:` type($x) `->` type($values) `,` type($ids)";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    int64_t getK() { return getIds().getType().getDimSize(1); }
  }];
}

//===----------------------------------------------------------------------===//
// The model, and what is kept
//===----------------------------------------------------------------------===//

def Decode_VerifyOp : Decode_PureOp<"verify", [DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "one call of the model for all nodes of a tree";
  let description = [{
    Calls a step of the `llm` dialect, `(tensor<?xi32>, !llm.batch, cache) -> (rows..., cache)`, with the tokens of the tree, and asks for the rows of all of
    them: node i stands at the position of the root plus its depth, its key and value go to the slot of the root plus i, and it sees the text and its
    ancestors. What the rows are is the function's matter: logits, the best tokens and their logits (see `--yoke-fuse-head`), hidden values.

    `buckets` are numbers of nodes for which there is a step of its own, `@<callee>_r<nodes>`, that computes the same (see `--yoke-specialise-rows`).

    Example: see `decode.loop`.

    Constraints: the function exists and has such a type; the results have the types of its results; the cache is one that it takes; the steps of
    buckets exist and have the same type; buckets ascend from 1 or more.
  }];
  let arguments = (ins FlatSymbolRefAttr:$callee, Decode_TreeType:$tree, Decode_TextType:$text, LLM_KVCacheType:$cache,
                       OptionalAttr<DenseI64ArrayAttr>:$buckets);
  let results = (outs Variadic<Decode_Results>:$rows, LLM_KVCacheType:$new_cache);
  let assemblyFormat = "$callee `(` $tree `,` $text `,` $cache `)` attr-dict `:` functional-type(operands, results)";
}

def Decode_AcceptOp : Decode_PureOp<"accept"> {
  let summary = "the guesses that are kept, and the text with them and one token more";
  let description = [{
    Walks down from the root: at each node a token is chosen from its row and added to the text; the walk goes on at the child with this token, and
    ends where there is none, or the text has ended.

    - `greedy`: the most probable token, the lowest of equals. Rows are logits, or the logits of the best tokens, best first, and these tokens.
    - `sampled`: what the text's own sampler draws, with the random number of the position. The text is the one that decoding without guesses
      gives, to the last token, which keeps the distribution too.
    - `typical` (Cai et al., 2024): of the children whose probability is above min(epsilon, delta * exp(-entropy)) the most probable one; without such a child the most probable
      token. This does not keep the distribution.

    Example: `%path, %t1 = decode.accept greedy %tree, (%logits), %t : !decode.tree<nodes = 11, depth = 10>, (tensor<?x100xf32>) -> !decode.path<depth = 10>`

    Constraints: rows are logits alone, or values and tokens of as many columns; the path's depth is the tree's; all but greedy need logits; epsilon and delta are given for typical, and only there, from 0 to 1.
  }];
  let arguments = (ins Decode_AcceptanceAttr:$policy, Decode_TreeType:$tree, Variadic<Decode_Results>:$rows, Decode_TextType:$text,
                       OptionalAttr<F32Attr>:$epsilon, OptionalAttr<F32Attr>:$delta);
  let results = (outs Decode_PathType:$path, Decode_TextType:$new_text);
  let assemblyFormat = "`` $policy $tree `,` `(` $rows `)` `,` $text attr-dict `:` type($tree) `,` `(` type($rows) `)` `->` type($path)";
  let hasVerifier = 1;
}

def Decode_SampleOp : Decode_PureOp<"sample"> {
  let summary = "the text with one token more, chosen from a row";
  let description = [{
    `decode.accept` for a tree of the root alone.

    Example: `%t1 = decode.sample sampled(%logits), %t : (tensor<?x100xf32>)`

    Constraints: rows as for `decode.accept`; the policy is greedy or sampled; sampled needs logits.
  }];
  let arguments = (ins Decode_AcceptanceAttr:$policy, Variadic<Decode_Results>:$rows, Decode_TextType:$text);
  let results = (outs Decode_TextType:$new_text);
  let assemblyFormat = "`` $policy `(` $rows `)` `,` $text attr-dict `:` `(` type($rows) `)`";
  let hasVerifier = 1;
}

def Decode_PickOp : Decode_PureOp<"pick", [AllTypesMatch<["rows", "row"]>]> {
  let summary = "the row of the last accepted node";
  let description = [{
    Example: `%h1 = decode.pick %hidden at %path : tensor<?x64xf32>, !decode.path<depth = 10>`
  }];
  let arguments = (ins Decode_Results:$rows, Decode_PathType:$path);
  let results = (outs Decode_Results:$row);
  let assemblyFormat = "$rows `at` $path attr-dict `:` type($rows) `,` type($path)";
}

def Decode_CommitOp : Decode_PureOp<"commit", [AllTypesMatch<["cache", "new_cache"]>]> {
  let summary = "keeps the keys and values of a path";
  let description = [{
    Node j of the path moves from its slot to slot j behind the text; the other nodes are forgotten. Keys need no new rotation, since a node's position
    is that of its depth.

    Example: `%c2 = decode.commit %path, %c1 : !decode.path<depth = 10>, !llm.kv_cache<layers = 2, heads = 2, head_dim = 8, f32>`
  }];
  let arguments = (ins Decode_PathType:$path, LLM_KVCacheType:$cache);
  let results = (outs LLM_KVCacheType:$new_cache);
  let assemblyFormat = "$path `,` $cache attr-dict `:` type($path) `,` type($cache)";
}

#endif // YOKE_DECODE_OPS_TD
