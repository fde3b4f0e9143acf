#include "runtime/Speculation/Heads/HeadRunner.h"

#include "runtime/StepArguments.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace yoke {
namespace {

constexpr std::array<float, 8> shareLimits = {0.05f, 0.1f, 0.2f, 0.35f, 0.5f, 0.7f, 0.85f, 0.95f};

} // namespace

Result<std::shared_ptr<HeadRunner>> HeadRunner::create(Session &session) {
  const Model &model = session.model();
  if (!model.manifest.draft)
    return malformed("{}: holds no draft heads: compile it with --draft medusa:FOLDER, hydra:FOLDER or eagle:FOLDER",
                     model.path);
  if (session.featureColumns() == 0)
    return failed("{}: the device gives no features, so that draft heads cannot guess", model.path);
  std::shared_ptr<HeadRunner> runner(new HeadRunner(session));
  const DraftDescription &draft = *model.manifest.draft;
  auto need = [&](const std::string &name) -> Status {
    return draft.find(name) ? Status() : malformed("{}: manifest: draft heads without {}", model.path, name);
  };
  if (draft.kind == "medusa")
    YOKE_TRY(need("medusa_heads"));
  if (draft.kind == "eagle")
    YOKE_TRY(need("eagle_layer"));
  for (int64_t head = 0; draft.kind == "hydra" && head < draft.heads; ++head)
    YOKE_TRY(need(fmt::format("hydra_head_{}", head)));
  int64_t arenaBytes = 0;
  for (const DraftEntry &entry : draft.entries) {
    arenaBytes = std::max(arenaBytes, entry.step.arenaSize(session.team().size()));
    if (entry.step.pageBytes == 0)
      continue;
    KvLayout layout{entry.step.pageTokens, entry.step.pageBytes, entry.step.kvLayers};
    // A text and, behind it, the guesses of a draft.
    const int64_t slots = model.manifest.maxPositions + 2 * layout.pageTokens + 256;
    runner->kv = YOKE_TRY(KvCache::create(std::move(layout), slots / entry.step.pageTokens));
  }
  if ((draft.kind == "eagle" || runner->find("hydra_prefix") >= 0) && !runner->kv)
    return malformed("{}: manifest: a draft layer without keys and values", model.path);
  runner->arena =
      YOKE_TRY(AnonymousMemory::allocate(std::max<int64_t>(arenaBytes, 64), "scratch memory of draft heads"));
  return runner;
}

int HeadRunner::find(std::string_view name) const {
  const std::vector<DraftEntry> &entries = description().entries;
  const auto entry = std::ranges::find(entries, name, &DraftEntry::name);
  return entry == entries.end() ? -1 : static_cast<int>(entry - entries.begin());
}

void HeadRunner::run(int function, StepBatch &batch, std::span<const float> features, std::span<float> result) {
  struct Arguments : BatchArguments {
    YokeMemRef1 weights, arena, kv, features, result;
  };
  const Arguments shared = {
      BatchArguments(batch),
      memref(session.model().weights),
      memref(std::span<const std::byte>(arena.data(), arena.size())),
      kv ? memref(std::span<const std::byte>(kv->pages().begin(), kv->pages().committedBytes()))
         : memref(std::span<const std::byte>()),
      memref(features),
      memref(std::span<const float>(result)),
  };
  const YokeDraftFunction code = session.model().draftFunctions[function];
  ThreadTeam &team = session.team();
  team.run([&](int thread) {
    Arguments a = shared;
    code(&a.weights, &a.arena, &a.kv, &a.tokens, &a.positions, &a.slots, &a.limits, &a.sequences, &a.parents,
         &a.outputs, &a.blocks, a.blockStride, &a.features, &a.result, thread, team.size(), &team.barrier(),
         waitAtBarrier);
  });
}

void bestGuesses(const HeadRunner &heads, std::span<const float> logits, int32_t width, std::vector<HeadGuess> &out) {
  struct Entry {
    float logit;
    int64_t token;
  };
  constexpr int32_t most = 16;
  std::array<Entry, most> best;
  int32_t count = 0;
  width = std::min(width, most);
  float lowest = -INFINITY;
  for (size_t i = 0; i < logits.size(); ++i) {
    const float value = logits[i];
    if (count == width && !(value > lowest) && !std::isnan(value))
      continue;
    if (std::isnan(value)) {
      out.clear();
      return;
    }
    int32_t place = count < width ? count++ : width - 1;
    for (; place > 0 && best[place - 1].logit < value; --place)
      best[place] = best[place - 1];
    best[place] = {value, static_cast<int64_t>(i)};
    lowest = best[count - 1].logit;
  }
  out.clear();
  float total = 0;
  for (int32_t i = 0; i < count; ++i) {
    const float weight = std::exp(best[i].logit - best[0].logit);
    out.push_back({heads.token(best[i].token), weight});
    total += weight;
  }
  for (HeadGuess &guess : out)
    guess.share /= total;
}

HeadKinds HeadKinds::add(AcceptanceModel &acceptance) {
  std::vector<float> priors;
  for (int32_t depth = 0; depth < depths; ++depth)
    for (size_t bucket = 0; bucket <= shareLimits.size(); ++bucket) {
      const float low = bucket == 0 ? 0 : shareLimits[bucket - 1];
      const float high = bucket == shareLimits.size() ? 1 : shareLimits[bucket];
      priors.push_back((low + high) / 2 * (depth == 0 ? 0.85f : 0.75f));
    }
  return {acceptance.addKinds(priors)};
}

bool HeadKinds::contains(int32_t kind) const {
  return kind >= first && kind < first + depths * static_cast<int32_t>(shareLimits.size() + 1);
}

int32_t HeadKinds::kind(float share, int32_t depth) const {
  const auto bucket = static_cast<int32_t>(std::ranges::upper_bound(shareLimits, share) - shareLimits.begin());
  return first + (std::min(depth, depths) - 1) * static_cast<int32_t>(shareLimits.size() + 1) + bucket;
}

} // namespace yoke
