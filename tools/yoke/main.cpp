#include "CommandLine.h"

int main(int argc, char **argv) { return yoke::cli::runCommandLine(argc, argv); }
