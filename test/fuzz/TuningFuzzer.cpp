// Files of tuned kernels from outside: what is accepted reads the same when it is written again.
#include "Tuning/TuningFile.h"

#include <cstdlib>

using namespace yoke;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  auto file = TuningFile::parse({reinterpret_cast<const char *>(data), size}, "fuzz");
  if (!file)
    return 0;
  for (const TunedKernel &kernel : file->kernels)
    for (const KernelChoice::Parameter &parameter : KernelChoice::parameters())
      if (int64_t value = kernel.choice.*parameter.value;
          value != KernelChoice().*parameter.value && (value < parameter.least || value > parameter.most))
        abort();
  const std::string text = file->text();
  auto again = TuningFile::parse(text, "fuzz");
  if (!again || again->text() != text)
    abort();
  return 0;
}
