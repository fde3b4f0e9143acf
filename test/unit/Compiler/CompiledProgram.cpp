#include "CompiledProgram.h"
#include "Random.h"

#include "Compiler/Codegen.h"
#include "Compiler/Describe.h"
#include "Compiler/Diagnostics.h"
#include "Compiler/WeightPacker.h"
#include "LowerCpu/WeightLayout.h"
#include "Pipelines.h"

#include "mlir/Pass/PassManager.h"

#include <barrier>
#include <dlfcn.h>
#include <filesystem>
#include <numeric>
#include <thread>
#include <unistd.h>

using namespace yoke;

namespace {
/// A folder that goes with its object.
class TemporaryFolder {
public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "yoke-compiled-XXXXXX").string();
    path = mkdtemp(pattern.data());
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  std::string path;
};

struct Lowered {
  std::vector<PackedWeight> weights;
  int64_t weightBytes = 0;
  StepDescription step;
};
} // namespace

/// Runs the stages; the globals go in the last one.
static Result<Lowered> lower(mlir::ModuleOp module, const CpuTarget &target, int64_t maxTokens,
                             const std::string &tuning) {
  Lowered result;
  StageOptions options;
  options.level = target.levelWithExtensions();
  options.maxTokens = maxTokens;
  options.tuning = tuning;
  for (const Stage &stage : cpuStages()) {
    if (stage.name == "native") {
      for (auto global : module.getOps<mlir::ml_program::GlobalOp>())
        result.weights.push_back({global.getSymName().str(), mlir::cast<mlir::RankedTensorType>(global.getType()),
                                  mlir::cast<llm::WeightAttr>(global.getValueAttr()), getLayout(global)});
      result.weightBytes = module->getAttrOfType<mlir::IntegerAttr>("llm.weight_bytes").getInt();
      result.step = YOKE_TRY(describeModule(module)).step;
    }
    FirstError errors(*module.getContext());
    mlir::PassManager manager(module.getContext());
    stage.build(manager, options);
    if (mlir::failed(manager.run(module)))
      return tl::unexpected<Error>(errors.take(ErrorKind::Failed, "stage " + stage.name.str() + " failed"));
  }
  return result;
}

Result<std::unique_ptr<CompiledProgram>> CompiledProgram::compile(const RandomProgram &program, const CpuTarget &target,
                                                                  int64_t maxTokens, const std::string &tuning) {
  mlir::OwningOpRef<mlir::ModuleOp> module = program.module.get().clone();
  Lowered lowered = YOKE_TRY(lower(*module, target, maxTokens, tuning));
  auto object = YOKE_TRY(compileToObject(*module, target));
  std::string code = YOKE_TRY(linkSharedObject(object));

  std::unique_ptr<CompiledProgram> compiled(
      new CompiledProgram(static_cast<size_t>(std::max<int64_t>(lowered.weightBytes, 64))));
  compiled->step = lowered.step;
  YOKE_TRY(compiled->load(code));
  TemporaryFolder folder;
  YOKE_TRY(program.writeCheckpoint(folder.path));
  Checkpoint checkpoint = YOKE_TRY(Checkpoint::open(folder.path));
  std::span<std::byte> section(compiled->weights.data(), compiled->weights.size());
  for (const PackedWeight &weight : lowered.weights)
    YOKE_TRY(packWeight(checkpoint, weight,
                        section.subspan(static_cast<size_t>(weight.layout.getOffset()),
                                        static_cast<size_t>(packedBytes(weight.type, weight.layout)))));
  compiled->weights.makeReadOnly();
  return compiled;
}

Status CompiledProgram::load(const std::string &object) {
  descriptor = memfd_create("yoke-test", MFD_CLOEXEC);
  if (descriptor < 0 || write(descriptor, object.data(), object.size()) != static_cast<ssize_t>(object.size()))
    return failed("the code could not be written to memory");
  handle = dlopen(("/proc/self/fd/" + std::to_string(descriptor)).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle)
    return failed("{}", dlerror());
  function = reinterpret_cast<YokeStepFunction>(dlsym(handle, YOKE_STEP_SYMBOL));
  return function ? Status() : failed("the code has no symbol {}", YOKE_STEP_SYMBOL);
}

CompiledProgram::~CompiledProgram() {
  if (handle)
    dlclose(handle);
  if (descriptor >= 0)
    close(descriptor);
}

static int64_t divideCeil(int64_t a, int64_t b) { return (a + b - 1) / b; }

CompiledSession::CompiledSession(const CompiledProgram &program, int32_t sequences, int64_t slotsPerSequence,
                                 int threads)
    : program(program), threads(threads), blockStride(divideCeil(slotsPerSequence, program.step.pageTokens)),
      blocks(static_cast<size_t>(sequences * blockStride)),
      pages(blocks.size() * static_cast<size_t>(program.step.pageBytes)),
      arena(static_cast<size_t>(program.step.arenaBytes + threads * program.step.arenaBytesPerThread)) {
  std::iota(blocks.begin(), blocks.end(), 0);
  Random random(17);
  for (size_t i = blocks.size(); i > 1; --i)
    std::swap(blocks[i - 1], blocks[static_cast<size_t>(random.integer(0, static_cast<int64_t>(i) - 1))]);
  std::fill_n(pages.as<float>(), pages.size() / sizeof(float), 1e6f);
}

static YokeMemRef1 memref(const GuardedBuffer &buffer, size_t elementBytes) {
  return {buffer.data(), buffer.data(), 0, static_cast<int64_t>(buffer.size() / elementBytes), 1};
}

Matrix CompiledSession::run(const Batch &batch) {
  const std::vector<int32_t> *arrays[] = {&batch.tokens,    &batch.positions, &batch.slots,   &batch.limits,
                                          &batch.sequences, &batch.parents,   &batch.outputs, &blocks};
  std::vector<GuardedBuffer> buffers;
  std::vector<YokeMemRef1> ids;
  for (const std::vector<int32_t> *array : arrays) {
    size_t bytes = array->size() * sizeof(int32_t);
    buffers.emplace_back(bytes);
    if (bytes > 0)
      std::memcpy(buffers.back().data(), array->data(), bytes);
    ids.push_back(memref(buffers.back(), sizeof(int32_t)));
  }
  Matrix result(static_cast<int64_t>(batch.outputs.size()), program.step.outputColumns);
  GuardedBuffer rows(result.data.size() * sizeof(float));
  rows.fill(0xff);
  arena.fill(0xff);
  YokeMemRef1 weights = memref(program.weights, 1), arenaBytes = memref(arena, 1), kv = memref(pages, 1);
  YokeMemRef1 output = memref(rows, sizeof(float));

  std::barrier<> barrier(threads);
  auto meet = [](void *context) { static_cast<std::barrier<> *>(context)->arrive_and_wait(); };
  auto runThread = [&](int thread) {
    program.function(&weights, &arenaBytes, &kv, &ids[0], &ids[1], &ids[2], &ids[3], &ids[4], &ids[5], &ids[6], &ids[7],
                     blockStride, &output, thread, threads, &barrier, meet);
  };
  std::vector<std::thread> team;
  for (int thread = 1; thread < threads; ++thread)
    team.emplace_back(runThread, thread);
  runThread(0);
  for (std::thread &thread : team)
    thread.join();
  if (rows.size() > 0)
    std::memcpy(result.data.data(), rows.data(), rows.size());
  return result;
}
