// Tree templates and decoding specifications from outside: what is accepted must be a tree within its limits.
#include "Support/TreeTopology.h"
#include "runtime/Speculation/DecodeSpec.h"
#include "runtime/Speculation/DraftTree.h"

#include <cstdlib>

using namespace yoke;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const std::string_view text(reinterpret_cast<const char *>(data), size);
  if (auto spec = DecodeSpec::parse(text.substr(0, text.find('\n'))))
    if (spec->rows < 2 || spec->rows > 256 || spec->lookup.maxMatch < 1 || spec->lookup.copied < 1)
      abort();
  auto tree = TreeTopology::parse(text, "fuzz");
  if (!tree)
    return 0;
  if (tree->size() < 1 || tree->size() > TreeTopology::maxNodes || tree->parents[0] != -1)
    abort();
  for (int32_t node = 1; node < tree->size(); ++node)
    if (tree->parents[node] < 0 || tree->parents[node] >= node || tree->ranks[node] < 0 ||
        tree->depths[node] != tree->depths[tree->parents[node]] + 1)
      abort();
  if (tree->leaves() < 1 || ancestorMask(tree->parents).empty())
    abort();
  return 0;
}
