#include "Support/TemporaryFolder.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace yoke {

std::string temporaryRoot() {
  const char *folder = std::getenv("TMPDIR");
  return folder && *folder ? folder : "/tmp";
}

Result<std::string> makeTemporaryFolder() {
  std::string path = temporaryRoot() + "/yoke-XXXXXX";
  if (!mkdtemp(path.data()))
    return outOfResources("cannot create the folder {}: {}", path, std::strerror(errno));
  return path;
}

Result<TemporaryFolder> TemporaryFolder::create() { return TemporaryFolder(YOKE_TRY(makeTemporaryFolder())); }

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  if (!folder.empty())
    std::filesystem::remove_all(folder, ignored);
}

} // namespace yoke
