// Runs the built program in a folder of its own that holds fake.yoke, a package with a hand-written step function.
#pragma once

#include "FakeModel.h"
#include "Support/File.h"
#include "Support/Json.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace yoke::test {

struct Outcome {
  int exitCode;
  std::string out, err;
};

class CommandLine : public testing::Test {
protected:
  void SetUp() override {
    std::string path = testing::TempDir() + "yoke-cli-XXXXXX";
    ASSERT_TRUE(mkdtemp(path.data()));
    folder = path;
    package = folder + "/fake.yoke";
    Status written = writeFakePackage(package, {});
    ASSERT_TRUE(written) << written.error().message;
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  std::string contents(const std::string &name) const {
    return readFile(folder + "/" + name, size_t(1) << 30).value_or("(none)");
  }

  /// Runs a shell command in the folder, its input empty.
  Outcome command(const std::string &text) const {
    int status = std::system(("cd " + folder + " && " + text + " >out 2>err </dev/null").c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status), contents("out"), contents("err")};
  }

  Outcome yoke(const std::string &arguments) const { return command(YOKE_PROGRAM " " + arguments); }

  Json runJson(const std::string &arguments) const {
    Outcome run = yoke("run fake.yoke --json " + arguments);
    EXPECT_EQ(run.exitCode, 0) << run.err;
    auto json = parseJson(run.out, "stdout");
    EXPECT_TRUE(json) << run.out;
    return json.value_or(Json::object());
  }

  std::string folder, package;
};

} // namespace yoke::test
