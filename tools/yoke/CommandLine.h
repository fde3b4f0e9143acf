#pragma once

namespace yoke::cli {

/// Parses the command line, runs the subcommand and returns the exit code: 0 done, 1 failed, 2 usage, 3 malformed
/// input, 4 out of resources, 130 interrupted. Errors go to stderr as `yoke: error: ...`.
int runCommandLine(int argc, char **argv);

} // namespace yoke::cli
