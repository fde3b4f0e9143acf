#include "Target/Assignment.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

using namespace yoke;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// Kernels that read from earlier ones; some cannot run on some devices.
AssignmentProblem randomProblem(std::mt19937 &random, int kernels, int devices) {
  std::uniform_real_distribution<double> time(1e-6, 1e-3);
  std::bernoulli_distribution cannot(0.15);
  AssignmentProblem problem;
  problem.devices = devices;
  for (int i = 0; i < kernels; ++i) {
    std::vector<double> seconds;
    for (int d = 0; d < devices; ++d)
      seconds.push_back(cannot(random) ? infinity : time(random));
    if (i % 2)
      seconds[size_t(i) % size_t(devices)] = time(random);
    problem.kernels.push_back(seconds);
    for (int from = std::max(0, i - 3); from < i; ++from)
      if (random() % 2) {
        double weight = time(random);
        std::vector<double> transfer;
        for (int a = 0; a < devices; ++a)
          for (int b = 0; b < devices; ++b)
            transfer.push_back(a == b ? 0 : weight * (1 + std::abs(a - b)));
        problem.edges.push_back({from, i, transfer});
      }
  }
  return problem;
}

template <class Visit> void forEachAssignment(const AssignmentProblem &problem, Visit visit) {
  std::vector<int> devices(problem.kernels.size(), 0);
  while (true) {
    visit(devices);
    size_t i = 0;
    while (i < devices.size() && ++devices[i] == problem.devices)
      devices[i++] = 0;
    if (i == devices.size())
      return;
  }
}

TEST(Assignment, TwoDevicesAreOptimal) {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    AssignmentProblem problem = randomProblem(random, 1 + round % 9, 2);
    std::vector<int> found = assignDevices(problem);
    if (std::find(found.begin(), found.end(), -1) != found.end())
      continue;
    double best = infinity;
    forEachAssignment(problem,
                      [&](const std::vector<int> &devices) { best = std::min(best, totalSeconds(problem, devices)); });
    EXPECT_NEAR(totalSeconds(problem, found), best, best * 1e-9);
  }
}

TEST(Assignment, NeverWorseThanAnyDeviceAloneAndWithinTwiceTheOptimum) {
  std::mt19937 random(2);
  for (int round = 0; round < 200; ++round) {
    AssignmentProblem problem = randomProblem(random, 1 + round % 7, 3);
    std::vector<int> found = assignDevices(problem);
    if (std::find(found.begin(), found.end(), -1) != found.end())
      continue;
    double seconds = totalSeconds(problem, found), best = infinity;
    for (int device = 0; device < 3; ++device)
      EXPECT_LE(seconds, totalSeconds(problem, std::vector<int>(problem.kernels.size(), device)) * (1 + 1e-12));
    forEachAssignment(problem,
                      [&](const std::vector<int> &devices) { best = std::min(best, totalSeconds(problem, devices)); });
    EXPECT_LE(seconds, 2 * best);
  }
}

TEST(Assignment, WhatNoDeviceCanDoIsNamed) {
  AssignmentProblem problem;
  problem.devices = 2;
  problem.kernels = {{1e-3, 2e-3}, {infinity, infinity}, {infinity, 1e-3}};
  problem.edges = {{0, 1, {0, 1e-3, 1e-3, 0}}, {1, 2, {0, 1e-3, 1e-3, 0}}};
  std::vector<int> found = assignDevices(problem);
  EXPECT_EQ(found[1], -1);
  EXPECT_EQ(found[2], 1);
}

TEST(Assignment, ADearTransferKeepsNeighboursTogether) {
  AssignmentProblem problem;
  problem.devices = 2;
  problem.kernels = {{1, 3}, {2, 1}, {1, 3}};
  problem.edges = {{0, 1, {0, 1, 1, 0}}, {1, 2, {0, 1, 1, 0}}};
  EXPECT_EQ(assignDevices(problem), (std::vector<int>{0, 0, 0}));
  for (AssignmentProblem::Edge &edge : problem.edges)
    edge.seconds = {0, 0.25, 0.25, 0};
  EXPECT_EQ(assignDevices(problem), (std::vector<int>{0, 1, 0}));
}

TEST(Assignment, LongChains) {
  std::mt19937 random(3);
  AssignmentProblem problem = randomProblem(random, 2000, 4);
  std::vector<int> found = assignDevices(problem);
  EXPECT_EQ(found.size(), 2000U);
}

} // namespace
