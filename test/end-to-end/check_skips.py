"""Skipped feed-forward blocks of the bundled checkpoint: check_skips.py YOKE CHECKPOINT GOLDEN

The same rows skip as in the PyTorch reference (make_skip_golden.py), with the same logits; logits do not depend on how the text is cut into steps or on
the number of threads; guessing ahead does not change the text; policies that do not fit the model are refused.
"""
import json
import os
import re
import struct
import subprocess
import sys
import tempfile

YOKE, CHECKPOINT, GOLDEN = sys.argv[1:]


def yoke(*arguments, code=0):
    done = subprocess.run([YOKE, *arguments], capture_output=True, text=True, timeout=300)
    assert done.returncode == code, f"{arguments}: exit {done.returncode}: {done.stderr}"
    return done.stdout if code == 0 else done.stderr


def read_npy(path):
    data = open(path, "rb").read()
    (size,) = struct.unpack("<H", data[8:10])
    rows, columns = map(int, re.search(rb"\((\d+), (\d+)\)", data).groups())
    body = data[10 + size:]
    return [struct.unpack_from(f"<{columns}f", body, 4 * columns * row) for row in range(rows)], body


def logits(package, ids, *flags):
    path = package + ".npy"
    yoke("eval", package, "--token-ids", ids, "--output", path, "-q", *flags)
    return read_npy(path)


def check_case(folder, golden, policy, case):
    ids = ",".join(map(str, golden["token_ids"]))
    path, package, chunked = (os.path.join(folder, name) for name in ("policy.json", "skips.yoke", "chunked.yoke"))
    with open(path, "w") as file:
        json.dump({**policy, **{key: case[key] for key in ("cold", "warm_up", "tau", "k")}}, file)
    yoke("compile", CHECKPOINT, "--ffn-skip", path, "-o", package, "-q")
    yoke("compile", CHECKPOINT, "--ffn-skip", path, "-o", chunked, "-q", "--max-step-tokens", "7")

    stats = json.loads(yoke("run", package, "--token-ids", ids, "-n", "1", "--json"))["stats"]
    blocks = len(golden["token_ids"]) * policy["layers"]
    assert round(stats["skipped_ffn_fraction"] * blocks) == sum(case["skipped"]), (case["cold"], stats["skipped_ffn_fraction"], case["skipped"])

    rows, bits = logits(package, ids, "-t", "1")
    largest = max(abs(v) for row in case["logits"] for v in row)
    for row, expected in zip(case["rows"], case["logits"]):
        for actual, wanted in zip(rows[row][::golden["column_step"]], expected):
            assert abs(actual - wanted) <= 2e-4 * largest, (case["cold"], row, actual, wanted)
    assert bits == logits(package, ids, "-t", "2")[1], "threads change logits"
    assert bits == logits(chunked, ids)[1], "steps change logits"

    prompt = ",".join(map(str, golden["token_ids"][:40]))
    plain = json.loads(yoke("run", package, "--token-ids", prompt, "-n", "60", "--ignore-eos", "--temperature", "0", "--json"))["token_ids"]
    for decode in ("lookup", "recycle", "adaptive"):
        ahead = json.loads(yoke("run", package, "--token-ids", prompt, "-n", "60", "--ignore-eos", "--temperature", "0", "--json", "--decode", decode))
        assert ahead["token_ids"] == plain, f"{decode} changes the text"


def check_refused(folder, policy):
    good = {**policy, "cold": [1, 5], "warm_up": 0, "tau": 0.9, "k": 1}
    bad = [
        ({"model_sha256": "0" * 64}, "model_sha256: the policy was measured on another checkpoint"),
        ({"layers": 6}, "layers: the policy is for a model of 6 layers, this one has 5"),
        ({"hidden_size": 128}, "hidden_size: the policy is for a model of hidden size 128, this one's is 256"),
        ({"cold": [3, 3]}, "cold: expected two layers"),
        ({"cold": [0, 9]}, "cold"),
        ({"k": 0}, "k: expected"),
        ({"k": 6}, "k: expected"),
        ({"tau": "high"}, "tau: expected a number"),
        ({"warm_up": -1}, "warm_up: expected"),
        ({"kind": "other"}, "kind"),
        ({"format": 2}, "format: version 2 is newer"),
        ({"more": 1}, "more"),
    ]
    output = os.path.join(folder, "none.yoke")
    for change, message in bad:
        path = os.path.join(folder, "bad.json")
        with open(path, "w") as file:
            json.dump({**good, **change}, file)
        error = yoke("compile", CHECKPOINT, "--ffn-skip", path, "-o", output, "-q", code=3)
        assert message in error and "bad.json" in error and error.count("\n") == 1, (change, error)
        assert not os.path.exists(output)
    with open(path, "w") as file:
        file.write("{")
    yoke("compile", CHECKPOINT, "--ffn-skip", path, "-o", output, "-q", code=3)


def main():
    golden = json.load(open(GOLDEN))
    config = json.load(open(os.path.join(CHECKPOINT, "config.json")))
    with tempfile.TemporaryDirectory() as folder:
        dense = os.path.join(folder, "dense.yoke")
        yoke("compile", CHECKPOINT, "-o", dense, "-q")
        policy = {"kind": "ffn-skip", "format": 1, "layers": config["num_hidden_layers"], "hidden_size": config["hidden_size"],
                  "model_sha256": re.search(r"source sha256\s+(\w+)", yoke("inspect", dense))[1]}
        for case in golden["cases"]:
            check_case(folder, golden, policy, case)
        check_refused(folder, policy)


main()
