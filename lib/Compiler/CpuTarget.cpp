//===- CpuTarget.cpp - the CPU that code is made for ----------------------===//
#include "Compiler/CpuTarget.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/TargetParser/Host.h"

using namespace yoke;

static std::vector<std::string> featuresOf(llvm::StringRef level) {
  std::vector<std::string> features = {"avx", "avx2",  "bmi",   "bmi2",   "f16c",
                                       "fma", "lzcnt", "movbe", "popcnt", "sse4.2"};
  if (level == "x86-64-v4")
    features.insert(features.end(), {"avx512bw", "avx512cd", "avx512dq", "avx512f", "avx512vl"});
  return features;
}

static bool hostHas(llvm::StringRef level) {
  llvm::StringMap<bool> host = llvm::sys::getHostCPUFeatures();
  for (const std::string &feature : featuresOf(level))
    if (!host.lookup(feature))
      return false;
  return true;
}

Result<CpuTarget> CpuTarget::parse(llvm::StringRef spec) {
  if (spec.empty() || spec == "cpu")
    spec = "cpu:native";
  llvm::StringRef name = spec;
  if (!name.consume_front("cpu:") || (name != "native" && name != "x86-64-v3" && name != "x86-64-v4"))
    return usageError("target {}: expected cpu, cpu:native, cpu:x86-64-v3 or cpu:x86-64-v4", spec.str());
  CpuTarget target;
  target.level = name.str();
  target.tune = name.str();
  if (name == "native") {
    target.tune = llvm::sys::getHostCPUName().str();
    if (hostHas("x86-64-v4"))
      target.level = "x86-64-v4";
    else if (hostHas("x86-64-v3"))
      target.level = "x86-64-v3";
    else
      return failed("target cpu:native: this processor ({}) has not all of {}", target.tune,
                    fmt::join(featuresOf("x86-64-v3"), ", "));
  }
  target.features = featuresOf(target.level);
  return target;
}

TargetDescription CpuTarget::describe() const {
  return {.triple = targetTriple.str(), .cpu = tune, .level = level, .features = features};
}
