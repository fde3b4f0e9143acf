"""Every drafter gives the tokens of plain decoding: check_speculation.py YOKE CHECKPOINT_OR_PACKAGE"""
import json
import os
import subprocess
import sys
import tempfile


def check_heads(yoke, source, heads, prompts, work):
    """Draft heads of each kind, on prompts of `prompts`."""
    for kind in ("medusa", "hydra", "eagle"):
        package = os.path.join(work, f"{kind}.yoke")
        subprocess.run([yoke, "compile", source, "--draft", f"{kind}:{os.path.join(heads, kind)}", "-q", "-o", package], check=True)
        ways = [f"{kind}:rows=12,size=full", kind, "auto"]
        command = [yoke, "bench", package, "--prompts", prompts, "-n", "32", "-r", "1", "-t", "2", "-o", "json"]
        for way in ways:
            command += ["--decode", way]
        rows = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
        calls = {(row["class"], row["decode"]): row["tokens_per_call"] for row in rows}
        assert calls["greedy", ways[0]] > 1.3, (ways[0], calls["greedy", ways[0]])
        print(f"{ways[0]}: {calls['greedy', ways[0]]:.2f} tokens a call greedy, {calls['sampled', ways[0]]:.2f} sampled")
        subprocess.run([yoke, "verify", package, "--parity"], check=True)


def main():
    yoke, source = sys.argv[1:3]
    text = open(os.path.join(os.path.dirname(__file__), "../../examples/checkpoint/heldout.txt")).read()
    with tempfile.TemporaryDirectory() as work:
        package = source
        if os.path.isdir(source):
            package = os.path.join(work, "model.yoke")
            subprocess.run([yoke, "compile", source, "-o", package], check=True)
        prompts = os.path.join(work, "prompts.jsonl")
        with open(prompts, "w") as file:
            for i in range(200):
                start = i * (len(text) - 200) // 200
                file.write(json.dumps({"class": "greedy" if i % 4 else "sampled", "temperature": 0 if i % 4 else 0.8,
                                       "prompt": text[start:start + 60 + i % 90]}) + "\n")
        ways = ["prompt-lookup:rows=12,size=full", "ngram:rows=12,size=full", "token-recycling:rows=12,size=full", "aded:rows=12,size=full",
                "aded:rows=12,size=full,search=mcts", "auto:rows=12,size=full", "auto", f"model:{package}"]
        command = [yoke, "bench", package, "--prompts", prompts, "-n", "32", "-r", "1", "-t", "2", "-o", "json"]
        for way in ways:
            command += ["--decode", way]
        # bench fails when a way gives other tokens than plain decoding.
        rows = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
        calls = {(row["class"], row["decode"]): row["tokens_per_call"] for row in rows}
        assert calls["greedy", "greedy"] == 1
        for way in ways:
            if "full" in way and "lookup" not in way:
                assert calls["greedy", way] > 1.15, (way, calls["greedy", way])
            assert calls["greedy", way] >= 1
            print(f"{way}: {calls['greedy', way]:.2f} tokens a call greedy, {calls['sampled', way]:.2f} sampled")
        if os.path.isdir(source):
            check_heads(yoke, source, os.path.join(source, "../heads"), prompts, work)
        run = [yoke, "run", package, "-p", "The whale", "-n", "64", "--json", "-t", "2", "--seed", "5"]
        for flags in (["--temperature", "0"], ["--temperature", "0.9", "--repetition-penalty", "1.2"]):
            plain = json.loads(subprocess.run(run + flags, check=True, stdout=subprocess.PIPE).stdout)
            for way in ("auto:state=none", "ngram:size=full"):
                guessed = json.loads(subprocess.run(run + flags + ["--decode", way], check=True, stdout=subprocess.PIPE).stdout)
                assert guessed["token_ids"] == plain["token_ids"], (flags, way)
                assert guessed["text"] == plain["text"]
        subprocess.run([yoke, "verify", package, "--parity", "-p", "It was a dark night, and"], check=True)


if __name__ == "__main__":
    main()
