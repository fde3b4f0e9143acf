// The `decoder` of a tokenizer.json: turns tokens back into text, token by token.
#pragma once

#include "Support/Json.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace yoke {

/// One step of a chain. A token comes in one or more chunks, the first of which `begins` it and the last of which
/// `ends` it.
class DecodeStage {
public:
  virtual ~DecodeStage() = default;
  virtual void feed(std::string_view chunk, bool begins, bool ends) = 0;
  /// No more tokens: passes on what was held back.
  virtual void finish() = 0;
};

/// What `Decoder::start` made, in the order in which text flows.
using DecodeChain = std::vector<std::unique_ptr<DecodeStage>>;

/// An immutable description of a step, from which working stages are made.
class Decoder {
public:
  virtual ~Decoder() = default;
  /// Appends stages to `chain` whose output goes to `next`, and returns the first of them; the last must be appended
  /// first. The stages refer to this decoder and to `next`.
  virtual DecodeStage &start(DecodeStage &next, DecodeChain &chain) const = 0;
};

/// ByteLevel, Metaspace, ByteFallback, Fuse, Strip, Replace, BPEDecoder, WordPiece, CTC or Sequence, by the member
/// `type`. Without a config: tokens are joined with spaces.
Result<std::unique_ptr<Decoder>> makeDecoder(const JsonObject *config);

} // namespace yoke
