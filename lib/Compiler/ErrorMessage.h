//===- ErrorMessage.h - messages over the C interface ---------------------===//
#ifndef YOKE_LIB_COMPILER_ERRORMESSAGE_H
#define YOKE_LIB_COMPILER_ERRORMESSAGE_H

#include <algorithm>
#include <cstring>
#include <string_view>

namespace yoke {

/// Copies as much as fits, terminated.
inline void copyMessage(std::string_view message, char *out, size_t size) {
  if (!out || size == 0)
    return;
  size_t length = std::min(message.size(), size - 1);
  std::memcpy(out, message.data(), length);
  out[length] = '\0';
}

} // namespace yoke

#endif // YOKE_LIB_COMPILER_ERRORMESSAGE_H
