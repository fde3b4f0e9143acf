"""The compiled loop gives the tokens, texts and numbers of steps of the runtime's: check_compiled_loop.py YOKE CHECKPOINT"""
import json
import os
import shutil
import subprocess
import sys
import tempfile

# With trees of full size nothing depends on the time that steps take, so that both loops take the same steps.
DRAFTS = ["none", "prompt-lookup:rows=12,size=full", "ngram:rows=12,size=full", "token-recycling:rows=12,size=full,state=none",
          "aded:rows=12,size=full", "auto:rows=12,size=full,state=none"]
FIXED = "token-recycling:shape=fixed,rows=12,state=none"


def main():
    yoke, source = sys.argv[1:3]
    text = open(os.path.join(os.path.dirname(__file__), "../../examples/checkpoint/heldout.txt")).read()
    with tempfile.TemporaryDirectory() as work:
        prompts = os.path.join(work, "prompts.jsonl")
        with open(prompts, "w") as file:
            for i in range(24):
                start = i * (len(text) - 200) // 24
                file.write(json.dumps({"class": "greedy" if i % 3 else "sampled", "temperature": 0 if i % 3 else 0.8,
                                       "prompt": text[start:start + 40 + i % 90]}) + "\n")
        package = os.path.join(work, "model.yoke")
        for draft in DRAFTS + [FIXED]:
            subprocess.run([yoke, "compile", source, "-o", package, "--draft", draft], check=True)
            check(yoke, package, prompts, draft)
            if draft.startswith("ngram"):
                check_end(yoke, source, package, draft, work)
        subprocess.run([yoke, "verify", package, "--parity", "-n", "48"], check=True)


def check(yoke, package, prompts, draft):
    # bench fails when a way gives other tokens than plain decoding by the runtime.
    bench = subprocess.run([yoke, "bench", package, "--prompts", prompts, "-n", "32", "-r", "1", "-t", "2", "-o", "json", "--decode", "compiled"],
                           check=True, stdout=subprocess.PIPE, text=True)
    rows = {(row["class"], row["decode"]): row["tokens_per_call"] for row in json.loads(bench.stdout)}
    assert draft == "none" or rows["greedy", "compiled"] > 1, (draft, rows)

    inspected = json.loads(subprocess.run([yoke, "inspect", package, "--json"], check=True, stdout=subprocess.PIPE).stdout)
    assert inspected["manifest"]["loop"]["draft"] == draft
    for flags in (["-n", "40"], ["-n", "40", "-t", "1"], ["-n", "1"], ["-n", "2"], ["-n", "0"],
                  ["-n", "100000", "--ignore-eos"],  # the context's end
                  ["-n", "40", "--temperature", "0.9", "--seed", "3"],
                  ["-n", "40", "--repetition-penalty", "1.3"],
                  ["-n", "40", "--logprobs", "2"],
                  ["-n", "40", "--stop", "th"],
                  ["-n", "40", "--constrain", "regex=[a-z ,.]*"]):
        compiled, plain = (json.loads(run(yoke, package, flags + more)) for more in ([], ["--interpret"]))
        assert compiled["stats"]["compiled_loop"] == (len(compiled["token_ids"]) > 1) and not plain["stats"]["compiled_loop"]
        for key in ("token_ids", "text", "finish_reason", "logprobs"):
            assert compiled.get(key) == plain.get(key), (draft, flags, key, compiled.get(key), plain.get(key))
        if draft != FIXED:
            for key in ("model_calls", "accepted_histogram", "tokens_per_call"):
                assert compiled["stats"].get(key) == plain["stats"].get(key), (draft, flags, key, compiled["stats"], plain["stats"])
    print(f"{draft}: {rows['greedy', 'compiled']:.2f} tokens a call")


def check_end(yoke, source, package, draft, work):
    """Texts that end at a token within a draft: each token of a text in turn is made the end token."""
    tokens = json.loads(run(yoke, package, ["-n", "24", "--ignore-eos"]))["token_ids"]
    for place in (9, 14, 20):
        folder, ended = os.path.join(work, f"ends-{place}"), os.path.join(work, f"ends-{place}.yoke")
        shutil.copytree(source, folder)
        with open(os.path.join(folder, "generation_config.json"), "w") as file:
            json.dump({"eos_token_id": tokens[place]}, file)
        subprocess.run([yoke, "compile", folder, "-o", ended, "--draft", draft], check=True)
        compiled, plain = (json.loads(run(yoke, ended, ["-n", "24", *more])) for more in ([], ["--interpret"]))
        assert compiled["finish_reason"] == "stop" and compiled["token_ids"][-1] == tokens[place]
        for key in ("token_ids", "text"):
            assert compiled[key] == plain[key], (place, key)
        assert compiled["stats"]["accepted_histogram"] == plain["stats"]["accepted_histogram"], place


def run(yoke, package, flags):
    if "-t" not in flags:
        flags = flags + ["-t", "2"]
    if "--temperature" not in flags:
        flags = flags + ["--temperature", "0"]
    return subprocess.run([yoke, "run", package, "-p", "The captain said to the captain", "--json", *flags], check=True,
                          stdout=subprocess.PIPE, text=True).stdout


if __name__ == "__main__":
    main()
