#pragma once

#include "Support/Error.h"

#include <string>
#include <utility>

namespace yoke {

/// $TMPDIR, else /tmp.
std::string temporaryRoot();

/// A new folder of this user alone under `temporaryRoot()`, which stays. Error: Resources.
Result<std::string> makeTemporaryFolder();

/// A folder that goes with its contents.
class TemporaryFolder {
public:
  /// As `makeTemporaryFolder`.
  static Result<TemporaryFolder> create();

  TemporaryFolder(TemporaryFolder &&other) noexcept : folder(std::exchange(other.folder, {})) {}
  TemporaryFolder &operator=(TemporaryFolder &&) = delete;
  ~TemporaryFolder();

  const std::string &path() const { return folder; }

private:
  explicit TemporaryFolder(std::string folder) : folder(std::move(folder)) {}

  std::string folder;
};

} // namespace yoke
