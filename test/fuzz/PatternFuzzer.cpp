// Patterns and JSON schemas: the first byte chooses, the rest is the text.
#include "runtime/Constraint/Automaton.h"
#include "runtime/Constraint/JsonSchema.h"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0)
    return 0;
  const std::string text(reinterpret_cast<const char *>(data) + 1, size - 1);
  yoke::Result<std::string> pattern =
      data[0] % 2 ? yoke::patternOfJsonSchema(text, "schema") : yoke::Result<std::string>(text);
  if (!pattern)
    return 0;
  auto node = yoke::parsePattern(*pattern);
  if (!node)
    return 0;
  auto automaton = yoke::Automaton::build(*node);
  if (!automaton)
    return 0;
  yoke::Automaton::State state = yoke::Automaton::start;
  for (char byte : text) {
    auto next = automaton->next(state, static_cast<uint8_t>(byte));
    if (!next || *next == yoke::Automaton::dead)
      break;
    state = *next;
  }
  return 0;
}
