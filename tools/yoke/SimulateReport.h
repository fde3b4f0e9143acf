// Results of simulations as tables for people.
#pragma once

#include "Simulator/Iteration.h"
#include "Simulator/Serving.h"

namespace yoke::cli {

struct SystemIteration {
  const sim::System *system;
  sim::Iteration iteration;
};

/// One line a system: time, throughput, utilisations, energy and the limiting resource; then the time of each op class.
std::string iterationTable(const sim::ModelShape &model, const std::vector<SystemIteration> &results);

struct SystemServing {
  const sim::System *system;
  sim::ServingResult result;
};

/// Throughput, latencies and what limits each system.
std::string servingTable(const sim::ModelShape &model, const std::vector<SystemServing> &results);

} // namespace yoke::cli
