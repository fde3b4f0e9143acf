//===- CpuTarget.h - the CPU that code is made for ------------------------===//
#ifndef YOKE_LIB_COMPILER_CPUTARGET_H
#define YOKE_LIB_COMPILER_CPUTARGET_H

#include "Package/Manifest.h"
#include "Support/Error.h"

#include "llvm/ADT/StringRef.h"

#include <string>
#include <vector>

namespace yoke {

/// A level of the x86-64 architecture and the processor to schedule for.
struct CpuTarget {
  std::string level;                   ///< "x86-64-v3" or "x86-64-v4"
  std::string tune;                    ///< LLVM's name of a processor
  std::vector<std::string> extensions; ///< that kernels use beyond the level: "avx512vnni", "avx512bf16"
  std::vector<std::string> features;

  /// Reads "cpu", "cpu:native", "cpu:x86-64-v3" or "cpu:x86-64-v4"; the last may have "+avx512vnni" and "+avx512bf16"
  /// behind it. Native is the highest level of this machine with what it has of these.
  /// Errors: Usage for other names, Failed for a machine below x86-64-v3.
  static Result<CpuTarget> parse(llvm::StringRef spec);

  TargetDescription describe() const;

  /// "x86-64-v4+avx512vnni", as KernelShape::forLevel reads it.
  std::string levelWithExtensions() const;
};

inline constexpr llvm::StringLiteral targetTriple = "x86_64-pc-linux-gnu";

} // namespace yoke

#endif // YOKE_LIB_COMPILER_CPUTARGET_H
