#pragma once

#include "runtime/Model.h"
#include "runtime/Roof.h"

#include <map>
#include <string>
#include <vector>

namespace yoke::cli {

struct BenchRow {
  int64_t prompt, generation, batch, depth;
  int threads;
  std::vector<int64_t> nanoseconds; ///< one per repetition
};

struct BenchContext {
  const Model &model;
  std::map<int, Roof> roofs; ///< by thread count; empty when not measured
};

/// `format`: "md" (a table), "json" (an array) or "csv"; names and columns are llama-bench's where it has them.
std::string formatBench(const BenchContext &context, const std::vector<BenchRow> &rows, const std::string &format);

} // namespace yoke::cli
