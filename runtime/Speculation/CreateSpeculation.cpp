#include "runtime/Speculation/CreateSpeculation.h"

#include "Support/File.h"
#include "runtime/Session.h"
#include "runtime/Speculation/AdaptiveTrigrams.h"
#include "runtime/Speculation/DraftModel.h"
#include "runtime/Speculation/Heads/EagleDrafter.h"
#include "runtime/Speculation/Heads/HydraDrafter.h"
#include "runtime/Speculation/Heads/MedusaDrafter.h"
#include "runtime/Speculation/SuffixDrafter.h"
#include "runtime/Speculation/TokenRecycling.h"

#include <filesystem>

namespace yoke {
namespace {

using Make = std::function<std::unique_ptr<Drafter>(const DraftRequest &)>;
using Warn = std::function<void(const std::string &)>;

constexpr double calibrationSeconds = 0.25;
constexpr size_t maxTreeFileBytes = size_t(1) << 20, maxCorpusBytes = size_t(1) << 28;

/// The table of Token Recycling and where it is kept.
struct Recycling {
  TreeTopology topology;
  SuccessorTable table;
};

/// Collects the drafters of a specification.
class Builder {
public:
  Builder(Session &session, const DecodeSpec &spec, int64_t context, Warn warn)
      : session(session), spec(spec), context(context), warn(std::move(warn)),
        acceptance(std::make_unique<AcceptanceModel>()) {}

  Result<std::unique_ptr<Speculation>> build() {
    const DecodeSpec::Drafter wanted = spec.drafter;
    const bool all = wanted == DecodeSpec::Drafter::Auto;
    if (wanted == DecodeSpec::Drafter::PromptLookup)
      addPromptLookup();
    if (wanted == DecodeSpec::Drafter::Ngram || all)
      addNgram();
    if (wanted == DecodeSpec::Drafter::TokenRecycling || all)
      YOKE_TRY(addTokenRecycling());
    if (wanted == DecodeSpec::Drafter::Aded)
      YOKE_TRY(addAdaptiveTrigrams());
    if (wanted == DecodeSpec::Drafter::Model)
      YOKE_TRY(addDraftModel());
    if (spec.usesHeads() || (all && session.featureColumns() > 0))
      YOKE_TRY(addHeads());
    CostModel cost = YOKE_TRY(CostModel::measure(session, spec.rows, spec.sized ? calibrationSeconds : 0, context));
    auto makeDrafters = [makers = std::move(makers)](const DraftRequest &request) {
      Drafters drafters;
      for (const Make &make : makers)
        drafters.push_back(make(request));
      return drafters;
    };
    auto speculation = std::make_unique<Speculation>(Speculation::Options{spec.rows, spec.sized}, std::move(cost),
                                                     std::move(acceptance), std::move(makeDrafters));
    speculation->onSave = std::move(onSave);
    speculation->drafter = spec.name();
    speculation->successors = successors;
    return speculation;
  }

private:
  void addPromptLookup() {
    const int32_t kinds = PromptLookup::addKinds(*acceptance);
    makers.push_back([options = spec.lookup, kinds](const DraftRequest &request) {
      return std::make_unique<PromptLookup>(options, *request.acceptance, kinds);
    });
  }

  void addNgram() {
    const int32_t kinds = SuffixDrafter::addKinds(*acceptance);
    makers.push_back([n = spec.maxNgram, kinds](const DraftRequest &request) {
      return std::make_unique<SuffixDrafter>(n, *request.acceptance, kinds);
    });
  }

  Status addTokenRecycling() {
    const Model &model = session.model();
    auto recycling = std::make_shared<Recycling>(tokenRecyclingTopology(), SuccessorTable(model.manifest.vocabSize));
    if (!spec.treeFile.empty())
      recycling->topology =
          YOKE_TRY(TreeTopology::parse(YOKE_TRY(readFile(spec.treeFile, maxTreeFileBytes)), spec.treeFile));
    if (spec.keepState)
      YOKE_TRY(restore(*recycling));
    successors = recycling->table.pairs();
    const int32_t kinds = TokenRecycling::addKinds(*acceptance);
    makers.push_back([recycling, kinds](const DraftRequest &request) {
      return std::make_unique<TokenRecycling>(recycling->topology, recycling->table, *request.acceptance, kinds);
    });
    if (spec.keepState)
      onSave = [recycling, path = statePath(), identity = model.manifest.sourceSha256] {
        return recycling->table.save(path, identity);
      };
    return {};
  }

  Status addAdaptiveTrigrams() {
    auto table = std::make_shared<TrigramTable>();
    if (!spec.corpusFile.empty()) {
      const std::string text = YOKE_TRY(readFile(spec.corpusFile, maxCorpusBytes));
      table->count(YOKE_TRY(session.model().tokenize(text, /*addSpecial=*/false, /*parseSpecial=*/false)));
    }
    const int32_t kinds = AdaptiveTrigrams::addKinds(*acceptance);
    makers.push_back([table, kinds, monteCarlo = spec.monteCarlo](const DraftRequest &request) {
      return std::make_unique<AdaptiveTrigrams>(monteCarlo, *table, *request.acceptance, kinds);
    });
    return {};
  }

  Status addDraftModel() {
    auto model = YOKE_TRY(Model::open(spec.draftModel));
    YOKE_TRY(checkDraftModel(*model, session.model()));
    std::shared_ptr<Session> drafting =
        YOKE_TRY(Session::create(model, {std::min(session.team().size(), defaultThreads(*model)), false, 0}));
    const int32_t kinds = DraftModel::addKinds(*acceptance);
    makers.push_back([drafting, kinds, endTokens = session.model().endTokens](const DraftRequest &request) {
      return std::make_unique<DraftModel>(*drafting, Sampler(request.sampling, endTokens), request.promptLength,
                                          *request.cost, *request.acceptance, kinds);
    });
    return {};
  }

  Status addHeads() {
    const Model &model = session.model();
    auto heads = YOKE_TRY(HeadRunner::create(session));
    const std::string &kind = heads->description().kind;
    if (spec.usesHeads() && kind != spec.name())
      return malformed("{}: holds {} heads, not {}", model.path, kind, spec.name());
    std::shared_ptr<TreeTopology> topology;
    if (spec.usesHeads() && !spec.treeFile.empty()) {
      topology = std::make_shared<TreeTopology>(
          YOKE_TRY(TreeTopology::parse(YOKE_TRY(readFile(spec.treeFile, maxTreeFileBytes)), spec.treeFile)));
      if (std::ranges::max(topology->ranks) >= MedusaDrafter::width)
        return malformed("{}: asks for the guess of rank {} of a head, the best {} are looked at (ranks from 0)",
                         spec.treeFile, std::ranges::max(topology->ranks), MedusaDrafter::width);
    }
    const HeadKinds kinds = HeadKinds::add(*acceptance);
    makers.push_back([heads, kinds, topology, kind](const DraftRequest &request) -> std::unique_ptr<Drafter> {
      if (kind == "medusa")
        return std::make_unique<MedusaDrafter>(*heads, topology.get(), *request.acceptance, kinds);
      if (kind == "hydra")
        return std::make_unique<HydraDrafter>(*heads, *request.cost, *request.acceptance, kinds);
      return std::make_unique<EagleDrafter>(*heads, *request.cost, *request.acceptance, kinds);
    });
    return {};
  }

  /// A file that the user names has to be right if it exists; the one beside the package is only a help.
  Status restore(Recycling &recycling) {
    std::error_code ignored;
    if (!std::filesystem::exists(statePath(), ignored))
      return {};
    const Manifest &manifest = session.model().manifest;
    auto table = SuccessorTable::load(statePath(), manifest.sourceSha256, manifest.vocabSize);
    if (table)
      recycling.table = std::move(*table);
    else if (!spec.stateFile.empty())
      return tl::unexpected(std::move(table).error());
    else if (warn)
      warn(table.error().message + "; starting without it");
    return {};
  }

  std::string statePath() const { return spec.stateFile.empty() ? session.model().path + ".recycle" : spec.stateFile; }

  Session &session;
  const DecodeSpec &spec;
  int64_t context;
  Warn warn;
  std::unique_ptr<AcceptanceModel> acceptance;
  std::vector<Make> makers;
  std::function<Status()> onSave;
  std::span<int32_t> successors; ///< of the table that the drafters of Token Recycling share
};

} // namespace

Result<std::unique_ptr<Speculation>> createSpeculation(Session &session, const DecodeSpec &spec, int64_t context,
                                                       const Warn &warn) {
  if (!session.model().generates())
    return failed("{}: the package's task is not generation (it holds an encoder)", session.model().path);
  return Builder(session, spec, context, warn).build();
}

} // namespace yoke
