"""The bundled model writes what transformers writes, from text and greedily, up to the first near tie: check_bundled.py YOKE CHECKPOINT"""
import json
import os
import subprocess
import sys
import tempfile


def main():
    yoke, folder = sys.argv[1:3]
    cases = json.load(open(os.path.join(folder, "golden.json")))["cases"]
    compared = 0
    with tempfile.TemporaryDirectory() as work:
        package = os.path.join(work, "model.yoke")
        subprocess.run([yoke, "compile", folder, "-o", package], check=True)
        for case in cases:
            for threads in ("1", "2"):
                command = [yoke, "run", package, "-p", case["prompt"], "-n", str(len(case["greedy_ids"])), "--temperature", "0", "--ignore-eos", "--json", "-t", threads]
                result = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
                assert result["prompt_token_ids"] == case["prompt_ids"], (case["prompt"], result["prompt_token_ids"])
                clear = next((i for i, margin in enumerate(case["margins"]) if margin < 1e-3), len(case["greedy_ids"]))
                assert result["token_ids"][:clear] == case["greedy_ids"][:clear], (case["prompt"], result["token_ids"])
                compared += clear
    print(f"{len(cases)} prompts, {compared} tokens equal")


if __name__ == "__main__":
    main()
