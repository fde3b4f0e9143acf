#include "runtime/Constraint/CreateConstraint.h"

#include "Support/File.h"
#include "Support/Text.h"
#include "runtime/Constraint/CorpusConstraint.h"
#include "runtime/Constraint/JsonSchema.h"
#include "runtime/Constraint/PatternConstraint.h"
#include "runtime/Model.h"

namespace yoke {

static constexpr size_t maxSchemaBytes = size_t(1) << 24, maxCorpusBytes = size_t(1) << 30;

const char *const constraintHelp =
    "only texts of this kind: regex=PATTERN, json-schema=FILE or corpus=FILE (one document a line)";

Result<std::unique_ptr<Constraint>> createConstraint(std::string_view spec, const Model &model) {
  const size_t equals = spec.find('=');
  const std::string_view kind = spec.substr(0, equals);
  const std::string value(equals == spec.npos ? std::string_view() : spec.substr(equals + 1));
  if (equals == spec.npos || (kind != "regex" && kind != "json-schema" && kind != "corpus"))
    return usageError("constraint {}: expected regex=PATTERN, json-schema=FILE or corpus=FILE", quote(spec));
  if (!model.tokenizer)
    return failed("{}: has no tokenizer, so that texts cannot be constrained", model.path);
  if (kind == "regex")
    return PatternConstraint::create(value, *model.tokenizer);
  if (kind == "json-schema")
    return PatternConstraint::create(YOKE_TRY(patternOfJsonSchema(YOKE_TRY(readFile(value, maxSchemaBytes)), value)),
                                     *model.tokenizer);
  return CorpusConstraint::create(YOKE_TRY(readFile(value, maxCorpusBytes)), *model.tokenizer, value);
}

} // namespace yoke
