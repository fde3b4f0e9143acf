//===- CompilerApi.cpp - the C interface of the compiler library ----------===//
#include "yoke/compiler.h"

#include "Compiler/Compile.h"
#include "Compiler/ErrorMessage.h"
#include "Support/File.h"
#include "Support/Hash.h"

#include "llvm/Config/llvm-config.h"

#include <algorithm>
#include <cstring>
#include <dlfcn.h>

using namespace yoke;

static CompileOptions readOptions(const yoke_compile_options &options) {
  auto text = [](const char *string) { return std::string(string ? string : ""); };
  CompileOptions out;
  out.model = text(options.model_path);
  out.output = text(options.output_path);
  out.target = text(options.target);
  out.weights = text(options.weights);
  out.emit = text(options.emit);
  out.remarksPath = text(options.remarks_path);
  out.saveTemps = text(options.save_temps);
  out.printIrAfterStage = options.print_ir_after_stage != 0;
  out.maxStepTokens = options.max_step_tokens;
  out.activations = text(options.activations);
  out.step = text(options.step);
  out.context = options.context;
  out.kvCache = text(options.kv_cache);
  out.draft = text(options.draft);
  out.probe = text(options.probe);
  out.ffnSkip = text(options.ffn_skip);
  out.tuning = text(options.tuning);
  if (options.progress)
    out.progress = [progress = options.progress, context = options.progress_context](std::string_view phase,
                                                                                     double fraction) {
      progress(context, std::string(phase).c_str(), fraction);
    };
  return out;
}

extern "C" __attribute__((visibility("default"))) int yoke_compile(const yoke_compile_options *given,
                                                                   char *errorMessage, size_t errorSize) {
  yoke_compile_options options = {};
  std::memcpy(&options, given, std::min(given->size, sizeof(options)));
  Status status = compile(readOptions(options));
  copyMessage(status ? "" : status.error().message, errorMessage, errorSize);
  return status ? 0 : exitCode(status.error().kind);
}

/// The release and a hash of this library's own bytes.
extern "C" __attribute__((visibility("default"))) const char *yoke_compiler_version(void) {
  static const std::string version = [] {
    std::string text = "0.1.0+llvm" LLVM_VERSION_STRING;
    Dl_info info;
    if (dladdr(reinterpret_cast<void *>(&yoke_compiler_version), &info) && info.dli_fname)
      if (auto file = MappedFile::open(info.dli_fname))
        text += fmt::format("+{:016x}", xxh3(file->bytes()));
    return text;
  }();
  return version.c_str();
}
