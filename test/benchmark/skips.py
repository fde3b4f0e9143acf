"""Time against the part of feed-forward blocks that is skipped: skips.py --yoke build/release/bin/yoke --model CHECKPOINT --work FOLDER [--runs N]

Policies with a threshold below every cosine: from a layer on every second block is skipped, up to different layers, by every token. Prints milliseconds of a
decode step and of a prompt of 128 tokens for each fraction, and the straight line through them. Packages that are in FOLDER are used again.
"""
import argparse
import json
import os
import re
import statistics
import subprocess


def yoke(options, *arguments):
    return subprocess.run([options.yoke, *arguments], capture_output=True, text=True, check=True).stdout


def compiled(options, policy, last):
    package = os.path.join(options.work, f"skips-{last}.yoke")
    flags = []
    if os.path.exists(package):
        return package
    if last:
        path = os.path.join(options.work, "policy.json")
        json.dump({**policy, "cold": [0, last], "warm_up": 0, "tau": -2, "k": 1}, open(path, "w"))
        flags = ["--ffn-skip", path]
    yoke(options, "compile", options.model, "-o", package, "-q", *flags)
    return package


def main():
    parser = argparse.ArgumentParser()
    for name in ("--yoke", "--model", "--work"):
        parser.add_argument(name, required=True)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    os.makedirs(options.work, exist_ok=True)
    config = json.load(open(os.path.join(options.model, "config.json")))
    layers = config["num_hidden_layers"]
    dense = compiled(options, None, 0)
    policy = {"kind": "ffn-skip", "format": 1, "layers": layers, "hidden_size": config["hidden_size"],
              "model_sha256": re.search(r"source sha256\s+(\w+)", yoke(options, "inspect", dense))[1]}
    lasts = [last - last % 2 for last in range(0, layers + 1, max(2, layers // 5))]
    packages = {last: compiled(options, policy, last) if last else dense for last in lasts}
    times = {last: {"tg": [], "pp": []} for last in lasts}
    for _ in range(options.runs):
        for last, package in packages.items():
            for row in json.loads(yoke(options, "bench", package, "-p", "128", "-n", "32", "-t", "1", "-r", "1", "-o", "json")):
                kind, tokens = ("pp", row["n_prompt"]) if row["n_prompt"] else ("tg", row["n_gen"])
                times[last][kind].append(row["avg_ns"] / 1e6 / (tokens if kind == "tg" else 1))
    print("| skipped | decode, ms a token | prompt of 128, ms |\n|---|---|---|")
    points = []
    for last in lasts:
        fraction = last // 2 / layers
        decode, prompt = (statistics.median(times[last][kind]) for kind in ("tg", "pp"))
        points.append((fraction, decode, prompt))
        print(f"| {100 * fraction:.0f} % | {decode:.2f} | {prompt:.1f} |")
    for column, name in ((1, "decode"), (2, "prompt")):
        xs, ys = [p[0] for p in points], [p[column] for p in points]
        slope, start = statistics.linear_regression(xs, ys)
        worst = max(abs(start + slope * x - y) / y for x, y in zip(xs, ys))
        print(f"{name}: {start:.2f} - {-slope:.2f} * fraction, no point further than {100 * worst:.1f} % from the line")


main()
