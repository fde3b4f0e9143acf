//===- SharedObject.cpp - links generated code ----------------------------===//
#include "Compiler/Codegen.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

using namespace yoke;

/// The linker of the LLVM that this compiler was built with, else any on the path.
static Result<std::string> findLinker() {
  for (llvm::StringRef name : {"ld.lld", "ld.lld-22"}) {
    if (auto path = llvm::sys::findProgramByName(name, {YOKE_LLVM_TOOLS}))
      return *path;
    if (auto path = llvm::sys::findProgramByName(name))
      return *path;
  }
  return failed("linking: ld.lld not found in {} or on the path; install lld-22", YOKE_LLVM_TOOLS);
}

static Result<std::string> temporaryFile(llvm::StringRef suffix) {
  llvm::SmallString<128> path;
  if (std::error_code code = llvm::sys::fs::createTemporaryFile("yoke", suffix, path))
    return outOfResources("linking: no temporary file: {}", code.message());
  return path.str().str();
}

Result<std::string> yoke::linkSharedObject(llvm::ArrayRef<char> object) {
  std::string linker = YOKE_TRY(findLinker());
  std::string objectPath = YOKE_TRY(temporaryFile("o"));
  llvm::scope_exit removeObject([&] { llvm::sys::fs::remove(objectPath); });
  std::string outputPath = YOKE_TRY(temporaryFile("so"));
  llvm::scope_exit removeOutput([&] { llvm::sys::fs::remove(outputPath); });
  std::string messagePath = YOKE_TRY(temporaryFile("txt"));
  llvm::scope_exit removeMessage([&] { llvm::sys::fs::remove(messagePath); });

  {
    std::error_code code;
    llvm::raw_fd_ostream stream(objectPath, code);
    stream << llvm::StringRef(object.data(), object.size());
    stream.close();
    if (stream.has_error()) {
      code = stream.error();
      stream.clear_error();
      return outOfResources("linking: {}: {}", objectPath, code.message());
    }
  }
  std::optional<llvm::StringRef> redirects[] = {"", llvm::StringRef(messagePath), llvm::StringRef(messagePath)};
  std::string problem;
  int status = llvm::sys::ExecuteAndWait(
      linker, {linker, "-shared", "--strip-all", "--hash-style=gnu", "-z", "noexecstack", "-o", outputPath, objectPath},
      std::nullopt, redirects, /*SecondsToWait=*/0, /*MemoryLimit=*/0, &problem);
  if (status != 0) {
    if (auto message = llvm::MemoryBuffer::getFile(messagePath))
      problem += (*message)->getBuffer().split('\n').first.str();
    return failed("linking: {} failed: {}", linker, problem);
  }
  auto output = llvm::MemoryBuffer::getFile(outputPath, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!output)
    return outOfResources("linking: {}: {}", outputPath, output.getError().message());
  return (*output)->getBuffer().str();
}
