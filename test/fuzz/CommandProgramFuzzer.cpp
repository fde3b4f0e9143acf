// A command program in its binary form, its header made to fit: what is accepted is written as it was, and expands or
// is refused.
#include "Simulator/CommandCodec.h"
#include "Simulator/CommandExpander.h"
#include "Target/Builtin.h"

#include <cstdlib>

using namespace yoke;
using namespace yoke::sim;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size > 1 << 20)
    return 0;
  std::string bytes(reinterpret_cast<const char *>(data), size);
  if (size >= commandHeaderBytes) {
    uint64_t header[2] = {size, commandHash(std::string_view(bytes).substr(commandHeaderBytes))};
    for (size_t i = 0; i < 16; ++i)
      bytes[16 + i] = char(header[i / 8] >> 8 * (i % 8));
  }
  Result<CommandProgram> program = decodeCommands(bytes, "fuzz");
  if (!program)
    return 0;
  if (encodeCommands(*program) != bytes)
    abort();
  static const Target target = *findTarget("neupims");
  CommandProgramSize counted = sizeOf(*program);
  if (counted.commands + counted.pimCommands > 1 << 16)
    return 0;
  for (const CommandStage &stage : program->stages)
    (void)expandStage(*program, stage, target);
  return 0;
}
