#ifndef YOKE_DECODE_TYPES_TD
#define YOKE_DECODE_TYPES_TD

include "Decode/DecodeAttrs.td"

class Decode_Type<string name, string typeMnemonic> : TypeDef<Decode_Dialect, name> {
  let mnemonic = typeMnemonic;
}

def Decode_TextType : Decode_Type<"Text", "text"> {
  let summary = "the text of one request so far, and how it is to go on";
  let description = [{
    Its tokens (prompt and generated), how the next one is chosen (sampler, penalties, constraint), and where it ends (end tokens, stop strings, number of
    tokens). A text that has ended takes no more tokens.
  }];
}

def Decode_DraftStateType : Decode_Type<"DraftState", "draft_state"> {
  let summary = "what a drafter knows";
  let description = [{
    Tables of tokens, an automaton, a draft model's cache; it may outlive the request. Example: `!decode.draft_state<prompt_lookup>`
  }];
  let parameters = (ins EnumParameter<Decode_DrafterKind>:$kind);
  let assemblyFormat = "`<` $kind `>`";
}

def Decode_TreeType : Decode_Type<"Tree", "tree"> {
  let summary = "guessed tokens below the last token of a text";
  let description = [{
    At most `nodes` nodes, the root included, of at most `depth` edges from the root; how many there are, and which is whose parent, may differ from step
    to step. Example: `!decode.tree<nodes = 64, depth = 10>`

    Constraints: 0 <= depth < nodes <= 1024.
  }];
  let parameters = (ins "int64_t":$nodes, "int64_t":$depth);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def Decode_PathType : Decode_Type<"Path", "path"> {
  let summary = "the accepted nodes of a tree, from the root on";
  let description = [{
    One more than the number of guesses that are kept; at most `depth` of these. Example: `!decode.path<depth = 10>`
  }];
  let parameters = (ins "int64_t":$depth);
  let assemblyFormat = "`<` struct(params) `>`";
}

#endif // YOKE_DECODE_TYPES_TD
