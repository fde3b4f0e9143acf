#pragma once

#include "Support/Error.h"

#include <string>
#include <string_view>

namespace yoke {

/// A pattern (see parsePattern) of JSON texts that a schema (JSON Schema 2020-12) accepts: properties in the schema's
/// order, a single optional space after `:` and `,`, no properties beside those named, values without a type nested at
/// most three deep. Supported: type, enum, const, properties, required, items, minItems, maxItems, minLength,
/// maxLength, pattern, anyOf, oneOf (as anyOf), $ref into the same document as long as it is not recursive. Errors
/// (Malformed): everything else that would restrict values, all of it at once, named by its place.
Result<std::string> patternOfJsonSchema(std::string_view schema, std::string_view source);

} // namespace yoke
