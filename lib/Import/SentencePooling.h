//===- SentencePooling.h - how sentence-transformers ends an encoder ------===//
#ifndef YOKE_LIB_IMPORT_SENTENCEPOOLING_H
#define YOKE_LIB_IMPORT_SENTENCEPOOLING_H

#include "Checkpoint/Checkpoint.h"
#include "LLM/LLM.h"

namespace yoke::import {

struct SentencePooling {
  llm::PoolKind kind = llm::PoolKind::mean;
  bool normalize = false;
};

/// Reads modules.json and the config.json of its Pooling module. Without modules.json: the mean, not normalised.
/// Errors (Malformed): a module or pooling mode that is not supported.
Result<SentencePooling> readSentencePooling(const Checkpoint &checkpoint, int64_t hidden);

} // namespace yoke::import

#endif // YOKE_LIB_IMPORT_SENTENCEPOOLING_H
