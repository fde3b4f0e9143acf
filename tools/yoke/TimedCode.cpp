#include "TimedCode.h"

#include "Package/StepAbi.h"
#include "Support/File.h"

#include <chrono>

namespace yoke::cli {
namespace {

using Clock = std::chrono::steady_clock;

struct Mark {
  int64_t kernel; ///< that begins, their count at the end of the step
  Clock::time_point time;
};

/// Of the step that is running.
std::vector<Mark> marks;

void mark(int64_t kernel) { marks.push_back({kernel, Clock::now()}); }

} // namespace

Result<TimedCode> TimedCode::compile(const CompilerLibrary &compiler, const std::string &program,
                                     const std::string &target, const std::string &tuning, int64_t maxStepTokens,
                                     const std::string &output) {
  yoke_compile_options options = {};
  options.size = sizeof options;
  options.model_path = program.c_str();
  options.output_path = output.c_str();
  options.target = target.c_str();
  options.emit = "timed-code";
  options.tuning = tuning.c_str();
  options.max_step_tokens = maxStepTokens;
  YOKE_TRY(compiler.compile(options));
  const MappedFile object = YOKE_TRY(MappedFile::open(output));
  TimedCode timed;
  timed.code = YOKE_TRY(CodeModule::load(object.bytes(), output));
  timed.step = reinterpret_cast<YokeStepFunction>(timed.code->symbol(YOKE_STEP_SYMBOL));
  auto *markPlace = static_cast<void (**)(int64_t)>(timed.code->symbol("yoke_mark"));
  const auto *names = static_cast<const char *>(timed.code->symbol("yoke_kernels"));
  if (!timed.step || !markPlace || !names)
    return failed("{}: the code tells no times", program);
  *markPlace = mark;
  for (std::string_view rest = names; !rest.empty();) {
    const size_t end = rest.find('\n');
    timed.keys.emplace_back(rest.substr(0, end));
    rest.remove_prefix(end + 1);
  }
  return timed;
}

KernelSeconds TimedCode::run(Session &session, StepBatch &batch, std::span<float> rows) const {
  marks.clear();
  session.run(batch, rows, step);
  KernelSeconds seconds;
  for (size_t i = 0; i + 1 < marks.size(); ++i)
    seconds[keys[static_cast<size_t>(marks[i].kernel)]] +=
        std::chrono::duration<double>(marks[i + 1].time - marks[i].time).count();
  return seconds;
}

} // namespace yoke::cli
