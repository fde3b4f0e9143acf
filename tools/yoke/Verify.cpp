#include "Commands.h"
#include "Console.h"
#include "Package/Package.h"

#include <memory>

namespace yoke::cli {

void addVerifyCommand(CLI::App &app, Action &action) {
  auto path = std::make_shared<std::string>();
  CLI::App *command = app.add_subcommand("verify", "Check every byte of a package against its hashes");
  command->add_option("package", *path, "Package")->required()->option_text("FILE.yoke");
  command->callback([path, &action] {
    action = [path]() -> Result<int> {
      Package package = YOKE_TRY(Package::open(*path));
      YOKE_TRY(package.verifyAll());
      YOKE_TRY(writeOutput(fmt::format("{}: ok, {} sections, {} bytes, sha256 {}\n", *path, package.sections().size(),
                                       package.fileBytes(), package.recordedSha256())));
      return 0;
    };
  });
}

} // namespace yoke::cli
