#pragma once

#include "Support/Error.h"
#include "runtime/Speculation/PromptLookup.h"

#include <optional>
#include <string>

namespace yoke {

/// How to decode, as a user writes it: NAME[:KEY=VALUE,...].
struct DecodeSpec {
  enum class Drafter { None, PromptLookup, Ngram, TokenRecycling, Aded, Model, Medusa, Hydra, Eagle, Auto };

  Drafter drafter = Drafter::None;
  /// What the specification says about sampling: "greedy", "sample" or nothing.
  std::optional<bool> sample;

  PromptLookup::Options lookup;
  int32_t maxNgram = 16;
  std::string treeFile;  ///< template of Token Recycling, else the published one; of Medusa, else the likeliest guesses
  std::string stateFile; ///< table of Token Recycling; empty: beside the package
  bool keepState = true; ///< false: start with an empty table and save none
  /// For compiled loops: the template as it is, rather than the part of it that pays by what is known of its guesses;
  /// and what steps cost, ROWSxCOST+..., by which such a template is cut.
  bool fixedShape = false;
  std::string costs;
  std::string buckets; ///< for compiled loops: numbers of rows with a step of their own, ROWS+...
  bool monteCarlo = false;
  std::string corpusFile; ///< text that ADED learns from before it starts
  std::string draftModel; ///< package of a smaller model
  int32_t rows = 64;      ///< of one sequence in one step, the root included
  /// False: verify all guesses (up to `rows`) whatever they cost, for tests and measurements.
  bool sized = true;

  /// Errors: Usage (unknown name or key, value out of range).
  static Result<DecodeSpec> parse(std::string_view text);
  bool speculates() const { return drafter != Drafter::None; }
  /// Whether the guesses are those of heads that the package holds.
  bool usesHeads() const {
    return drafter == Drafter::Medusa || drafter == Drafter::Hydra || drafter == Drafter::Eagle;
  }
  /// The canonical name of the drafter.
  std::string_view name() const;
};

/// One line of help for `--decode`.
extern const char *const decodeSpecHelp;

} // namespace yoke
