#include "TuningCache.h"

#include "CompileCache.h"
#include "Console.h"
#include "Tuning/TuningFile.h"

#include <filesystem>

namespace yoke::cli {

static std::string inFolder(const std::filesystem::path &folder) { return (folder / "tuning.json").string(); }

Result<std::string> tuningCacheFile() { return inFolder(YOKE_TRY(cacheFolder())); }

std::string tuningFileFor(const std::string &flag) {
  if (!flag.empty())
    return flag == "none" ? "" : flag;
  const std::filesystem::path folder = preferredCacheFolder();
  std::error_code ignored;
  if (folder.empty() || !std::filesystem::exists(inFolder(folder), ignored))
    return "";
  const std::string path = inFolder(folder);
  if (auto file = TuningFile::read(path); !file) {
    printWarning(file.error().message + "; compiling without it");
    return "";
  }
  return path;
}

} // namespace yoke::cli
