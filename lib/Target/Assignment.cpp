#include "Target/Assignment.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <queue>

namespace yoke {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
/// Seconds that stand for "cannot": more than everything that is possible takes together.
double forbiddenSeconds(const AssignmentProblem &problem) {
  double sum = 0;
  auto add = [&](double seconds) { sum += std::isfinite(seconds) ? seconds : 0; };
  for (const std::vector<double> &kernel : problem.kernels)
    std::for_each(kernel.begin(), kernel.end(), add);
  for (const AssignmentProblem::Edge &edge : problem.edges)
    std::for_each(edge.seconds.begin(), edge.seconds.end(), add);
  return 1 + 2 * sum;
}

void limit(std::vector<double> &seconds, double most) {
  for (double &value : seconds)
    value = std::isfinite(value) ? value : most;
}

/// Minimum cut between a source and a sink (Dinic's algorithm).
class MinimumCut {
public:
  explicit MinimumCut(int nodes) : source(nodes), sink(nodes + 1), arcs(size_t(nodes) + 2) {}

  /// A cut that leaves `from` on the source's side and `to` on the sink's costs `capacity`.
  void add(int from, int to, double capacity) {
    arcs[from].push_back({to, int(arcs[to].size()), capacity});
    arcs[to].push_back({from, int(arcs[from].size()) - 1, 0});
  }
  /// The costs of a node on the source's and on the sink's side.
  void addNode(int node, double onSource, double onSink) {
    double least = std::min(onSource, onSink);
    add(node, sink, onSource - least);
    add(source, node, onSink - least);
  }
  /// True for nodes on the sink's side of a minimum cut; those that may be on either are on the source's.
  std::vector<bool> solve() {
    while (label()) {
      next.assign(arcs.size(), 0);
      while (push(source, infinity) > 0) {
      }
    }
    // What still reaches the sink is on its side.
    std::vector<bool> reaches(arcs.size(), false);
    std::queue<int> queue;
    queue.push(sink);
    reaches[sink] = true;
    while (!queue.empty()) {
      int node = queue.front();
      queue.pop();
      for (const Arc &arc : arcs[node])
        if (!reaches[arc.to] && arcs[arc.to][arc.reverse].capacity > tolerance) {
          reaches[arc.to] = true;
          queue.push(arc.to);
        }
    }
    return reaches;
  }

private:
  struct Arc {
    int to, reverse;
    double capacity;
  };
  static constexpr double tolerance = 1e-15;

  bool label() {
    level.assign(arcs.size(), -1);
    std::queue<int> queue;
    queue.push(source);
    level[source] = 0;
    while (!queue.empty()) {
      int node = queue.front();
      queue.pop();
      for (const Arc &arc : arcs[node])
        if (arc.capacity > tolerance && level[arc.to] < 0) {
          level[arc.to] = level[node] + 1;
          queue.push(arc.to);
        }
    }
    return level[sink] >= 0;
  }

  double push(int node, double limit) {
    if (node == sink)
      return limit;
    for (size_t &i = next[node]; i < arcs[node].size(); ++i) {
      Arc &arc = arcs[node][i];
      if (arc.capacity <= tolerance || level[arc.to] != level[node] + 1)
        continue;
      if (double pushed = push(arc.to, std::min(limit, arc.capacity)); pushed > 0) {
        arc.capacity -= pushed;
        arcs[arc.to][arc.reverse].capacity += pushed;
        return pushed;
      }
    }
    return 0;
  }

  int source, sink;
  std::vector<std::vector<Arc>> arcs;
  std::vector<int> level;
  std::vector<size_t> next;
};

/// The cheapest ways from device to device.
void makeMetric(std::vector<double> &seconds, int devices) {
  for (int via = 0; via < devices; ++via)
    for (int a = 0; a < devices; ++a)
      for (int b = 0; b < devices; ++b)
        seconds[a * devices + b] =
            std::min(seconds[a * devices + b], seconds[a * devices + via] + seconds[via * devices + b]);
}

/// Brings to `device` whichever kernels gain by it together.
std::vector<int> expand(const AssignmentProblem &problem, const std::vector<int> &current, int device) {
  int count = int(problem.kernels.size()), devices = problem.devices;
  MinimumCut cut(count);
  std::vector<double> keep(count), move(count);
  for (int i = 0; i < count; ++i) {
    keep[i] = problem.kernels[i][current[i]];
    move[i] = problem.kernels[i][device];
  }
  for (const AssignmentProblem::Edge &edge : problem.edges) {
    int a = current[edge.from], b = current[edge.to];
    double both = edge.seconds[a * devices + b], first = edge.seconds[device * devices + b],
           second = edge.seconds[a * devices + device];
    // With x, y = 1 for those that move: both + x (first - both) - y first + (1 - x) y (first + second - both). The
    // last factor is not negative in a metric.
    move[edge.from] += first - both;
    move[edge.to] -= first;
    cut.add(edge.from, edge.to, std::max(0.0, first + second - both));
  }
  for (int i = 0; i < count; ++i)
    cut.addNode(i, keep[i], move[i]);
  std::vector<bool> moves = cut.solve();
  std::vector<int> result = current;
  for (int i = 0; i < count; ++i)
    if (moves[i])
      result[i] = device;
  return result;
}

} // namespace

double totalSeconds(const AssignmentProblem &problem, const std::vector<int> &devices) {
  double sum = 0;
  for (size_t i = 0; i < problem.kernels.size(); ++i)
    sum += problem.kernels[i][devices[i]];
  for (const AssignmentProblem::Edge &edge : problem.edges)
    sum += edge.seconds[devices[edge.from] * problem.devices + devices[edge.to]];
  return sum;
}

std::vector<int> assignDevices(const AssignmentProblem &given) {
  AssignmentProblem problem = given;
  const double forbidden = forbiddenSeconds(problem);
  for (AssignmentProblem::Edge &edge : problem.edges) {
    limit(edge.seconds, forbidden);
    makeMetric(edge.seconds, problem.devices);
  }
  std::vector<bool> possible;
  for (std::vector<double> &seconds : problem.kernels) {
    possible.push_back(std::any_of(seconds.begin(), seconds.end(), [](double value) { return std::isfinite(value); }));
    limit(seconds, forbidden);
  }
  std::vector<int> best;
  for (int device = 0; device < problem.devices; ++device) {
    std::vector<int> all(problem.kernels.size(), device);
    if (best.empty() || totalSeconds(problem, all) < totalSeconds(problem, best))
      best = std::move(all);
  }
  for (bool gained = true; gained;) {
    gained = false;
    for (int device = 0; device < problem.devices; ++device) {
      std::vector<int> moved = expand(problem, best, device);
      if (totalSeconds(problem, moved) < totalSeconds(problem, best) * (1 - 1e-12)) {
        best = std::move(moved);
        gained = true;
      }
    }
  }
  for (size_t i = 0; i < possible.size(); ++i)
    if (!possible[i])
      best[i] = -1;
  return best;
}

} // namespace yoke
