#include "Commands.h"
#include "Console.h"
#include "ModelSource.h"
#include "Package/Package.h"
#include "runtime/Speculation/Parity.h"

#include <memory>

namespace yoke::cli {
namespace {

struct VerifyFlags {
  ModelFlags model;
  bool parity = false;
  std::vector<std::string> prompts;
  ParityOptions options;
};

Status verifyParity(VerifyFlags &flags) {
  std::shared_ptr<const Model> model = YOKE_TRY(openModel(flags.model));
  if (!model->generates())
    return failed("{}: the package's task is not generation: there is nothing to decode", model->path);
  auto session = YOKE_TRY(openSession(model, flags.model));
  auto prompts = parityPrompts(*session);
  for (const std::string &text : flags.prompts)
    prompts.push_back(YOKE_TRY(model->tokenize(text)));
  flags.options.cancelled = &catchInterrupts();
  const ParityResult result = YOKE_TRY(checkParity(*session, prompts, flags.options));
  return writeOutput(fmt::format("{}: parity, {} prompts, {} tokens: {} guesses in {} steps, {} accepted{}, tokens and "
                                 "logits as without, to the last bit\n",
                                 flags.model.model, result.prompts, result.tokens, result.guesses, result.steps,
                                 result.accepted, model->manifest.loop ? ", with the compiled loop as well" : ""));
}

Result<int> verify(VerifyFlags &flags) {
  const std::string &path = flags.model.model;
  Package package = YOKE_TRY(Package::open(path));
  YOKE_TRY(package.verifyAll());
  YOKE_TRY(writeOutput(fmt::format("{}: ok, {} sections, {} bytes, sha256 {}\n", path, package.sections().size(),
                                   package.fileBytes(), package.recordedSha256())));
  if (flags.parity)
    YOKE_TRY(verifyParity(flags));
  return 0;
}

} // namespace

void addVerifyCommand(CLI::App &app, Action &action) {
  auto flags = std::make_shared<VerifyFlags>();
  CLI::App *command = app.add_subcommand("verify", "Check every byte of a package against its hashes");
  command->add_option("package", flags->model.model, "Package")->required()->option_text("FILE.yoke");
  command->add_flag("--parity", flags->parity,
                    "Check as well that decoding with guesses gives the tokens and the bits of decoding without");
  command->add_option("-p,--prompt", flags->prompts, "With --parity: a further prompt; may be repeated")
      ->expected(1)
      ->take_all();
  command->add_option("-n,--max-tokens", flags->options.maxNewTokens, "With --parity: tokens to generate")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  command->add_option("-t,--threads", flags->model.threads, "With --parity: compute threads")->check(atLeastOne());
  command->callback([flags, &action] { action = [flags] { return verify(*flags); }; });
}

} // namespace yoke::cli
