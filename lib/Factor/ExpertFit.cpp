#include "Factor/ExpertFit.h"

#include "Factor/Adam.h"
#include "Factor/LeastSquares.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

namespace yoke {
namespace {

constexpr int64_t chunkRows = 1024;
constexpr double damping = 1e-3, gradientRate = 3e-3;

double squares(const std::vector<float> &values) {
  return std::inner_product(values.begin(), values.end(), values.begin(), 0.0);
}

void subtract(FloatMatrix &a, const float *b) {
  std::transform(a.data.begin(), a.data.end(), b, a.data.begin(), std::minus<>());
}

float sigmoid(float x) { return 1 / (1 + std::exp(-x)); }

/// silu(gate) * up
void multiplyGate(const FloatMatrix &gate, const FloatMatrix &up, FloatMatrix &inner) {
  for (size_t i = 0; i < gate.data.size(); ++i)
    inner.data[i] = gate.data[i] * sigmoid(gate.data[i]) * up.data[i];
}

} // namespace

/// Some rows on their way through the experts.
struct ExpertFit::Chunk {
  Chunk(const LayerExperts &layer, const FloatMatrix &x, const FloatMatrix &target, int64_t begin, int64_t end)
      : x(end - begin, x.columns), target(end - begin, x.columns), gate(end - begin, layer.block.inner()), up(gate),
        inner(gate), factors(end - begin, layer.split.experts), out(end - begin, x.columns) {
    std::copy(x.row(begin), x.row(end), this->x.data.begin());
    std::copy(target.row(begin), target.row(end), this->target.data.begin());
  }

  /// Multiplies each expert's columns of `values` by its factor.
  void applyFactors(const NeuronSplit &split, FloatMatrix &values) const {
    for (int64_t t = 0; t < values.rows; ++t)
      for (int64_t e = 0; e < split.experts; ++e) {
        float factor = factors.row(t)[e], *row = values.row(t) + split.begin(e);
        for (int64_t i = 0; i < split.expertInner; ++i)
          row[i] *= factor;
      }
  }

  FloatMatrix x, target, gate, up, inner, factors, out;
};

FloatMatrix innerRows(const GatedBlock &block, const FloatMatrix &x, int64_t begin, int64_t end) {
  FloatMatrix gate(end - begin, block.inner()), up(gate);
  multiply(MatrixView(x, begin, end), MatrixView(block.gate).transposed(), gate);
  multiply(MatrixView(x, begin, end), MatrixView(block.up).transposed(), up);
  multiplyGate(gate, up, gate);
  return gate;
}

void ExpertFit::forward(Chunk &chunk) const {
  multiply(chunk.x, MatrixView(layer.block.gate).transposed(), chunk.gate);
  multiply(chunk.x, MatrixView(layer.block.up).transposed(), chunk.up);
  multiplyGate(chunk.gate, chunk.up, chunk.inner);
  routeRows(chunk.x, layer.router, topK, 0, chunk.x.rows, chunk.factors);
  chunk.applyFactors(layer.split, chunk.inner);
  multiply(chunk.inner, MatrixView(layer.block.down).transposed(), chunk.out);
}

template <class Work> void ExpertFit::forChunks(int64_t rows, Work work) const {
  for (int64_t begin = 0; begin < rows; begin += chunkRows) {
    Chunk chunk(layer, x, target, begin, std::min(begin + chunkRows, rows));
    forward(chunk);
    work(chunk);
  }
}

double ExpertFit::error() const {
  double wrong = 0;
  forChunks(x.rows, [&](Chunk &chunk) {
    subtract(chunk.out, chunk.target.data.data());
    wrong += squares(chunk.out.data);
  });
  return wrong / std::max(squares(target.data), 1e-30);
}

ExpertChoices ExpertFit::bestChoices() const {
  const NeuronSplit &split = layer.split;
  const GatedBlock &block = layer.block;
  ExpertChoices choices{topK, {}};
  for (int64_t begin = 0; begin < x.rows; begin += chunkRows) {
    int64_t end = std::min(begin + chunkRows, x.rows), rows = end - begin;
    FloatMatrix inner = innerRows(block, x, begin, end);
    auto part = [&](int64_t first, int64_t count) {
      FloatMatrix out(rows, block.hidden());
      MatrixView activations(inner.data.data() + first, rows, count, inner.columns, 1);
      MatrixView columns(block.down.data.data() + first, block.hidden(), count, block.inner(), 1);
      multiply(activations, columns.transposed(), out);
      return out;
    };
    FloatMatrix left = part(0, split.shared);
    std::transform(left.data.begin(), left.data.end(), target.row(begin), left.data.begin(),
                   [](float have, float want) { return want - have; });
    std::vector<FloatMatrix> outputs;
    for (int64_t e = 0; e < split.experts; ++e)
      outputs.push_back(part(split.begin(e), split.expertInner));
    for (int64_t t = 0; t < rows; ++t) {
      std::vector<int32_t> chosen;
      for (int64_t j = 0; j < topK; ++j) {
        int32_t best = -1;
        double least = 0;
        for (int32_t e = 0; e < split.experts; ++e) {
          // |left - f|^2 less |left|^2
          double gain = 0;
          for (int64_t c = 0; c < block.hidden(); ++c)
            gain += double(outputs[e].row(t)[c]) * (outputs[e].row(t)[c] - 2 * left.row(t)[c]);
          if (std::find(chosen.begin(), chosen.end(), e) == chosen.end() && (best < 0 || gain < least)) {
            best = e;
            least = gain;
          }
        }
        chosen.push_back(best);
        std::transform(left.row(t), left.row(t) + block.hidden(), outputs[best].row(t), left.row(t), std::minus<>());
      }
      std::sort(chosen.begin(), chosen.end());
      choices.experts.insert(choices.experts.end(), chosen.begin(), chosen.end());
    }
  }
  return choices;
}

Status ExpertFit::refitDown() {
  FloatMatrix gram(layer.block.inner(), layer.block.inner()), change(layer.block.inner(), x.columns);
  forChunks(x.rows, [&](Chunk &chunk) {
    subtract(chunk.target, chunk.out.data.data());
    multiply(MatrixView(chunk.inner).transposed(), chunk.inner, gram, /*accumulate=*/true);
    multiply(MatrixView(chunk.inner).transposed(), chunk.target, change, /*accumulate=*/true);
  });
  if (!solveDamped(gram, change, damping))
    return failed("the activations of a layer are not finite");
  for (int64_t c = 0; c < change.columns; ++c)
    for (int64_t n = 0; n < change.rows; ++n)
      layer.block.down.row(c)[n] += change.row(n)[c];
  return {};
}

void ExpertFit::descend(int64_t epochs) {
  GatedBlock &block = layer.block;
  Adam gateSteps(block.gate.data.size()), upSteps(block.up.data.size()), downSteps(block.down.data.size());
  FloatMatrix gateGradient(block.inner(), block.hidden()), upGradient(gateGradient),
      downGradient(block.hidden(), block.inner());
  // The mean squared error in units of the target's mean square.
  double power = std::max(squares(target.data) / double(x.rows), 1e-30);
  std::vector<int64_t> order(size_t(x.rows), 0);
  std::iota(order.begin(), order.end(), 0);
  std::mt19937_64 random(1);
  int64_t batches = x.rows / chunkRows, steps = std::max<int64_t>(epochs * batches, 1), step = 0;
  for (int64_t epoch = 0; epoch < epochs; ++epoch) {
    for (size_t i = order.size(); i > 1; --i)
      std::swap(order[i - 1], order[random() % i]);
    for (int64_t batch = 0; batch < batches; ++batch, ++step) {
      Chunk chunk(layer, x, target, 0, chunkRows);
      for (int64_t i = 0; i < chunkRows; ++i) {
        std::copy_n(x.row(order[batch * chunkRows + i]), x.columns, chunk.x.row(i));
        std::copy_n(target.row(order[batch * chunkRows + i]), x.columns, chunk.target.row(i));
      }
      forward(chunk);
      subtract(chunk.out, chunk.target.data.data());
      for (float &difference : chunk.out.data)
        difference *= static_cast<float>(2 / (power * chunkRows));
      multiply(MatrixView(chunk.out).transposed(), chunk.inner, downGradient);
      multiply(chunk.out, block.down, chunk.inner);
      chunk.applyFactors(layer.split, chunk.inner);
      for (size_t i = 0; i < chunk.inner.data.size(); ++i) {
        float gate = chunk.gate.data[i], part = sigmoid(gate), slope = chunk.inner.data[i];
        chunk.gate.data[i] = slope * chunk.up.data[i] * part * (1 + gate * (1 - part));
        chunk.up.data[i] = slope * gate * part;
      }
      multiply(MatrixView(chunk.gate).transposed(), chunk.x, gateGradient);
      multiply(MatrixView(chunk.up).transposed(), chunk.x, upGradient);
      double rate = gradientRate * std::max(0.02, 1 - double(step) / double(steps));
      gateSteps.step(block.gate.data, gateGradient.data, rate);
      upSteps.step(block.up.data, upGradient.data, rate);
      downSteps.step(block.down.data, downGradient.data, rate);
    }
  }
}

} // namespace yoke
