// Results of simulations as tables for people.
#pragma once

#include "Simulator/Iteration.h"
#include "Simulator/Serving.h"

namespace yoke::cli {

struct SystemIteration {
  const sim::System *system;
  sim::Iteration iteration;
  std::vector<sim::Span> spans = {}; ///< of its blocks, where a timeline is wanted
};

/// One line a system: time, throughput, utilisations, energy and the limiting resource; then the time of each op class.
std::string iterationTable(const sim::ModelShape &model, const std::vector<SystemIteration> &results);

/// The systems' roofs, and where their blocks are below them.
std::string rooflinePicture(const sim::ModelShape &model, const std::vector<SystemIteration> &results);

/// A page of its own: the table with the plans, the critical path of each system as bars, the rooflines,
/// timelines that can be zoomed.
std::string iterationPage(const sim::ModelShape &model, const std::vector<SystemIteration> &results);

struct SystemServing {
  const sim::System *system;
  sim::ServingResult result;
};

/// Throughput, latencies and what limits each system.
std::string servingTable(const sim::ModelShape &model, const std::vector<SystemServing> &results);

} // namespace yoke::cli
