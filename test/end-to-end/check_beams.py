#!/usr/bin/env python3
"""Compares the beams of `yoke run` with beam_golden.json: check_beams.py YOKE PACKAGE. Scores within 1e-4; texts equal up to pairs of beams whose
golden scores are closer than that."""
import json
import os
import subprocess
import sys

yoke, package = sys.argv[1:]
wrong = 0
cases = json.load(open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "beam_golden.json")))
for case in cases:
    command = [yoke, "run", package, "--token-ids", ",".join(map(str, case["prompt_ids"])), "-n", str(case["max_tokens"]), "--json",
               "--decode", "beam:" + case["spec"]]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)["beams"]
    expected = case["beams"]
    scores = [b["score"] for b in expected]
    close = {i for i in range(len(scores) - 1) if scores[i] - scores[i + 1] < 1e-4}
    same = len(found) == len(expected) and all(
        abs(a["score"] - b["score"]) < 1e-4 and (a["token_ids"] == b["token_ids"] or i in close or i - 1 in close)
        for i, (a, b) in enumerate(zip(found, expected)))
    if not same:
        wrong += 1
        print("DIFFERENT", case["spec"], case["prompt_ids"], [b["score"] for b in found], scores)
print(f"{len(cases) - wrong} of {len(cases)} searches equal")
sys.exit(wrong > 0)
