// Which file a faulting address belongs to; see installMappingFaultHandler() in File.h.
#pragma once

#include <cstddef>
#include <string>

namespace yoke::detail {

/// Returns the slot to unregister with, or -1 when all slots are taken (the fault message then names no file).
int registerMapping(const void *address, size_t size, const std::string &path);
void unregisterMapping(int slot);

} // namespace yoke::detail
