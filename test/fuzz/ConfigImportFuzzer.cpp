// The input as config.json over a small checkpoint's tensors: a module or an error, never a crash.
#include "Import/Import.h"

#include "mlir/IR/MLIRContext.h"

#include <cstdio>
#include <cstdlib>
#include <span>

static const yoke::Checkpoint &tensors() {
  static const yoke::Result<yoke::Checkpoint> checkpoint =
      yoke::Checkpoint::open(YOKE_SOURCE_DIR "/test/unit/Import/fixtures/llama");
  if (!checkpoint) {
    std::fprintf(stderr, "%s\n", checkpoint.error().message.c_str());
    std::exit(1);
  }
  return *checkpoint;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  context.getDiagEngine().registerHandler([](mlir::Diagnostic &) {});
  std::vector<std::string> warnings;
  auto module =
      yoke::importModel(context, {reinterpret_cast<const char *>(data), size}, tensors(), {.warnings = &warnings});
  if (!module && (module.error().kind != yoke::ErrorKind::Malformed || module.error().message.empty()))
    std::abort();
  return 0;
}
