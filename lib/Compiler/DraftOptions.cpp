//===- DraftOptions.cpp - what --draft says -------------------------------===//
#include "Compiler/DraftOptions.h"

#include "Support/File.h"
#include "Support/Text.h"
#include "Support/TreeTopology.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringRef.h"

using namespace yoke;

namespace {
struct Name {
  llvm::StringLiteral name, drafter;
};
} // namespace

/// The first name of a drafter is the canonical one.
static constexpr Name names[] = {
    {"none", "none"},
    {"greedy", "none"},
    {"prompt-lookup", "prompt_lookup"},
    {"lookup", "prompt_lookup"},
    {"ngram", "ngram"},
    {"suffix", "ngram"},
    {"token-recycling", "token_recycling"},
    {"recycle", "token_recycling"},
    {"aded", "adaptive"},
    {"adaptive", "adaptive"},
    {"auto", "combined"},
    {"model", "draft_model"},
};

/// ROWS+...
static Status readBuckets(std::string_view text, llvm::StringRef value, std::vector<int64_t> &buckets) {
  while (!value.empty()) {
    llvm::StringRef each;
    std::tie(each, value) = value.split('+');
    int64_t rows = 0;
    if (each.getAsInteger(10, rows) || rows < 1 || (!buckets.empty() && rows <= buckets.back()))
      return usageError("draft {}: expected ascending numbers of rows as buckets, found {}", quote(text),
                        quote(std::string_view(each)));
    buckets.push_back(rows);
  }
  return {};
}

/// ROWSxCOST+...
static Status readCosts(std::string_view text, llvm::StringRef value, MakeLoopPassOptions &options) {
  while (!value.empty()) {
    llvm::StringRef point;
    std::tie(point, value) = value.split('+');
    auto [rowText, costText] = point.split('x');
    int64_t rows = 0;
    double cost = 0;
    if (rowText.getAsInteger(10, rows) || costText.getAsDouble(cost) || rows < 1 || !(cost > 0))
      return usageError("draft {}: expected costs as ROWSxCOST+..., found {}", quote(text),
                        quote(std::string_view(point)));
    options.costRows.push_back(rows);
    options.costs.push_back(cost);
  }
  return {};
}

/// The paths of a template; without a file the published one.
static Result<std::string> readTopology(const std::string &file) {
  constexpr size_t maxBytes = size_t(1) << 20;
  if (file.empty())
    return "token_recycling";
  TreeTopology tree = YOKE_TRY(TreeTopology::parse(YOKE_TRY(readFile(file, maxBytes)), file));
  std::string text;
  for (int32_t node = 1; node < tree.size(); ++node) {
    std::string path;
    for (int32_t at = node; at > 0; at = tree.parents[at])
      path = std::to_string(tree.ranks[at]) + (path.empty() ? "" : ",") + path;
    text += (text.empty() ? "[" : ",[") + path + "]";
  }
  return text;
}

Result<DraftOptions> yoke::readDraftOptions(std::string_view text) {
  auto [name, rest] = llvm::StringRef(text.data(), text.size()).split(':');
  const auto *found = llvm::find_if(names, [&](const Name &each) { return each.name == name; });
  if (found == std::end(names))
    return usageError("draft {}: expected none, prompt-lookup, ngram, token-recycling, aded, auto or model:PACKAGE",
                      quote(text));
  llvm::StringRef canonical =
      llvm::find_if(names, [&](const Name &each) { return each.drafter == found->drafter; })->name;
  DraftOptions result{canonical.str() + std::string(text.substr(name.size())), {}, {}};
  MakeLoopPassOptions &options = result.loop;
  options.drafter = found->drafter.str();
  if (options.drafter == "draft_model") {
    options.model = rest.str();
    return result;
  }
  auto readNumber = [&](llvm::StringRef key, llvm::StringRef value, int64_t &number) -> Status {
    if (value.getAsInteger(10, number) || number < 1)
      return usageError("draft {}: expected a positive integer for {}", quote(text), key.str());
    return {};
  };
  std::string treeFile;
  bool isFixed = false;
  while (!rest.empty()) {
    llvm::StringRef setting;
    std::tie(setting, rest) = rest.split(',');
    auto [key, value] = setting.split('=');
    if (key == "rows")
      YOKE_TRY(readNumber(key, value, options.rows));
    else if (key == "n")
      YOKE_TRY(readNumber(key, value, options.drafter == "ngram" ? options.longest : options.match));
    else if (key == "copy")
      YOKE_TRY(readNumber(key, value, options.copied));
    else if (key == "search")
      options.monteCarlo = value == "mcts";
    else if (key == "tree")
      treeFile = value.str();
    else if (key == "shape")
      isFixed = value == "fixed";
    else if (key == "buckets")
      YOKE_TRY(readBuckets(text, value, result.buckets));
    else if (key == "costs")
      YOKE_TRY(readCosts(text, value, options));
    else if (!llvm::is_contained({"state", "corpus", "size"}, key))
      return usageError("draft {}: unknown option {}", quote(text), quote(std::string_view(setting)));
  }
  if (isFixed)
    options.topology = YOKE_TRY(readTopology(treeFile));
  return result;
}
