#include "Target/Builtin.h"

#include "Support/File.h"

namespace yoke {

Result<std::string> findTargetText(const std::string &nameOrPath) {
  std::vector<std::string_view> names;
  for (const BuiltinTarget &target : builtinTargets()) {
    if (target.name == nameOrPath)
      return std::string(target.text);
    names.push_back(target.name);
  }
  if (nameOrPath.find('/') == std::string::npos && !nameOrPath.ends_with(".json"))
    return usageError("unknown target {}; built in are {}, others are named by a .json file", nameOrPath,
                      fmt::join(names, ", "));
  return readFile(nameOrPath, 1 << 20);
}

Result<Target> findTarget(const std::string &nameOrPath) {
  return parseTarget(YOKE_TRY(findTargetText(nameOrPath)), nameOrPath);
}

} // namespace yoke
