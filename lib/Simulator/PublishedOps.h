// Operators of the published simulator as tiles of loads, array and vector instructions, and stores.
#pragma once

#include "Simulator/Program.h"
#include "Simulator/Workload.h"

namespace yoke::sim {

enum PublishedEngine : uint8_t { arrayLoad, arrayExecute, arrayStore, pimLoad, pimExecute, pimStore, publishedEngines };

/// Appends operators to a program. Operators of one stream follow each other with a barrier; within an operator, a tile
/// waits until the other half of the scratchpad is free.
class PublishedBuilder {
public:
  PublishedBuilder(Program &program, const Target &target, const ModelShape &model)
      : program(program), target(target), model(model) {}

  void layerNorm(int64_t rows, int64_t width);
  void matMul(int64_t rows, int64_t inner, int64_t columns, Phase phase);
  void gelu(int64_t rows, int64_t width);
  void add(int64_t rows, int64_t width);
  /// Attention on the systolic arrays, a tile a request.
  void fusedAttention(const std::vector<Request> &requests);
  /// Attention on PIM in two operators; `composite` uses COMPS_READRES.
  void pimAttention(const std::vector<Request> &requests, bool composite);

private:
  struct Tile {
    std::vector<TaskId> operands, results; ///< loads and computations; everything
  };

  TaskId task(Tile &tile, TaskKind kind, uint8_t engine, Phase phase, int64_t amount, bool result);
  TaskId load(Tile &tile, int64_t bytes, Phase phase);
  void store(Tile &tile, int64_t bytes, Phase phase, TaskId after, uint8_t engine = arrayStore);
  void beginOperator() { tiles.clear(); }
  void beginTile(Tile &tile, bool accumulate);
  void endTile(const Tile &tile);
  void endOperator();
  void matMulTile(int64_t rows, int64_t inner, int64_t columns, bool bias, bool accumulate, bool write, Phase phase);
  void rowOperator(int64_t rows, int64_t width, int64_t operands, int64_t cycles, int64_t parameters, Phase phase);
  void logitSteps(const Request &request, int64_t chunk, bool composite, int64_t rowBase);
  void attendSteps(const Request &request, bool composite, int64_t rowBase);
  /// Rows of keys in the first half of the memory, of values in the second; neither is checked to be free.
  int32_t keyRow(int64_t number) const {
    int64_t first = target.memory->rows / 32, span = std::max<int64_t>(1, target.memory->rows / 2 - first);
    return int32_t(first + number % span);
  }
  int32_t valueRow(int64_t number) const {
    int64_t first = target.memory->rows / 2;
    return int32_t(first + number % (target.memory->rows - first));
  }
  void tileSteps(int32_t row, int64_t comps, int64_t results, int64_t headerComps, bool composite);
  TaskId pimTask(Tile &tile, const Request &request, Phase phase, int32_t firstStep);
  void logit(const std::vector<Request> &requests, bool composite);
  void attend(const std::vector<Request> &requests, bool composite);
  int64_t layerNormCycles(int64_t size) const;
  int64_t softmaxCycles(int64_t size) const;
  int64_t lanes(int64_t size) const;
  int64_t tree(int64_t size) const;
  int64_t page() const { return target.memory->rowBytes / target.pim->elementBytes; }

  Program &program;
  const Target &target;
  const ModelShape &model;
  TaskId barrier = -1;
  std::vector<std::pair<TaskId, TaskId>> tiles; ///< operands done, all done
  TaskId gate = -1, gateAccumulator = -1;
};

} // namespace yoke::sim
