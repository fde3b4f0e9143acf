// Strict JSON: what is accepted must survive being written and read again.
#include "Support/Json.h"

#include <cstdlib>

using namespace yoke;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::string_view text(reinterpret_cast<const char *>(data), size);
  Result<Json> strict = parseJson(text, "fuzz");
  if (strict) {
    Result<Json> again = parseJson(dumpJson(*strict), "fuzz");
    if (!again || *again != *strict)
      abort();
  }
  JsonLimits limits;
  limits.allowNonFinite = true;
  Result<Json> loose = parseJson(text, "fuzz", limits);
  if (strict && !loose)
    abort();
  if (!loose || !loose->is_object())
    return 0;
  JsonObject object = *JsonObject::from(*loose, "fuzz");
  for (const std::string &key : object.unknownKeys({})) {
    (void)object.integer(key, -10, 10);
    (void)object.number(key, -1.0, 1.0);
    (void)object.boolean(key);
    (void)object.string(key);
    (void)object.objects(key);
    (void)object.integers(key, 0, 1);
    (void)object.numbers(key, 0, 1);
    (void)object.strings(key);
    (void)object.choice(key, {"a", "b"});
  }
  return 0;
}
