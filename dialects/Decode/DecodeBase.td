#ifndef YOKE_DECODE_BASE_TD
#define YOKE_DECODE_BASE_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"

def Decode_Dialect : Dialect {
  let name = "decode";
  let cppNamespace = "::yoke::decode";
  let summary = "How text is made: drafts, their verification, and the loop around them";
  let description = [{
    A `decode.loop` makes text step by step. In each step something guesses how the text goes on, as a tree of tokens below the last one
    (`decode.draft`, or `decode.heads` and `decode.tree`); one call of the model evaluates all of its nodes (`decode.verify`); a path from the root is
    accepted (`decode.accept`), and the cache keeps the path alone (`decode.commit`). Plain decoding is the tree that is a root alone.

    Values stand for what lives in memory: a `!decode.text` for the tokens and the rules of one request, a `!decode.draft_state` for what a drafter
    knows, the `llm` dialect's cache for keys and values. An op that changes one returns the changed one, so that programs can be
    rewritten by their values alone; the lowering, which works in place, refuses a program that reads a value after it changed.

    Before a step all tokens of the text but the last are in the cache.
  }];
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
  let dependentDialects = ["::yoke::llm::LLMDialect"];
  let extraClassDeclaration = [{
    void registerTypes();
    void registerAttributes();
  }];
}

#endif // YOKE_DECODE_BASE_TD
