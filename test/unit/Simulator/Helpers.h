// Targets and batches of the tests.
#pragma once

#include "Simulator/LegalityChecker.h"
#include "Simulator/Published.h"

#include <gtest/gtest.h>

namespace yoke::sim {

inline Target targetOf(const std::string &name) {
  Result<Target> target = loadTarget(YOKE_SOURCE_DIR "/examples/targets/" + name + ".json");
  EXPECT_TRUE(target) << target.error().message;
  return *target;
}

inline std::vector<Request> batchOf(const std::string &name) {
  Result<std::vector<Request>> batch = loadBatch(YOKE_SOURCE_DIR "/test/unit/Simulator/traces/" + name + ".csv", 32);
  EXPECT_TRUE(batch) << batch.error().message;
  return *batch;
}

inline std::string firstViolation(const std::vector<TimedCommand> &trace, const Target &target,
                                  CheckOptions options = {}) {
  std::vector<Violation> violations = checkTrace(trace, target, options);
  return violations.empty() ? "" : violations.front().rule;
}

} // namespace yoke::sim
