// The `post_processor` of a tokenizer.json: puts special tokens around the ids of a text.
#pragma once

#include "Support/Json.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace yoke {

/// The ids in the groups that post-processors see; after a template, each of its parts is a group of its own.
using TokenGroups = std::vector<std::vector<int32_t>>;

class PostProcessor {
public:
  virtual ~PostProcessor() = default;
  virtual Status apply(TokenGroups &groups, bool addSpecialTokens) const = 0;
  /// The largest id that may be added, or -1.
  virtual int32_t maxId() const = 0;
};

/// TemplateProcessing, ByteLevel, BertProcessing, RobertaProcessing or Sequence, by the member `type`.
Result<std::unique_ptr<PostProcessor>> makePostProcessor(const JsonObject &config);

} // namespace yoke
