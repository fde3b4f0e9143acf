#include "runtime/CompiledLoop.h"

#include <algorithm>
#include <utility>

namespace yoke {

using Clock = std::chrono::steady_clock;

bool CompiledLoop::suits(Session &session, const Generation &generation, const Speculation *speculation) {
  const Model &model = session.model();
  const std::optional<LoopDescription> &loop = model.manifest.loop;
  if (!loop || generation.isInterpreted() || session.ropeSwitch() > 0 || session.device())
    return false;
  if (!speculation)
    return loop->drafter() == "none";
  return loop->drafter() == speculation->drafter;
}

Result<DecodeSpec> CompiledLoop::spec(const Model &model) {
  auto spec = DecodeSpec::parse(model.manifest.loop->draft);
  if (!spec)
    return malformed("{}: manifest: loop.draft: {}", model.path, spec.error().message);
  return spec;
}

CompiledLoop::CompiledLoop(Session &session, Generation &generation, const std::atomic<bool> *cancelled,
                           Speculation *speculation)
    : session(session), generation(generation), cancelled(cancelled), speculation(speculation),
      greedy(session.model().greedyLoop && generation.isPlainGreedy()),
      capacity(session.model().manifest.loop->capacity), best(greedy ? session.model().manifest.loop->best : 0),
      columns(greedy ? best : session.outputColumns()) {}

Status CompiledLoop::run() {
  generation.stats().compiledLoop = true;
  const Model &model = session.model();
  const int64_t stateBytes = (YOKE_LOOP_WORDS + YOKE_LOOP_ARRAYS * capacity) * int64_t(sizeof(int32_t));
  state = YOKE_TRY(AnonymousMemory::allocate(stateBytes, "the generation loop"));
  rowMemory = YOKE_TRY(AnonymousMemory::allocate(capacity * columns * int64_t(sizeof(float)), "rows of logits"));
  rows = {reinterpret_cast<float *>(rowMemory.data()), static_cast<size_t>(capacity * columns)};
  ids.resize(capacity * best);
  const int64_t pageTokens = session.kvCache().layout().pageTokens;
  blocks.resize((model.manifest.maxPositions + pageTokens - 1) / pageTokens);

  const std::span<int32_t> table = speculation ? speculation->successors : std::span<int32_t>();
  const YokeLoopHooks hooks = {
      call<&CompiledLoop::begin>, call<&CompiledLoop::draft>,  call<&CompiledLoop::learn>, call<&CompiledLoop::choose>,
      call<&CompiledLoop::add>,   call<&CompiledLoop::commit>, call<&CompiledLoop::drop>,
  };
  session.runLoop(greedy ? model.greedyLoop : model.loop,
                  {{state.data(), size_t(stateBytes)}, blocks, rows, ids, table}, this, hooks);
  return status;
}

bool CompiledLoop::goesOn() {
  if (!status || generation.finished())
    return false;
  if (cancelled && cancelled->load(std::memory_order_relaxed)) {
    generation.cancel();
    return false;
  }
  return true;
}

void CompiledLoop::prepareStep() {
  words()[YOKE_LOOP_COMMITTED] = static_cast<int32_t>(generation.rootSlot());
  std::ranges::copy(generation.blockTable(), blocks.begin());
  stepStart = Clock::now();
}

int64_t CompiledLoop::begin(int64_t wanted) {
  if (!goesOn())
    return 0;
  int64_t maxDepth = 0;
  const auto room = generation.beginRoot(std::exchange(skipNext, false) ? 1 : wanted, maxDepth);
  if (!room) {
    status = tl::unexpected(room.error());
    return 0;
  }
  ownTree = true;
  words()[YOKE_LOOP_MAX_DEPTH] = static_cast<int32_t>(maxDepth);
  array(YOKE_LOOP_TOKENS)[0] = generation.tokens().back();
  array(YOKE_LOOP_PARENTS)[0] = -1;
  array(YOKE_LOOP_DEPTHS)[0] = 0;
  prepareStep();
  return *room;
}

int64_t CompiledLoop::draft(int64_t wanted) {
  if (!goesOn())
    return 0;
  const auto tree = generation.beginTree(/*otherRows=*/0, wanted);
  if (!tree) {
    status = tl::unexpected(tree.error());
    return 0;
  }
  const auto tokens = array(YOKE_LOOP_TOKENS), parents = array(YOKE_LOOP_PARENTS), depths = array(YOKE_LOOP_DEPTHS);
  for (int32_t i = 0; i < (*tree)->size(); ++i) {
    const DraftNode &node = (**tree)[i];
    tokens[i] = node.token;
    parents[i] = node.parent;
    depths[i] = node.depth;
  }
  prepareStep();
  return (*tree)->size();
}

void CompiledLoop::adoptTree() {
  const auto tokens = array(YOKE_LOOP_TOKENS), parents = array(YOKE_LOOP_PARENTS);
  DraftTree tree(tokens[0]);
  for (int64_t i = 1; i < nodes; ++i)
    tree.add(parents[i], tokens[i], -1, 1);
  generation.adoptTree(tree);
}

/// Called by whatever comes first after a step.
void CompiledLoop::stepDone() {
  if (!stepStart)
    return;
  nodes = words()[YOKE_LOOP_NODES];
  session.countRows(nodes);
  if (speculation && ownTree)
    adoptTree();
  if (speculation)
    speculation->observeStep(nodes, std::chrono::duration<double>(Clock::now() - *stepStart).count());
  stepStart.reset();
  ++generation.stats().modelCalls;
  ++generation.stats().samplingCalls;
}

int64_t CompiledLoop::learn(int64_t width) {
  stepDone();
  if (width == 0)
    generation.evaluated(rowsOf(nodes));
  else
    generation.evaluated({rowsOf(nodes), std::span(ids).first(nodes * width), static_cast<int32_t>(width)});
  return 0;
}

int64_t CompiledLoop::choose(int64_t node) {
  stepDone();
  status = generation.choose(rows.subspan(node * columns, columns));
  return status && !generation.finished() ? generation.tokens().back() : -1;
}

int64_t CompiledLoop::add(int64_t token) {
  stepDone();
  if (token >= 0)
    generation.add(static_cast<int32_t>(token));
  else if (token == -1)
    status = failed("the model produced NaN logits at step {}", generation.stats().generatedTokens);
  else
    status =
        failed("no token is allowed at step {}: every logit is -inf or suppressed", generation.stats().generatedTokens);
  return status && !generation.finished() ? token : -1;
}

int64_t CompiledLoop::commit(int64_t accepted) {
  generation.keepPath(array(YOKE_LOOP_PATH).first(accepted));
  return 0;
}

int64_t CompiledLoop::drop(int64_t) {
  stepDone();
  skipNext = true;
  generation.dropTree();
  return 0;
}

} // namespace yoke
