"""Settings of all lit tests: `ninja check-lit`, or lit on a folder of build/<preset>/test."""

import os

import lit.formats
from lit.llvm import llvm_config
from lit.llvm.subst import ToolSubst

config.name = "Yoke"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["unit", "fuzz", "Inputs"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.yoke_build_dir, "test", "lit")

if config.yoke_runtime_only:
    config.available_features.add("runtime-only")

llvm_config.with_system_environment(["HOME", "TMP", "TEMP", "TMPDIR", "ASAN_OPTIONS", "UBSAN_OPTIONS"])
yoke_tools = ["yoke", "yoke-opt", "yoke-translate", "yoke-lsp-server", "yoke-reduce", "yoke-sim"]
llvm_config.add_tool_substitutions(["FileCheck", "not", "count", "split-file"], [config.llvm_tools_dir])
llvm_config.add_tool_substitutions(
    [ToolSubst(tool, unresolved="ignore") for tool in yoke_tools], [os.path.join(config.yoke_build_dir, "bin")]
)
