// The parts of a loaded tokenizer.
#pragma once

#include "Tokenizer/AddedTokens.h"
#include "Tokenizer/Decoder.h"
#include "Tokenizer/PostProcessor.h"
#include "Tokenizer/PreTokenizer.h"
#include "Tokenizer/Tokenizer.h"

namespace yoke {

struct Tokenizer::Parts {
  std::string name;
  std::unique_ptr<Normalizer> normalizer;       ///< may be null
  std::unique_ptr<PreTokenizer> preTokenizer;   ///< may be null
  std::unique_ptr<PostProcessor> postProcessor; ///< may be null
  std::unique_ptr<Decoder> decoder;
  std::unique_ptr<Model> model;
  AddedTokens added;
};

} // namespace yoke
