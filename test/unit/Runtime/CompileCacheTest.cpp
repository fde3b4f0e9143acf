// Running a checkpoint folder: compiled once, kept by content, compiler and options.
#include "CommandLineFixture.h"

namespace yoke {
namespace {

using test::Outcome;
using testing::HasSubstr;
using testing::StartsWith;
namespace fs = std::filesystem;

class CompileCache : public test::CommandLine {
protected:
  void SetUp() override {
    CommandLine::SetUp();
    fs::create_directory(folder + "/model");
    writeFile("model/config.json", R"({"model_type": "fake"})");
    writeFile("model/model.safetensors", std::string("\x02\0\0\0\0\0\0\0{}", 10));
    environment = "YOKE_COMPILER=" YOKE_FAKE_COMPILER " YOKE_FAKE_PACKAGE=" + package + " YOKE_FAKE_LOG=" + folder +
                  "/log XDG_CACHE_HOME=" + folder + "/cache";
    expected = yoke("run fake.yoke -p abc -n 5 -q").out;
  }

  void writeFile(const std::string &name, const std::string &text) const {
    std::ofstream(folder + "/" + name, std::ios::binary) << text;
  }

  Outcome runModel(const std::string &arguments = "", const std::string &moreEnvironment = "") const {
    return command("env " + environment + " " + moreEnvironment + " " YOKE_PROGRAM " run model -p abc -n 5 -q " +
                   arguments);
  }

  int64_t compilations() const {
    std::string log = contents("log");
    return log == "(none)" ? 0 : std::ranges::count(log, '\n');
  }

  std::string environment, expected;
};

TEST_F(CompileCache, CompilesOnce) {
  for (int i = 0; i < 3; ++i) {
    Outcome run = runModel();
    EXPECT_EQ(run.exitCode, 0) << run.err;
    EXPECT_EQ(run.out, expected);
    EXPECT_EQ(run.err, "");
    EXPECT_EQ(compilations(), 1);
  }
}

TEST_F(CompileCache, KeyedByContentCompilerAndOptions) {
  runModel();
  runModel("--weights q8");
  EXPECT_EQ(compilations(), 2);
  runModel("--target cpu:x86-64-v3");
  EXPECT_EQ(compilations(), 3);
  runModel("", "YOKE_FAKE_VERSION=2");
  EXPECT_EQ(compilations(), 4);
  writeFile("model/config.json", R"({"model_type": "other"})");
  runModel();
  EXPECT_EQ(compilations(), 5);
  runModel();
  EXPECT_EQ(compilations(), 5);
}

TEST_F(CompileCache, DamagedPackageIsCompiledAgain) {
  runModel();
  for (const auto &entry : fs::directory_iterator(folder + "/cache/yoke"))
    if (entry.path().extension() == ".yoke")
      fs::resize_file(entry.path(), 5000);
  Outcome run = runModel();
  EXPECT_EQ(run.out, expected) << run.err;
  EXPECT_EQ(compilations(), 2);
}

TEST_F(CompileCache, ConcurrentRunsCompileOnce) {
  std::string one = "env " + environment + " " YOKE_PROGRAM " run model -p abc -n 5 -q";
  Outcome run = command("sh -c '" + one + " >1 & " + one + " >2 & " + one + " >3 & wait; cat 1 2 3'");
  EXPECT_EQ(run.out, expected + expected + expected) << run.err;
  EXPECT_EQ(compilations(), 1);
}

TEST_F(CompileCache, NoCacheKeepsNothing) {
  for (int i = 1; i <= 2; ++i) {
    Outcome run = runModel("--no-cache", "TMPDIR=" + folder + "/model/..");
    EXPECT_EQ(run.out, expected) << run.err;
    EXPECT_EQ(compilations(), i);
  }
  EXPECT_FALSE(fs::exists(folder + "/cache"));
  for (const auto &entry : fs::directory_iterator(folder))
    EXPECT_THAT(entry.path().filename().string(), testing::Not(StartsWith("yoke-")));
}

TEST_F(CompileCache, UnusableFolderFallsBackWithAWarning) {
  writeFile("file", "");
  fs::create_directory(folder + "/tmp");
  std::string elsewhere = "XDG_CACHE_HOME=" + folder + "/file TMPDIR=" + folder + "/tmp";
  for (int i = 0; i < 2; ++i) {
    Outcome run = runModel("", elsewhere);
    EXPECT_EQ(run.exitCode, 0);
    EXPECT_EQ(run.out, expected);
    EXPECT_THAT(run.err, StartsWith("yoke: warning: the cache folder "));
    EXPECT_EQ(compilations(), 1);
  }
}

/// A package holds code: a cache folder that others can write to is not used.
TEST_F(CompileCache, SharedFolderIsNotTrusted) {
  fs::create_directories(folder + "/cache/yoke");
  fs::create_directory(folder + "/tmp");
  fs::permissions(folder + "/cache/yoke", fs::perms::all);
  Outcome run = runModel("", "TMPDIR=" + folder + "/tmp");
  EXPECT_EQ(run.out, expected);
  EXPECT_THAT(run.err, HasSubstr("cannot be used"));
  EXPECT_TRUE(fs::is_empty(folder + "/cache/yoke"));
}

TEST_F(CompileCache, CompilersErrorsArePassedOn) {
  Outcome run = runModel("--weights q1");
  EXPECT_EQ(run.exitCode, 2);
  EXPECT_EQ(run.err, "yoke: error: weights: unknown type \"q1\"\n");
  writeFile("model/model.safetensors", "short");
  Outcome broken = runModel();
  EXPECT_EQ(broken.exitCode, 3);
  EXPECT_THAT(broken.err, HasSubstr("model.safetensors"));
}

TEST_F(CompileCache, CompileCommandPassesOptions) {
  Outcome run = command("env " + environment + " " YOKE_PROGRAM " compile model -o out.yoke --target cpu:x86-64-v4");
  EXPECT_EQ(run.exitCode, 0) << run.err;
  EXPECT_EQ(contents("log"), "model|cpu:x86-64-v4|\n");
  EXPECT_EQ(yoke("verify out.yoke").exitCode, 0);
}

} // namespace
} // namespace yoke
