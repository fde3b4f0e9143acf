// How one kernel uses the machine, where the instruction set leaves a choice. No choice changes a bit of the result.
#pragma once

#include "Support/Error.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace yoke {

struct KernelChoice {
  int64_t rows = 0;     ///< of activations multiplied at once; 0: as the instruction set suggests
  int64_t unroll = 1;   ///< times that the body of the loop over inputs is written out
  int64_t prefetch = 0; ///< bytes ahead of a panel's reads that are asked for where there are few rows; 0: none
  int64_t dealt = 0;    ///< panels that threads take in turn; 0: each has one part of the matrix
  int64_t panels = 1;   ///< multiplied with a block of rows before the next block

  struct Parameter {
    std::string_view name;
    int64_t KernelChoice::*value;
    int64_t least, most;
  };
  static const std::array<Parameter, 5> &parameters();

  bool operator==(const KernelChoice &) const = default;
  bool isDefault() const { return *this == KernelChoice(); }

  /// "rows=7,prefetch=1024": what differs from the default; empty for the default.
  std::string text() const;
  /// Reads text(). Errors (Malformed) name `source`.
  static Result<KernelChoice> parse(std::string_view text, std::string_view source);
};

} // namespace yoke
