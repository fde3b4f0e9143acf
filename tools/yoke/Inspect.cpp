#include "Commands.h"
#include "Console.h"
#include "Package/Package.h"
#include "Support/Text.h"

#include <memory>

namespace yoke::cli {
namespace {

std::string_view kindName(SectionKind kind) {
  switch (kind) {
  case SectionKind::Json:
    return "json";
  case SectionKind::Text:
    return "text";
  case SectionKind::Code:
    return "code";
  case SectionKind::Weights:
    return "weights";
  case SectionKind::Binary:
    return "binary";
  }
  return "unknown";
}

std::string asJson(const Package &package) {
  Json sections = Json::array();
  for (const PackageSection &section : package.sections())
    sections.push_back({{"name", section.name},
                        {"kind", kindName(section.kind)},
                        {"offset", section.offset},
                        {"bytes", section.bytes.size()},
                        {"xxh3", fmt::format("{:016x}", section.hash)}});
  return dumpJson({{"file", package.source()},
                   {"bytes", package.fileBytes()},
                   {"sha256", package.recordedSha256()},
                   {"manifest", package.manifest().toJson()},
                   {"sections", sections}},
                  2) +
         "\n";
}

std::string asText(const Package &package) {
  const Manifest &m = package.manifest();
  const StepDescription &step = m.step;
  std::string out = fmt::format("{}\n", package.source());
  auto line = [&](std::string_view label, const std::string &value) {
    out += fmt::format("  {:<16} {}\n", label, printable(value, 2000));
  };
  line("architecture", fmt::format("{} ({})", m.architecture, taskName(m.task)));
  line("parameters", fmt::format("{}, weights {}", m.parameters, m.weightType));
  line("shape", fmt::format("{} layers, hidden {}, vocabulary {}, {} positions", m.layers, m.hiddenSize, m.vocabSize,
                            m.maxPositions));
  line("target", fmt::format("{}, {} ({})", m.target.triple, m.target.cpu, m.target.level));
  line("features", fmt::format("{}", fmt::join(m.target.features, " ")));
  line("step", fmt::format("up to {} tokens, scratch {} + {} per thread bytes, at most {} threads", step.maxTokens,
                           step.arenaBytes, step.arenaBytesPerThread, step.maxThreads));
  if (step.pageBytes)
    line("kv cache", fmt::format("{} tokens a page of {} bytes ({} bytes a token){}", step.pageTokens, step.pageBytes,
                                 step.pageBytes / step.pageTokens,
                                 step.kvLayers.empty() || step.kvLayers[0].elementBytes == 4 ? "" : ", 16-bit floats"));
  if (m.loop)
    line("loop",
         fmt::format("compiled, draft {}, up to {} rows a step{}", m.loop->draft, m.loop->capacity,
                     m.loop->best ? fmt::format(", greedy from the {} best tokens of a row", m.loop->best) : ""));
  if (m.draft)
    line("draft heads",
         fmt::format("{}, {} heads, {} of {} tokens", m.draft->kind, m.draft->heads, m.draft->vocabulary, m.vocabSize));
  line("compiled by", fmt::format("yoke {}, LLVM {}", m.yokeVersion, m.llvmVersion));
  line("source sha256", m.sourceSha256);
  out += fmt::format("\n  {:<20} {:<8} {:>14} {:>14}\n", "section", "kind", "offset", "bytes");
  for (const PackageSection &section : package.sections())
    out += fmt::format("  {:<20} {:<8} {:>14} {:>14}\n", section.name, kindName(section.kind), section.offset,
                       section.bytes.size());
  if (!m.kernels.empty())
    out += fmt::format("\n  {:<48} {:>8}\n", "kernel", "calls");
  for (const KernelUse &kernel : m.kernels)
    out += fmt::format("  {:<48} {:>8}\n", printable(kernel.name), kernel.calls);
  for (const std::string &remark : m.remarks)
    out += fmt::format("  remark: {}\n", printable(remark, 400));
  return out;
}

} // namespace

void addInspectCommand(CLI::App &app, Action &action) {
  struct Flags {
    std::string path;
    bool json = false;
  };
  auto flags = std::make_shared<Flags>();
  CLI::App *command = app.add_subcommand("inspect", "Show what a package holds");
  command->add_option("package", flags->path, "Package")->required()->option_text("FILE.yoke");
  command->add_flag("--json", flags->json, "One JSON object");
  command->callback([flags, &action] {
    action = [flags]() -> Result<int> {
      Package package = YOKE_TRY(Package::open(flags->path));
      YOKE_TRY(writeOutput(flags->json ? asJson(package) : asText(package)));
      return 0;
    };
  });
}

} // namespace yoke::cli
