#pragma once

#include "runtime/Constraint/Constraint.h"

#include <memory>
#include <string_view>

namespace yoke {

struct Model;

/// One line of help.
extern const char *const constraintHelp;

/// Reads regex=PATTERN, json-schema=FILE or corpus=FILE. Errors: Usage (anything else); Malformed (pattern, schema,
/// corpus); Failed (a package without a tokenizer).
Result<std::unique_ptr<Constraint>> createConstraint(std::string_view spec, const Model &model);

} // namespace yoke
