"""Kinds of conditional computation with each other and with ways of running: check_composition.py YOKE FIXTURES

For experts, skipped feed-forward blocks and both together: logits have the same bits for one token a step, chunks, the whole text, and any number of threads;
guessing ahead does not change the text; the counters say what was computed. Pairs that make no sense are refused.
"""
import json
import os
import re
import subprocess
import sys
import tempfile

YOKE, FIXTURES = sys.argv[1:]
IDS = [3, 17, 9, 22, 3, 17, 9, 11, 28, 3, 17, 9, 22, 5, 14, 7]
# With trees of full size nothing depends on the time that steps take; buckets are steps for exact numbers of rows.
LOOPS = ["none", "prompt-lookup:rows=8,size=full,buckets=1+2+4", "token-recycling:shape=fixed,rows=8,state=none"]
MODELS = ["mixtral", "qwen2-moe", "deepseek-v3", "llama", "gemma2", "gpt2", "opt-post-norm"]


def yoke(*arguments, code=0):
    done = subprocess.run([YOKE, *arguments], capture_output=True, text=True, timeout=300)
    assert done.returncode == code, f"{arguments}: exit {done.returncode}: {done.stderr}"
    return done.stdout if code == 0 else done.stderr


def logits(package, *flags):
    path = package + ".npy"
    yoke("eval", package, "--token-ids", ",".join(map(str, IDS)), "--output", path, "-q", *flags)
    return open(path, "rb").read()


def run(package, tokens, *flags):
    return json.loads(yoke("run", package, "--token-ids", ",".join(map(str, IDS)), "-n", str(tokens), "--ignore-eos", "--temperature", "0", "--json", *flags))


def check(folder, source, flags, skips):
    packages = {}
    for tokens in (1, 5, 512):
        packages[tokens] = os.path.join(folder, f"{tokens}.yoke")
        yoke("compile", source, "-o", packages[tokens], "-q", "--max-step-tokens", str(tokens), *flags)
    whole = logits(packages[512], "-t", "1")
    for package, threads in ((packages[512], "3"), (packages[5], "1"), (packages[5], "2"), (packages[1], "1")):
        assert whole == logits(package, "-t", threads), (source, flags, package, threads)
    plain = run(packages[512], 24)
    for decode in ("lookup", "recycle"):
        assert run(packages[512], 24, "--decode", decode)["token_ids"] == plain["token_ids"], (source, flags, decode)
    run(packages[512], 8, "--decode", "beam:width=3")

    for draft in LOOPS:
        yoke("compile", source, "-o", packages[5], "-q", "--draft", draft, *flags)
        compiled, interpreted = run(packages[5], 24), run(packages[5], 24, "--interpret")
        assert compiled["stats"]["compiled_loop"] and not interpreted["stats"]["compiled_loop"], (source, draft)
        assert compiled["token_ids"] == interpreted["token_ids"] == plain["token_ids"], (source, flags, draft)
        if "fixed" not in draft:
            for key in ("model_calls", "skipped_ffn_fraction", "expert_load"):
                assert compiled["stats"][key] == interpreted["stats"][key], (source, flags, draft, key)

    stats = run(packages[512], 1)["stats"]
    config = json.load(open(os.path.join(source, "config.json")))
    for layer in stats["expert_load"]:
        rows = len(IDS) * config["num_experts_per_tok"]
        # Rows that skip the block reach no expert.
        assert sum(layer["rows"]) <= rows if skips else sum(layer["rows"]) == rows, (source, layer)
    assert bool(stats["expert_load"]) == ("num_experts_per_tok" in config), source
    assert (stats["skipped_ffn_fraction"] > 0) == skips, (source, stats)


def main():
    with tempfile.TemporaryDirectory() as folder:
        for model in MODELS:
            source = os.path.join(FIXTURES, model)
            config = json.load(open(os.path.join(source, "config.json")))
            check(folder, source, [], False)
            layers = config.get("num_hidden_layers", config.get("n_layer"))
            policy = {"kind": "ffn-skip", "format": 1, "layers": layers, "hidden_size": config.get("hidden_size", config.get("n_embd")),
                      "model_sha256": re.search(r"source sha256\s+(\w+)", yoke("inspect", os.path.join(folder, "512.yoke")))[1],
                      "cold": [0, layers], "warm_up": 3, "tau": -2, "k": 1}
            path = os.path.join(folder, "policy.json")
            json.dump(policy, open(path, "w"))
            check(folder, source, ["--ffn-skip", path], True)
            placed = yoke("compile", source, "--target", "npu-pim.json", "--emit", "placed", "--ffn-skip", path, code=2)
            assert "skips have no placement" in placed, placed
            simulated = yoke("run", source, "--device", "sim", "--ffn-skip", path, "-n", "1", "--token-ids", "3", code=2)
            assert "the simulated device skips no feed-forward blocks" in simulated and simulated.count("\n") == 1, simulated
        # Attention and the block beside it start from one row: there is nothing that a row could skip alone.
        parallel = yoke("compile", os.path.join(FIXTURES, "gpt-neox"), "--ffn-skip", "record", "-o", path, code=1)
        assert "layer 0 has no feed-forward block" in parallel, parallel


main()
