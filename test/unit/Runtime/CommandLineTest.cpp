// Runs the built program on packages with a hand-written step function.
#include "CommandLineFixture.h"
#include "runtime/CodeModule.h"

namespace yoke {
namespace {

using test::CommandLine;
using test::Outcome;
using testing::HasSubstr;
using testing::StartsWith;

std::string listed(const std::vector<int32_t> &ids) { return fmt::format("{}", fmt::join(ids, ",")); }

TEST_F(CommandLine, RunPrintsOneJsonObject) {
  std::vector<int32_t> prompt = {5, 9, 33, 2, 70, 71, 72, 73, 74, 1};
  Json json = runJson("--token-ids " + listed(prompt) + " -n 12");
  auto expected = test::fakeContinuation(prompt, 12);
  EXPECT_EQ(json["token_ids"].get<std::vector<int32_t>>(), expected);
  EXPECT_EQ(json["prompt_token_ids"].get<std::vector<int32_t>>(), prompt);
  EXPECT_EQ(json["finish_reason"], "length");
  std::string text;
  for (int32_t id : expected)
    if (id < 95)
      text += static_cast<char>(' ' + id);
  EXPECT_EQ(json["text"], text);
  EXPECT_FALSE(json.contains("logprobs"));
  for (const char *key : {"prompt_tokens", "generated_tokens", "model_calls", "tokens_per_call", "accepted_histogram",
                          "skipped_ffn_fraction", "expert_load", "load_s", "prefill_s", "decode_s",
                          "prefill_tokens_per_s", "decode_tokens_per_s", "peak_memory_bytes"})
    EXPECT_TRUE(json["stats"].contains(key)) << key;
  EXPECT_EQ(json["stats"]["generated_tokens"], 12);
  EXPECT_EQ(json["stats"]["model_calls"], 13);
}

TEST_F(CommandLine, GuessesChangeNothingButTheNumberOfCalls) {
  const std::string prompt = "--token-ids 5,9,33,2,70,71,72,73,74,1";
  const Json plain = runJson(prompt + " -n 40");
  for (const char *decode :
       {"prompt-lookup:size=full", "ngram:size=full,rows=4", "token-recycling:state=table", "auto"}) {
    const Json json = runJson(prompt + " -n 40 --decode " + decode);
    EXPECT_EQ(json["token_ids"], plain["token_ids"]) << decode;
    EXPECT_EQ(json["text"], plain["text"]) << decode;
    const Json &stats = json["stats"];
    ASSERT_TRUE(stats.contains("speculation")) << decode;
    for (const char *key :
         {"drafter", "drafts", "guesses", "accepted", "acceptance", "draft_s", "plain_step_s", "speedup_estimate"})
      EXPECT_TRUE(stats["speculation"].contains(key)) << key;
    int64_t steps = 0;
    for (const Json &count : stats["accepted_histogram"])
      steps += count.get<int64_t>();
    EXPECT_GE(stats["model_calls"], steps);
  }
  EXPECT_TRUE(std::filesystem::exists(folder + "/table"));
  EXPECT_TRUE(std::filesystem::exists(folder + "/fake.yoke.recycle"));
  Outcome text = yoke("run fake.yoke " + prompt + " -n 40 --decode ngram:size=full");
  EXPECT_EQ(text.exitCode, 0);
  EXPECT_THAT(text.err, HasSubstr("tokens a call"));

  std::ofstream(folder + "/table") << "damaged";
  Outcome damaged = yoke("run fake.yoke -p a --decode token-recycling:state=table");
  EXPECT_EQ(damaged.exitCode, 3);
  EXPECT_EQ(damaged.err, "yoke: error: table: is not a table of successors\n");
  std::ofstream(folder + "/fake.yoke.recycle") << "damaged";
  Outcome beside = yoke("run fake.yoke -p a -n 4 --decode token-recycling");
  EXPECT_EQ(beside.exitCode, 0) << "a help only, replaced by a new one";
  EXPECT_THAT(beside.err, HasSubstr("starting without it"));
  std::ofstream(folder + "/tree.json") << "[[1, 0]]";
  Outcome tree = yoke("run fake.yoke -p a --decode token-recycling:tree=tree.json");
  EXPECT_EQ(tree.exitCode, 3);
  EXPECT_EQ(tree.err, "yoke: error: tree.json: path [1, 0]: its parent is not in the tree\n");
  EXPECT_EQ(yoke("run fake.yoke -p a --decode token-recycling:tree=missing.json").exitCode, 3);
  EXPECT_EQ(yoke("run fake.yoke -p a --decode ngram:q=1").exitCode, 2);
  EXPECT_EQ(yoke("run fake.yoke -p a --decode nonsense").exitCode, 2);
}

TEST_F(CommandLine, VerifyParityDecodesBothWays) {
  Outcome sound = yoke("verify fake.yoke --parity -n 12 -p Hello");
  EXPECT_EQ(sound.exitCode, 0) << sound.err;
  EXPECT_THAT(sound.out, HasSubstr("parity, 7 prompts"));
  EXPECT_THAT(sound.out, HasSubstr("to the last bit"));
  EXPECT_EQ(yoke("verify fake.yoke --parity -n 0").exitCode, 2);
}

TEST_F(CommandLine, BenchComparesWaysOfDecoding) {
  std::ofstream(folder + "/prompts") << R"({"prompt": "abcabcabc", "class": "copy"})"
                                        "\n\n"
                                        R"({"prompt": "xyz", "temperature": 0.5})"
                                        "\n";
  Outcome run = yoke("bench fake.yoke --decode ngram:size=full --decode auto --prompts prompts -n 16 -r 1 -o json");
  ASSERT_EQ(run.exitCode, 0) << run.err;
  const Json rows = parseJson(run.out, "bench").value();
  ASSERT_EQ(rows.size(), 9u) << "three ways for two classes and for all";
  EXPECT_EQ(rows[0]["decode"], "greedy");
  EXPECT_EQ(rows[0]["speedup"], 1.0);
  EXPECT_EQ(rows[0]["tokens_per_call"], 1.0);
  EXPECT_EQ(rows[8]["class"], "all");
  EXPECT_EQ(rows[8]["tokens"], 30);
  EXPECT_FALSE(std::filesystem::exists(folder + "/fake.yoke.recycle")) << "each run starts with empty tables";
  EXPECT_THAT(yoke("bench fake.yoke --decode ngram --prompts prompts -n 16 -r 1").out, HasSubstr("speed-up"));

  EXPECT_EQ(yoke("bench fake.yoke --decode ngram").exitCode, 2);
  EXPECT_EQ(yoke("bench fake.yoke --prompts prompts").exitCode, 2);
  EXPECT_EQ(yoke("bench fake.yoke --decode ngram --prompts prompts -n 1,2").exitCode, 2);
  EXPECT_EQ(yoke("bench fake.yoke --decode ngram --prompts missing").exitCode, 3);
  for (const char *text :
       {"", "\n", "[]", R"({"class": "x"})", R"({"prompt": 1})", R"({"prompt": "a", "temperature": -1})"}) {
    std::ofstream(folder + "/bad") << text;
    Outcome refused = yoke("bench fake.yoke --decode ngram --prompts bad -n 4");
    EXPECT_EQ(refused.exitCode, 3) << text;
    EXPECT_THAT(refused.err, StartsWith("yoke: error: bad")) << text;
  }
}

TEST_F(CommandLine, ADraftModelMustShareTheVocabulary) {
  const std::string prompt = "--token-ids 5,9,33,2,70,71,72,73,74,1 -n 30";
  const Json plain = runJson(prompt);
  EXPECT_EQ(runJson(prompt + " --draft-model fake.yoke")["token_ids"], plain["token_ids"]);
  EXPECT_EQ(runJson(prompt + " --decode model:fake.yoke")["token_ids"], plain["token_ids"]);
  Manifest manifest = test::fakeManifest({});
  manifest.vocabSize = manifest.step.outputColumns = 98;
  ASSERT_TRUE(test::writeFakePackage(folder + "/other.yoke", {}, "{}", manifest));
  Outcome refused = yoke("run fake.yoke -p a --draft-model other.yoke");
  EXPECT_EQ(refused.exitCode, 3);
  EXPECT_EQ(refused.err, "yoke: error: other.yoke: has 98 tokens, but fake.yoke has 97: a draft model needs the same "
                         "vocabulary\n");
  EXPECT_EQ(yoke("run fake.yoke -p a --draft-model missing.yoke").exitCode, 3);
  EXPECT_EQ(yoke("run fake.yoke -p a --draft-model fake.yoke --decode ngram").exitCode, 2);
}

TEST_F(CommandLine, RunStreamsTheSameText) {
  std::string text = runJson("-p 'Hello, world' -n 20")["text"];
  Outcome plain = yoke("run fake.yoke -p 'Hello, world' -n 20 --threads 2");
  EXPECT_EQ(plain.exitCode, 0);
  EXPECT_EQ(plain.out, text + "\n");
  EXPECT_THAT(plain.err, HasSubstr("t/s"));
  EXPECT_EQ(yoke("run fake.yoke -p 'Hello, world' -n 20 --quiet").err, "");
  EXPECT_EQ(yoke("run fake.yoke -p 'Hello, world' -n 20 --no-mmap -q").out, text + "\n");
  std::ofstream(folder + "/prompt") << "Hello, world";
  EXPECT_EQ(yoke("run fake.yoke -f prompt -n 20").out, text + "\n");
  EXPECT_EQ(yoke("run fake.yoke -f - -n 20 <prompt").exitCode, 3) << "the shell's last redirection is empty";
}

TEST_F(CommandLine, StopStringsAndLogprobs) {
  std::string text = runJson("-p abc -n 20")["text"];
  std::string stop = text.substr(4, 2);
  std::ofstream(folder + "/flags") << stop;
  Outcome run = yoke("run fake.yoke -p abc -n 20 --json --logprobs 2 --stop \"$(cat flags)\"");
  ASSERT_EQ(run.exitCode, 0) << run.err;
  Json json = *parseJson(run.out, "stdout");
  EXPECT_EQ(json["text"], text.substr(0, text.find(stop)));
  EXPECT_EQ(json["finish_reason"], "stop");
  ASSERT_EQ(json["logprobs"].size(), json["token_ids"].size());
  EXPECT_EQ(json["logprobs"][0]["top"].size(), 2u);
  EXPECT_EQ(json["logprobs"][0]["token_id"], json["token_ids"][0]);
}

TEST_F(CommandLine, SeedsReproduce) {
  Json a = runJson("-p abc -n 30 --temperature 2 --seed 4"), b = runJson("-p abc -n 30 --temp 2 -s 4 -t 1"),
       c = runJson("-p abc -n 30 --temperature 2 --seed 5");
  EXPECT_EQ(a["token_ids"], b["token_ids"]);
  EXPECT_NE(a["token_ids"], c["token_ids"]);
}

TEST_F(CommandLine, CheckpointDefaultsApply) {
  ASSERT_TRUE(test::writeFakePackage(package, {}, R"({"do_sample": true, "temperature": 2.0, "max_new_tokens": 9})"));
  Json sampled = runJson("-p abc --seed 4");
  EXPECT_EQ(sampled["token_ids"].size(), 9u);
  Json greedy = runJson("-p abc --temperature 0");
  EXPECT_EQ(greedy["token_ids"].get<std::vector<int32_t>>(), test::fakeContinuation({65, 66, 67}, 9));
  EXPECT_NE(sampled["token_ids"], greedy["token_ids"]);
}

TEST_F(CommandLine, WrongUsage) {
  for (const char *arguments : {"",
                                "frobnicate",
                                "run",
                                "run fake.yoke",
                                "run fake.yoke --no-such-flag",
                                "run fake.yoke -p a -n x",
                                "run fake.yoke -p a -n -1",
                                "run fake.yoke -p a --temperature -1",
                                "run fake.yoke -p a --temperature nan",
                                "run fake.yoke -p a --temperature 1 --top-p 1.5",
                                "run fake.yoke -p a --top-k -1",
                                "run fake.yoke -p a --token-ids 1",
                                "run fake.yoke --token-ids 1,,2",
                                "run fake.yoke --token-ids 1x",
                                "run fake.yoke -p a --threads 0",
                                "run fake.yoke -p a --threads 100000",
                                "run fake.yoke -p a --logprobs -1",
                                "run fake.yoke -p a --logprobs 1000000000",
                                "run fake.yoke -p a --repetition-penalty 0",
                                "eval fake.yoke",
                                "eval fake.yoke --token-ids 1,2",
                                "eval fake.yoke --text err --context 1000",
                                "bench fake.yoke -o xml",
                                "bench fake.yoke -r 0",
                                "bench fake.yoke -p -5",
                                "bench fake.yoke -p 0 -n 0",
                                "compile",
                                "inspect",
                                "verify"}) {
    Outcome run = yoke(arguments);
    EXPECT_EQ(run.exitCode, 2) << arguments << ": " << run.err;
    EXPECT_THAT(run.err, StartsWith("yoke: error: ")) << arguments;
    EXPECT_EQ(std::ranges::count(run.err, '\n'), 1) << arguments << ": " << run.err;
    EXPECT_EQ(run.out, "") << arguments;
  }
}

TEST_F(CommandLine, RefusedInput) {
  std::string long_ids = "1";
  for (int i = 0; i < 64; ++i)
    long_ids += ",1";
  for (const std::string &arguments :
       {std::string("run missing.yoke -p a"), std::string("run out -p a"), std::string("run fake.yoke -p ''"),
        "run fake.yoke --token-ids " + long_ids, "run fake.yoke --token-ids " + long_ids.substr(2),
        std::string("run fake.yoke --token-ids 97"), std::string("run fake.yoke --token-ids -1"),
        std::string("run fake.yoke --token-ids 99999999999"), std::string("run fake.yoke -f missing"),
        std::string("run fake.yoke -f /dev/zero"), std::string("eval fake.yoke --embed -p a"),
        "eval fake.yoke -o x.npy --token-ids " + long_ids, std::string("bench fake.yoke -p 65"),
        std::string("inspect out"), std::string("verify /dev/null"),
        std::string("run fake.yoke -p a --decode medusa")}) {
    Outcome run = yoke(arguments);
    EXPECT_EQ(run.exitCode, 3) << arguments << ": " << run.err;
    EXPECT_THAT(run.err, StartsWith("yoke: error: ")) << arguments;
    EXPECT_EQ(std::ranges::count(run.err, '\n'), 1) << arguments << ": " << run.err;
  }
  EXPECT_THAT(yoke("run fake.yoke --token-ids " + long_ids).err, testing::AllOf(HasSubstr("65"), HasSubstr("64")));
  EXPECT_FALSE(std::filesystem::exists(folder + "/x.npy"));
}

TEST_F(CommandLine, UnsupportedIsSaidPlainly) {
  Outcome run = yoke("run fake.yoke -p a --device cuda");
  EXPECT_EQ(run.exitCode, 1);
  EXPECT_THAT(run.err, StartsWith("yoke: error: "));
  setenv("YOKE_COMPILER", "/nonexistent/libYokeCompiler.so", 1);
  run = yoke("compile . -o x.yoke");
  unsetenv("YOKE_COMPILER");
  EXPECT_EQ(run.exitCode, 1);
  EXPECT_THAT(run.err, HasSubstr("the compiler cannot be loaded"));
}

TEST_F(CommandLine, NanIsAFailure) {
  test::FakeOptions nan4;
  nan4.nanFrom = 4;
  ASSERT_TRUE(test::writeFakePackage(package, nan4));
  Outcome run = yoke("run fake.yoke -p abc -n 9");
  EXPECT_EQ(run.exitCode, 1);
  EXPECT_THAT(run.err, HasSubstr("the model produced NaN logits at step 2"));
}

TEST_F(CommandLine, HelpAndVersion) {
  Outcome version = yoke("--version");
  EXPECT_EQ(version.exitCode, 0);
  EXPECT_THAT(version.out, StartsWith("yoke 0."));
  for (const char *command : {"", "run", "eval", "bench", "compile", "inspect", "verify"}) {
    Outcome help = yoke(std::string(command) + " --help");
    EXPECT_EQ(help.exitCode, 0) << command;
    EXPECT_THAT(help.out, HasSubstr("--help")) << command;
  }
  EXPECT_THAT(yoke("run --help").out, testing::AllOf(HasSubstr("Examples:"), HasSubstr("--top-p")));
}

TEST_F(CommandLine, EvalWritesLogits) {
  std::vector<int32_t> tokens = {5, 9, 33, 2, 70, 71, 72, 73, 74, 1, 3};
  Outcome run = yoke("eval fake.yoke --token-ids " + listed(tokens) + " --output logits.npy");
  ASSERT_EQ(run.exitCode, 0) << run.err;
  std::string npy = contents("logits.npy");
  ASSERT_THAT(npy, StartsWith(std::string("\x93NUMPY\x01\x00", 8)));
  size_t header = 10 + static_cast<unsigned char>(npy[8]) + 256 * static_cast<unsigned char>(npy[9]);
  EXPECT_EQ(header % 64, 0u);
  EXPECT_THAT(npy.substr(0, header), HasSubstr("'shape': (11, 97)"));
  ASSERT_EQ(npy.size(), header + tokens.size() * FakeVocabulary * sizeof(float));
  std::vector<float> rows(tokens.size() * FakeVocabulary);
  std::memcpy(rows.data(), npy.data() + header, rows.size() * sizeof(float));
  for (size_t i = 0; i < tokens.size(); ++i)
    EXPECT_EQ(rows[i * FakeVocabulary + test::fakeNext(std::span(tokens).first(i + 1))], 4);
}

TEST_F(CommandLine, EvalPerplexity) {
  std::ofstream(folder + "/text") << std::string(300, 'a') + "The quick brown fox";
  Outcome run = yoke("eval fake.yoke --text text --json");
  ASSERT_EQ(run.exitCode, 0) << run.err;
  Json json = *parseJson(run.out, "stdout");
  EXPECT_EQ(json["tokens"], 319);
  EXPECT_EQ(json["scored_tokens"], 318);
  EXPECT_NEAR(json["perplexity"].get<double>(), std::exp(json["nats_per_token"].get<double>()), 1e-6);
  EXPECT_THAT(yoke("eval fake.yoke --text text --context 32 --stride 16").out, StartsWith("perplexity "));
}

TEST_F(CommandLine, BenchFormats) {
  std::string common = "bench fake.yoke -p 8,16 -n 4 -b 1,2 -t 1 -r 2 --no-roof ";
  Outcome md = yoke(common);
  ASSERT_EQ(md.exitCode, 0) << md.err;
  EXPECT_THAT(md.out, testing::AllOf(HasSubstr("| model"), HasSubstr("pp16"), HasSubstr("tg4"), HasSubstr(" ± ")));
  Outcome json = yoke(common + "-o json");
  Json rows = *parseJson(json.out, "stdout");
  ASSERT_EQ(rows.size(), 6u);
  EXPECT_EQ(rows[0]["n_prompt"], 8);
  EXPECT_EQ(rows[0]["samples_ns"].size(), 2u);
  Outcome csv = yoke(common + "-o csv");
  EXPECT_EQ(std::ranges::count(csv.out, '\n'), 7);
  EXPECT_THAT(csv.out, StartsWith("build_commit,cpu_info,"));
}

TEST_F(CommandLine, InspectAndVerify) {
  Json json = *parseJson(yoke("inspect fake.yoke --json").out, "stdout");
  EXPECT_EQ(json["manifest"]["architecture"], "FakeForCausalLM");
  EXPECT_EQ(json["sections"].size(), 5u);
  EXPECT_THAT(yoke("inspect fake.yoke").out, HasSubstr("FakeForCausalLM"));
  EXPECT_EQ(yoke("verify fake.yoke").exitCode, 0);
  std::string bytes = contents("fake.yoke");
  uint64_t offset = json["sections"][2]["offset"];
  ASSERT_EQ(json["sections"][2]["name"], "weights");
  bytes[offset] ^= 1;
  std::ofstream(package, std::ios::binary) << bytes;
  Outcome damaged = yoke("verify fake.yoke");
  EXPECT_EQ(damaged.exitCode, 3);
  EXPECT_THAT(damaged.err, HasSubstr("weights"));
  offset = json["sections"][1]["offset"];
  bytes[offset + 100] ^= 1;
  std::ofstream(package, std::ios::binary) << bytes;
  Outcome code = yoke("run fake.yoke -p a");
  EXPECT_EQ(code.exitCode, 3);
  EXPECT_THAT(code.err, HasSubstr("code"));
}

TEST_F(CommandLine, OtherCpuIsRefusedByName) {
  Manifest manifest = test::fakeManifest({});
  manifest.target.features = {"sse2", "avx10.2-of-the-future"};
  ASSERT_TRUE(test::writeFakePackage(package, {}, "{}", manifest));
  Outcome run = yoke("run fake.yoke -p a");
  EXPECT_EQ(run.exitCode, 3);
  EXPECT_THAT(run.err, HasSubstr("avx10.2-of-the-future"));
}

TEST_F(CommandLine, ClosedOutputIsAFailure) {
  int status = std::system(("cd " + folder + " && " YOKE_PROGRAM " run fake.yoke -p a -n 50 2>err >/dev/full").c_str());
  EXPECT_EQ(WEXITSTATUS(status), 1);
  EXPECT_THAT(contents("err"), HasSubstr("cannot write to standard output"));
}

TEST_F(CommandLine, PackageTruncatedWhileMapped) {
  std::string feed = "(sleep 0.5; truncate -s 8192 fake.yoke; printf abc)";
  Outcome run = command("sh -c '" + feed + " | " YOKE_PROGRAM " run fake.yoke -f - -n 5'");
  EXPECT_EQ(run.exitCode, 4) << run.err;
  EXPECT_EQ(run.err, "yoke: error: fake.yoke: truncated or unreadable while in use\n");
  // Weights in memory of our own do not care.
  ASSERT_TRUE(test::writeFakePackage(package, {}));
  EXPECT_EQ(command("sh -c '" + feed + " | " YOKE_PROGRAM " run fake.yoke -f - -n 5 -q --no-mmap'").exitCode, 0);
}

TEST_F(CommandLine, InterruptEndsCleanly) {
  test::FakeOptions options;
  options.maxPositions = 100000;
  ASSERT_TRUE(test::writeFakePackage(package, options));
  Outcome run = command("sh -c '" YOKE_PROGRAM
                        " run fake.yoke --token-ids 1 -n 90000 --json & sleep 0.7; kill -INT $!; wait $!'");
  EXPECT_EQ(run.exitCode, 130) << run.err;
  auto json = parseJson(run.out, "stdout");
  ASSERT_TRUE(json) << run.out;
  EXPECT_EQ((*json)["finish_reason"], "cancelled");
  EXPECT_GT((*json)["token_ids"].size(), 0u);
}

TEST(CodeModule, RefusesWhatIsNoSharedObject) {
  std::string text = "not an ELF file";
  auto module = CodeModule::load(std::as_bytes(std::span(text)), "x.yoke");
  ASSERT_FALSE(module);
  EXPECT_EQ(module.error().kind, ErrorKind::Malformed);
  EXPECT_THAT(module.error().message, StartsWith("x.yoke: section code: cannot be loaded"));
}

/// Two modules at once, and after one another: the loader must not take one for the other.
TEST(CodeModule, ModulesAreDistinct) {
  std::string object = readFile(YOKE_FAKE_STEP, 1 << 20).value();
  auto first = CodeModule::load(std::as_bytes(std::span(object)), "a").value();
  auto second = CodeModule::load(std::as_bytes(std::span(object)), "b").value();
  EXPECT_NE(first->symbol(YOKE_STEP_SYMBOL), second->symbol(YOKE_STEP_SYMBOL));
  EXPECT_NE(first->symbol("yokeFakeCalls"), second->symbol("yokeFakeCalls"));
  EXPECT_EQ(first->symbol("no_such_symbol"), nullptr);
}

} // namespace
} // namespace yoke
