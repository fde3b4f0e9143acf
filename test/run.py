#!/usr/bin/env python3
"""Runs all tests of a build and counts them: lit, GoogleTest, fuzz targets, and checks of the tree itself."""
import argparse
import concurrent.futures
import json
import os
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Tally:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def add(self, name, ok, detail=""):
        if ok:
            self.passed += 1
        else:
            self.failed += 1
            print(f"FAILED {name}\n{detail.rstrip()}", flush=True)


def programs(folder):
    """Executables below a folder, sorted."""
    found = []
    for base, _, files in os.walk(folder):
        for file in files:
            path = os.path.join(base, file)
            if os.access(path, os.X_OK) and not os.path.islink(path) and not path.endswith(".so"):
                found.append(path)
    return sorted(found)


def run_gtests(tally, folder, jobs=2):
    """The test programs below `folder`, `jobs` at a time."""
    tests = [program for program in programs(folder) if program.endswith("Tests")]
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        list(pool.map(lambda program: run_gtest(tally, program), tests))


def run_gtest(tally, program):
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        done = subprocess.run([program, f"--gtest_output=json:{report.name}"], capture_output=True, text=True, errors="replace")
        try:
            suites = json.load(open(report.name))["testsuites"]
        except (ValueError, KeyError):
            tally.add(program, False, done.stdout[-2000:] + done.stderr[-2000:])
            return
    failed = False
    for suite in suites:
        for test in suite["testsuite"]:
            name = f"{os.path.basename(program)} {suite['name']}.{test['name']}"
            if test.get("result") == "SKIPPED" or test.get("status") == "NOTRUN":
                tally.skipped += 1
                continue
            failures = test.get("failures", [])
            failed |= bool(failures)
            tally.add(name, not failures, "\n".join(f["failure"] for f in failures))
    if done.returncode != 0 and not failed:
        tally.add(program, False, done.stdout[-2000:] + done.stderr[-4000:])


def run_lit(tally, build):
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        lit = os.environ.get("LIT", "/usr/lib/llvm-22/bin/lit")
        done = subprocess.run([sys.executable, lit, "-q", "-j2", "-o", report.name, os.path.join(build, "test", "lit")],
                              capture_output=True, text=True, errors="replace")
        try:
            tests = json.load(open(report.name))["tests"]
        except (ValueError, KeyError):
            tally.add("lit", False, done.stdout[-4000:] + done.stderr[-4000:])
            return
    for test in tests:
        if test["code"] in ("UNSUPPORTED", "SKIPPED"):
            tally.skipped += 1
        else:
            tally.add(test["name"], test["code"] in ("PASS", "XFAIL"), test.get("output", ""))


def corpus_of(program):
    name = os.path.basename(program).removesuffix("Fuzzer")
    folder = os.path.join(ROOT, "test", "fuzz", "corpus", name)
    return [os.path.join(folder, file) for file in sorted(os.listdir(folder))] if os.path.isdir(folder) else []


def replay_corpus(tally, program):
    done = subprocess.run([program, *corpus_of(program)], capture_output=True, text=True, errors="replace")
    tally.add(f"{os.path.basename(program)} corpus", done.returncode == 0, done.stderr[-4000:])


def smoke_fuzz(tally, fuzzers, seconds, jobs=2):
    """A short run of each libFuzzer target from its corpus, `jobs` at a time."""
    waiting, running = list(fuzzers), []
    while waiting or running:
        while waiting and len(running) < jobs:
            program = waiting.pop(0)
            scratch = tempfile.TemporaryDirectory()
            for i, file in enumerate(corpus_of(program)):
                os.symlink(file, os.path.join(scratch.name, str(i)))
            log = tempfile.TemporaryFile()
            command = [program, f"-max_total_time={seconds}", "-rss_limit_mb=2048", "-timeout=10", "-print_final_stats=1",
                       f"-artifact_prefix={scratch.name}/", scratch.name]
            running.append((program, scratch, log, subprocess.Popen(command, stdout=log, stderr=log)))
        for entry in list(running):
            program, scratch, log, process = entry
            if process.poll() is None:
                continue
            running.remove(entry)
            log.seek(0)
            tally.add(f"{os.path.basename(program)} {seconds} s", process.returncode == 0,
                      log.read().decode(errors="replace")[-4000:])
            scratch.cleanup()
        time.sleep(0.2)


def check_links(tally, build):
    """One libMLIR.so and no static archive of MLIR or LLVM in any program."""
    static = []
    with open(os.path.join(build, "build.ninja"), errors="replace") as file:
        for line in file:
            if "LINK_LIBRARIES" in line:
                static += [word for word in line.split() if word.endswith(".a") and os.path.basename(word).startswith(("libMLIR", "libLLVM"))]
    tally.add("no static MLIR or LLVM archive is linked", not static, " ".join(sorted(set(static))))
    needed = subprocess.run(["readelf", "-d", os.path.join(build, "bin", "yoke")], capture_output=True, text=True).stdout
    tally.add("yoke itself needs no compiler library", "libMLIR" not in needed and "libLLVM" not in needed, needed)


def check_format(tally):
    files = subprocess.run(["git", "-C", ROOT, "ls-files", "*.cpp", "*.h"], capture_output=True, text=True).stdout.split()
    formatter = "clang-format-22"
    done = subprocess.run([formatter, "--dry-run", "-Werror", *files], cwd=ROOT, capture_output=True, text=True)
    tally.add("formatting", done.returncode == 0, done.stderr[:2000])


def check_rooms(tally):
    """What each folder may include (docs/architecture.md)."""
    allowed_without_mlir = ["lib/Support", "lib/Package", "lib/Checkpoint", "lib/Factor", "lib/Tokenizer", "lib/Target", "lib/Simulator", "lib/Tuning", "runtime", "tools/yoke/"]
    files = subprocess.run(["git", "-C", ROOT, "ls-files", "*.cpp", "*.h"], capture_output=True, text=True).stdout.split()
    wrong = []
    for path in files:
        if not any(path.startswith(room) for room in allowed_without_mlir):
            continue
        for line in open(os.path.join(ROOT, path), errors="replace"):
            if line.startswith('#include "') and line.split('"')[1].startswith(("mlir/", "llvm/", "LLM/", "Fuse/", "LowerCpu/", "Compiler/", "Npu/", "Pim/", "Place/", "Commands/", "NpuPim/")):
                wrong.append(f"{path}: {line.strip()}")
    tally.add("rooms without MLIR include none of it", not wrong, "\n".join(wrong))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", help="build folder")
    parser.add_argument("--sanitized", help="build folder with sanitizers and libFuzzer")
    parser.add_argument("--fuzz-seconds", type=int, default=30, help="length of each fuzzing run (default %(default)s)")
    arguments = parser.parse_args()
    build = os.path.abspath(arguments.build)
    tally = Tally()

    check_format(tally)
    check_rooms(tally)
    check_links(tally, build)
    run_lit(tally, build)
    run_gtests(tally, os.path.join(build, "test", "unit"))
    for program in programs(os.path.join(build, "test", "fuzz")):
        replay_corpus(tally, program)
    if arguments.sanitized:
        os.environ.setdefault("UBSAN_OPTIONS", "print_stacktrace=1")
        sanitized = os.path.abspath(arguments.sanitized)
        run_gtests(tally, os.path.join(sanitized, "test", "unit"))
        smoke_fuzz(tally, programs(os.path.join(sanitized, "test", "fuzz")), arguments.fuzz_seconds)

    print(f"{tally.passed} passed, {tally.failed} failed, {tally.skipped} skipped")
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
