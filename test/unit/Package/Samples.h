// A small manifest and package to start tests from.
#pragma once

#include "Package/PackageWriter.h"

#include <string>

namespace yoke::test {

inline Manifest sampleManifest() {
  Manifest out;
  out.yokeVersion = "0.1.0";
  out.llvmVersion = "22.1.8";
  out.architecture = "LlamaForCausalLM";
  out.target = {"x86_64-pc-linux-gnu", "znver4", "x86-64-v4", {"avx512f", "fma"}};
  out.sourceSha256 = std::string(64, 'a');
  out.parameters = 1000;
  out.weightType = "bf16";
  out.vocabSize = 100;
  out.hiddenSize = 16;
  out.layers = 2;
  out.maxPositions = 128;
  out.bosTokenId = 1;
  out.eosTokenIds = {2, 3};
  out.step.maxTokens = 32;
  out.step.arenaBytes = 4096;
  out.step.arenaBytesPerThread = 64;
  out.step.pageTokens = 16;
  out.step.pageBytes = 4 * 2 * 8 * 16 * 4;
  out.step.outputColumns = 100;
  out.step.kvLayers = {{2, 8, 0, 1024}, {2, 8, 2048, 3072}};
  out.step.records = {{StepRecord::Kind::SkippedFfnRows, 0, 4088, 1}, {StepRecord::Kind::ExpertLoad, 1, 3072, 8}};
  out.kernels = {{"linear", 14}};
  out.remarks = {"fused gate and up"};
  return out;
}

/// Writes a package with a section of each kind; the weights are 10,000 bytes of `w`.
inline Status writeSample(const std::string &path) {
  PackageWriter writer = YOKE_TRY(PackageWriter::create(path));
  YOKE_TRY(writer.addManifest(sampleManifest()));
  YOKE_TRY(writer.add("code", SectionKind::Code,
                      "\x7f"
                      "ELF code"));
  std::span<std::byte> weights = YOKE_TRY(writer.reserve("weights", SectionKind::Weights, 10'000));
  std::fill(weights.begin(), weights.end(), std::byte{'w'});
  YOKE_TRY(writer.add("tokenizer", SectionKind::Json, "{}"));
  YOKE_TRY(writer.add("empty", SectionKind::Binary, ""));
  YOKE_TRY(writer.add("ir", SectionKind::Text, "module {}"));
  return writer.finish();
}

} // namespace yoke::test
