// A manifest: what is accepted keeps the products that the runtime forms in range, and survives being written and read
// again.
#include "Package/Manifest.h"

#include <cstdlib>

using namespace yoke;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Result<Manifest> manifest = Manifest::parse({reinterpret_cast<const char *>(data), size}, "fuzz");
  if (!manifest)
    return 0;
  const StepDescription &step = manifest->step;
  if (step.arenaSize(step.maxThreads) < 0)
    abort();
  for (const KvLayer &layer : step.kvLayers) {
    int64_t bytes = layer.blockBytes(step.pageTokens);
    if (bytes <= 0 || bytes > step.pageBytes || layer.keyOffset > step.pageBytes - bytes ||
        layer.valueOffset > step.pageBytes - bytes)
      abort();
  }
  Result<Manifest> again = Manifest::parse(dumpJson(manifest->toJson()), "fuzz");
  if (!again || again->toJson() != manifest->toJson())
    abort();
  return 0;
}
