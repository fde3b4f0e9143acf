#include "TestFolder.h"

#include <cstring>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>
#include <unistd.h>

using namespace yoke;
namespace fs = std::filesystem;

static std::string readAll(const std::string &path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

std::string test::fixture(const std::string &name) {
  return std::string(YOKE_SOURCE_DIR "/test/unit/Import/fixtures/") + name;
}

test::TestFolder::TestFolder(const std::string &name) {
  std::string pattern = (fs::temp_directory_path() / "yoke-import-XXXXXX").string();
  folder = ::mkdtemp(pattern.data());
  fs::copy(fixture(name), folder, fs::copy_options::recursive);
}

test::TestFolder::~TestFolder() { fs::remove_all(folder); }

Json test::TestFolder::json(const std::string &file) const {
  return Json::parse(readAll(folder + "/" + file), nullptr, false);
}

void test::TestFolder::write(const std::string &file, const std::string &text) const {
  fs::create_directories(fs::path(folder + "/" + file).parent_path());
  std::ofstream(folder + "/" + file, std::ios::binary) << text;
}

void test::TestFolder::edit(const std::function<void(Json &)> &change, const std::string &file) const {
  Json document = json(file);
  change(document);
  write(file, dumpJson(document));
}

void test::TestFolder::editTensors(const std::function<void(Json &)> &change) const {
  std::string file = readAll(folder + "/model.safetensors");
  uint64_t length = 0;
  std::memcpy(&length, file.data(), sizeof length);
  Json header = Json::parse(file.substr(8, length), nullptr, false);
  change(header);
  std::string text = dumpJson(header);
  length = text.size();
  std::string prefix(8, '\0');
  std::memcpy(prefix.data(), &length, sizeof length);
  uint64_t oldLength = 0;
  std::memcpy(&oldLength, file.data(), sizeof oldLength);
  write("model.safetensors", prefix + text + file.substr(8 + oldLength));
}

Result<mlir::OwningOpRef<mlir::ModuleOp>> test::import(mlir::MLIRContext &context, const std::string &folder,
                                                       ImportOptions options) {
  Result<Checkpoint> checkpoint = Checkpoint::open(folder);
  if (!checkpoint) {
    ADD_FAILURE() << checkpoint.error().message;
    return tl::unexpected(checkpoint.error());
  }
  return importCheckpoint(context, *checkpoint, options);
}

std::string test::importError(const std::string &folder) {
  mlir::MLIRContext context;
  auto module = import(context, folder);
  if (module) {
    ADD_FAILURE() << "imported";
    return "";
  }
  EXPECT_EQ(module.error().kind, ErrorKind::Malformed);
  EXPECT_EQ(module.error().message.find('\n'), std::string::npos);
  return module.error().message;
}
