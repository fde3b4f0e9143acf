#include "Commands.h"
#include "Console.h"
#include "Input.h"
#include "ModelSource.h"
#include "NpyWriter.h"
#include "Support/Json.h"
#include "runtime/ConditionalStats.h"
#include "runtime/Evaluator.h"

#include <chrono>
#include <cmath>
#include <memory>

namespace yoke::cli {
namespace {

struct EvalFlags {
  ModelFlags model;
  std::optional<std::string> text, tokenIds, output;
  std::vector<std::string> prompts;
  std::optional<std::string> lines;
  int64_t context = 0, stride = 0;
  bool embed = false;
  bool json = false;
};

Result<std::vector<int32_t>> inputTokens(const EvalFlags &flags, const Model &model) {
  if (flags.tokenIds)
    return parseTokenIds(*flags.tokenIds, "--token-ids");
  return model.tokenize(YOKE_TRY(readText(*flags.text)));
}

Result<int> writeLogits(const EvalFlags &flags, Session &session, const std::vector<int32_t> &tokens,
                        const std::atomic<bool> &interrupted) {
  NpyWriter writer =
      YOKE_TRY(NpyWriter::create(*flags.output, static_cast<int64_t>(tokens.size()), session.outputColumns()));
  auto sink = [&](int64_t, std::span<const float> row) { return writer.append(row); };
  Status status = evaluateLogits(session, tokens, 0, sink, &interrupted);
  if (interrupted)
    return interruptedExitCode;
  YOKE_TRY(std::move(status));
  YOKE_TRY(writer.finish());
  if (!flags.model.quiet)
    printNote(
        fmt::format("{}: logits of {} tokens, {} columns", *flags.output, tokens.size(), session.outputColumns()));
  return 0;
}

Result<int> printPerplexity(const EvalFlags &flags, Session &session, const std::vector<int32_t> &tokens,
                            const std::atomic<bool> &interrupted) {
  ProgressBar bar(!flags.model.quiet);
  PerplexityOptions options{flags.context, flags.stride, &interrupted,
                            [&](double fraction) { bar.update("perplexity", fraction); }};
  auto start = std::chrono::steady_clock::now();
  auto result = evaluatePerplexity(session, tokens, options);
  double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  bar.clear();
  if (interrupted)
    return interruptedExitCode;
  YOKE_TRY(Result<PerplexityResult>(result));
  const double nats = result->natsPerToken();
  const double perplexity = std::exp(nats);
  const ConditionalStats conditional = ConditionalStats::of(session);
  const double skipped = conditional.skippedFfnFraction(session.model().manifest.layers);
  if (!flags.json) {
    YOKE_TRY(writeOutput(
        fmt::format("perplexity {:.6g} ({:.6f} nats/token, {} tokens, {} scored, {} windows, {:.2f} s{})\n", perplexity,
                    nats, result->tokens, result->scoredTokens, result->windows, seconds,
                    skipped > 0 ? fmt::format(", {:.1f} % of feed-forward blocks skipped", 100 * skipped) : "")));
    return 0;
  }
  Json object = {{"perplexity", std::isfinite(perplexity) ? Json(perplexity) : Json(nullptr)},
                 {"nats_per_token", std::isfinite(nats) ? Json(nats) : Json(nullptr)},
                 {"tokens", result->tokens},
                 {"scored_tokens", result->scoredTokens},
                 {"windows", result->windows},
                 {"seconds", seconds},
                 {"skipped_ffn_fraction", skipped},
                 {"peak_memory_bytes", peakMemoryBytes()}};
  YOKE_TRY(writeOutput(dumpJson(object) + "\n"));
  return 0;
}

Result<std::vector<std::vector<int32_t>>> embeddingInputs(const EvalFlags &flags, const Model &model) {
  std::vector<std::string> texts = flags.prompts;
  if (flags.text)
    texts.push_back(YOKE_TRY(readText(*flags.text)));
  if (flags.lines) {
    std::string all = YOKE_TRY(readText(*flags.lines));
    for (size_t begin = 0; begin < all.size();) {
      size_t end = std::min(all.find('\n', begin), all.size());
      texts.push_back(all.substr(begin, end - begin));
      begin = end + 1;
    }
  }
  std::vector<std::vector<int32_t>> inputs;
  if (flags.tokenIds)
    inputs.push_back(YOKE_TRY(parseTokenIds(*flags.tokenIds, "--token-ids")));
  for (const std::string &text : texts)
    inputs.push_back(YOKE_TRY(model.tokenize(text)));
  if (inputs.empty())
    return usageError("--embed needs --text, --prompt, --lines or --token-ids");
  return inputs;
}

Result<int> writeEmbeddings(const EvalFlags &flags, Session &session, const std::atomic<bool> &interrupted) {
  auto inputs = YOKE_TRY(embeddingInputs(flags, session.model()));
  auto rows = embed(session, inputs, &interrupted);
  if (interrupted)
    return interruptedExitCode;
  YOKE_TRY(Result<std::vector<float>>(rows));
  const int64_t columns = session.outputColumns();
  if (flags.output && flags.output->ends_with(".npy")) {
    NpyWriter writer = YOKE_TRY(NpyWriter::create(*flags.output, static_cast<int64_t>(inputs.size()), columns));
    YOKE_TRY(writer.append(*rows));
    YOKE_TRY(writer.finish());
    return 0;
  }
  Json embeddings = Json::array();
  Json tokenCounts = Json::array();
  for (size_t i = 0; i < inputs.size(); ++i) {
    Json row = Json::array();
    for (float value : std::span(*rows).subspan(i * columns, columns)) {
      if (!std::isfinite(value))
        return failed("the model produced a value that is not finite in the embedding of text {}", i + 1);
      row.push_back(value);
    }
    embeddings.push_back(std::move(row));
    tokenCounts.push_back(inputs[i].size());
  }
  std::string text = dumpJson({{"dimensions", columns}, {"tokens", tokenCounts}, {"embeddings", embeddings}}) + "\n";
  if (!flags.output || *flags.output == "-") {
    YOKE_TRY(writeOutput(text));
    return 0;
  }
  AtomicFile file = YOKE_TRY(AtomicFile::create(*flags.output));
  YOKE_TRY(file.append(text));
  YOKE_TRY(file.commit());
  return 0;
}

Result<int> evaluate(const EvalFlags &flags) {
  if (!flags.embed && int(flags.text.has_value()) + int(flags.tokenIds.has_value()) != 1)
    return usageError("give exactly one of --text and --token-ids, or --embed");
  if (!flags.embed && flags.tokenIds && !flags.output)
    return usageError("--token-ids needs --output FILE.npy for the logits");
  if (!flags.embed && (flags.lines || !flags.prompts.empty()))
    return usageError("--prompt and --lines need --embed");
  std::shared_ptr<const Model> model = YOKE_TRY(openModel(flags.model));
  std::vector<int32_t> tokens;
  if (!flags.embed)
    tokens = YOKE_TRY(inputTokens(flags, *model));
  auto session = YOKE_TRY(openSession(model, flags.model));
  const std::atomic<bool> &interrupted = catchInterrupts();
  if (flags.embed)
    return writeEmbeddings(flags, *session, interrupted);
  if (flags.output)
    return writeLogits(flags, *session, tokens, interrupted);
  return printPerplexity(flags, *session, tokens, interrupted);
}

} // namespace

void addEvalCommand(CLI::App &app, Action &action) {
  auto flags = std::make_shared<EvalFlags>();
  CLI::App *command = app.add_subcommand("eval", "Perplexity of a text, logits of tokens, embeddings");
  flags->model.declare(*command);
  command->add_option("--text", flags->text, "File (- is stdin): its perplexity, or its embedding with --embed");
  command->add_option("--token-ids", flags->tokenIds, "Tokens 1,2,3: all logits go to --output");
  command->add_option("-o,--output", flags->output,
                      "float32 matrix [tokens, vocabulary] as .npy; with --embed also JSON");
  command->add_option("-c,--context", flags->context, "Perplexity window in tokens [the model's positions]")
      ->check(atLeastOne());
  command
      ->add_option("--stride", flags->stride,
                   "Tokens by which the window moves; each token is scored once, in the first window that holds it "
                   "[half a window]")
      ->check(atLeastOne());
  command->add_flag("--embed", flags->embed, "Embeddings, one for each text");
  command->add_option("-p,--prompt", flags->prompts, "With --embed: a text; may be repeated")->expected(1)->take_all();
  command->add_option("--lines", flags->lines, "With --embed: a file of one text a line");
  command->add_flag("--json", flags->json, "One JSON object");
  command->footer("Examples:\n"
                  "  yoke eval model.yoke --text book.txt\n"
                  "  yoke eval model.yoke --token-ids 1,2,3 --output logits.npy\n"
                  "  yoke eval encoder.yoke --embed -p \"a text\" -p \"another\"");
  command->callback([flags, &action] { action = [flags] { return evaluate(*flags); }; });
}

} // namespace yoke::cli
