#!/usr/bin/env python3
"""Every drafter against plain decoding on prompts of several classes, in one interleaved run; prints a table.

    decoding.py PACKAGE TEXT [--yoke build/release/bin/yoke] [--threads 2] [--runs 3] [--prompts 12] [--tokens 96] [--check-auto 0.97]

The prompts come from TEXT, which the model was not trained on:
  copy      a passage, given twice and begun a third time
  summary   a longer passage and the beginning of a summary of it
  parallel  lines of one form (as in translation or lists), and the beginning of another line
  prose     a passage; greedy text of small models soon repeats itself
  sampled   the same at temperature 1: text that does not repeat itself
  random    words of the text in random order, at temperature 1
"""
import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile


def make_prompts(text, count):
    random.seed(0)
    paragraphs = [p.strip() for p in text.split("\n\n") if 120 <= len(p.strip()) <= 400]
    words = re.findall(r"[A-Za-z]+", text)
    for i in range(count):
        passage = paragraphs[i * len(paragraphs) // count]
        short = " ".join(passage.split()[:40])
        yield "copy", 0, f"{short}\n\n{short}\n\n{' '.join(short.split()[:6])}"
        yield "summary", 0, f"{passage}\n\nIn short, "
        names = random.sample(words, 9)
        yield "parallel", 0, "".join(f"The word of the {name} is {name.lower()}; and the " for name in names)
        yield "prose", 0, short
        yield "sampled", 1, short
        yield "random", 1, " ".join(random.sample(words, 30))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("package")
    parser.add_argument("text")
    parser.add_argument("--yoke", default="build/release/bin/yoke")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--prompts", type=int, default=12)
    parser.add_argument("--tokens", type=int, default=96)
    parser.add_argument("--drafters", nargs="+", default=["prompt-lookup", "ngram", "token-recycling", "aded", "auto"])
    parser.add_argument("--check-auto", type=float, help="fail when auto is slower than this on any class")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        path = os.path.join(work, "prompts.jsonl")
        with open(path, "w") as file:
            for kind, temperature, prompt in make_prompts(open(args.text).read(), args.prompts):
                file.write(json.dumps({"class": kind, "temperature": temperature, "prompt": prompt}) + "\n")
        command = [args.yoke, "bench", args.package, "--prompts", path, "-n", str(args.tokens), "-r", str(args.runs), "-t", str(args.threads), "-o", "json"]
        for drafter in args.drafters:
            command += ["--decode", drafter]
        rows = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    classes = list(dict.fromkeys(row["class"] for row in rows))
    cell = {(row["class"], row["decode"]): row for row in rows}
    print("| decode | " + " | ".join(classes) + " |")
    print("| :-- |" + " --: |" * len(classes))
    plain = " | ".join(f"{cell[kind, 'greedy']['tokens_per_s']:.0f} t/s" for kind in classes)
    print(f"| plain | {plain} |")
    for drafter in args.drafters:
        cells = [cell[kind, drafter] for kind in classes]
        print(f"| {drafter} | " + " | ".join(f"{c['speedup']:.2f}x ({c['tokens_per_call']:.2f})" for c in cells) + " |")
    if args.check_auto:
        slow = [kind for kind in classes if cell[kind, "auto"]["speedup"] < args.check_auto]
        if slow:
            sys.exit(f"auto is slower than {args.check_auto}x on: {', '.join(slow)}")


if __name__ == "__main__":
    main()
