//===- CpuTarget.cpp - the CPU that code is made for ----------------------===//
#include "Compiler/CpuTarget.h"

#include "llvm/ADT/STLExtras.h"
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

static constexpr llvm::StringLiteral extensionNames[] = {"avx512vnni", "avx512bf16"};

/// The parts of "x86-64-v4+avx512vnni" behind the level; nothing when one is unknown or given twice.
static std::optional<std::vector<std::string>> readExtensions(llvm::StringRef text) {
  std::vector<std::string> found;
  while (!text.empty()) {
    auto [name, rest] = text.split('+');
    if (!llvm::is_contained(extensionNames, name) || llvm::is_contained(found, name) || text.ends_with("+"))
      return std::nullopt;
    found.push_back(name.str());
    text = rest;
  }
  return found;
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
  auto unknown = [&] {
    return usageError("target {}: expected cpu, cpu:native, cpu:x86-64-v3 or cpu:x86-64-v4[+avx512vnni][+avx512bf16]",
                      spec.str());
  };
  if (!name.consume_front("cpu:") || name.ends_with("+"))
    return unknown();
  llvm::StringRef extensions;
  std::tie(name, extensions) = name.split('+');
  if ((name != "native" && name != "x86-64-v3" && name != "x86-64-v4") || (!extensions.empty() && name != "x86-64-v4"))
    return unknown();
  CpuTarget target;
  target.level = name.str();
  target.tune = name.str();
  auto read = readExtensions(extensions);
  if (!read)
    return unknown();
  target.extensions = *read;
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
  if (name == "native" && target.level == "x86-64-v4") {
    llvm::StringMap<bool> host = llvm::sys::getHostCPUFeatures();
    for (llvm::StringRef extension : extensionNames)
      if (host.lookup(extension))
        target.extensions.push_back(extension.str());
  }
  target.features = featuresOf(target.level);
  llvm::append_range(target.features, target.extensions);
  llvm::sort(target.features);
  return target;
}

std::string CpuTarget::levelWithExtensions() const {
  std::string text = level;
  for (const std::string &extension : extensions)
    text += "+" + extension;
  return text;
}

TargetDescription CpuTarget::describe() const {
  return {.triple = targetTriple.str(), .cpu = tune, .level = level, .features = features};
}
