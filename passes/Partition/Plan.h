//===- Plan.h - a placement in a file -------------------------------------===//
#ifndef YOKE_PASSES_PARTITION_PLAN_H
#define YOKE_PASSES_PARTITION_PLAN_H

#include "Support/Error.h"
#include "Target/CostModel.h"

#include <map>
#include <string>
#include <vector>

namespace yoke {

/// The devices of the kernels of each function, in their order.
struct Plan {
  struct Kernel {
    std::string name;
    Device device;
  };
  std::string target; ///< name of the target that it was made for
  std::map<std::string, std::vector<Kernel>> functions;

  /// JSON: {"target": NAME, "functions": {NAME: [{"kernel": NAME, "device": NAME}, ...]}}.
  static Result<Plan> load(const std::string &path);
  Status save(const std::string &path) const;
};

} // namespace yoke

#endif // YOKE_PASSES_PARTITION_PLAN_H
