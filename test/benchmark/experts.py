#!/usr/bin/env python3
"""What a mixture of experts costs: weights read for one token, and speed beside the dense model of its active size.

    pip install torch transformers
    experts.py [--yoke build/release/bin/yoke] [--work DIR] [--experts 16] [--top-k 2] [--threads 1] [--runs 5]

Makes two random checkpoints of equal shape: a Mixtral whose experts are `--inner` wide, and a Llama whose MLP is as wide as the
experts that a token reaches. The weights that a process has read are the resident bytes of its mapping of the package after one
token; they are compared with the size of what one token needs. `--work` should be on tmpfs: other file systems may map 2 MB at
once, whatever is read of them. Speeds are medians of `yoke bench`, the two models in turn.
"""
import argparse
import json
import os
import statistics
import subprocess
import time

import torch
import transformers as T


def make(folder, model, config):
    torch.manual_seed(0)
    model(model.config_class(**config)).to(torch.bfloat16).save_pretrained(folder)


def resident(pid, path):
    """Resident bytes of `path` in a process, or 0 when it is gone."""
    total, ours = 0, False
    try:
        for line in open(f"/proc/{pid}/smaps"):
            fields = line.split()
            if "-" in fields[0] and not fields[0].endswith(":"):
                ours = line.rstrip().endswith(path)
            elif ours and fields[0] == "Rss:":
                total += int(fields[1]) * 1024
    except OSError:
        pass
    return total


def read_for(yoke, package, ids):
    """Bytes of the package that a process has mapped in when it has computed the tokens `ids` and waits to say so."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        while True:
            os.write(writer, b" " * 4096)
    except BlockingIOError:
        os.set_blocking(writer, True)
    command = [yoke, "run", package, "--token-ids", ids, "-n", "1", "--temperature", "0", "--ignore-eos", "-t", "1", "--json"]
    process = subprocess.Popen(command, stdout=writer)
    os.close(writer)
    time.sleep(2)
    assert process.poll() is None
    read = resident(process.pid, os.path.basename(package))
    while os.read(reader, 1 << 16):
        pass
    assert process.wait() == 0
    return read


def bench(yoke, package, arguments):
    command = [yoke, "bench", package, "-p", "128", "-n", "32", "-t", str(arguments.threads), "-r", "1", "--no-roof", "-o", "json"]
    rows = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return {row["test"]: row["avg_ts"] for row in rows}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--yoke", default="build/release/bin/yoke")
    parser.add_argument("--work", default="experts-work")
    for name, value in [("experts", 16), ("top-k", 2), ("inner", 1024), ("hidden", 512), ("layers", 4), ("threads", 1), ("runs", 5)]:
        parser.add_argument(f"--{name}", type=int, default=value)
    a = parser.parse_args()
    shape = dict(vocab_size=512, hidden_size=a.hidden, num_hidden_layers=a.layers, num_attention_heads=8,
                 num_key_value_heads=4, max_position_embeddings=1024, bos_token_id=0, eos_token_id=1)
    make(f"{a.work}/experts", T.MixtralForCausalLM, {**shape, "intermediate_size": a.inner, "num_local_experts": a.experts,
                                                     "num_experts_per_tok": a.top_k})
    make(f"{a.work}/dense", T.LlamaForCausalLM, {**shape, "intermediate_size": a.inner * a.top_k})
    packages = {}
    for name in ["experts", "dense"]:
        packages[name] = os.path.abspath(f"{a.work}/{name}.yoke")
        subprocess.run([a.yoke, "compile", f"{a.work}/{name}", "-o", packages[name]], check=True)
    expert = 3 * a.hidden * a.inner * 2
    size = os.path.getsize(packages["experts"])
    needed = size - a.layers * (a.experts - a.top_k) * expert
    read = read_for(a.yoke, packages["experts"], "3")
    print(f"package {size / 1e6:.1f} MB, a token needs {needed / 1e6:.1f} MB, read {read / 1e6:.1f} MB: "
          f"{100 * (read / needed - 1):+.1f} %")
    speeds = {name: [] for name in packages}
    for _ in range(a.runs):
        for name, package in packages.items():
            speeds[name].append(bench(a.yoke, package, a))
    for test in speeds["dense"][0]:
        middle = {name: statistics.median(run[test] for run in runs) for name, runs in speeds.items()}
        ratio = statistics.median(e[test] / d[test] for e, d in zip(speeds["experts"], speeds["dense"]))
        print(f"{test}: experts {middle['experts']:.0f} t/s, dense {middle['dense']:.0f} t/s, median of ratios {ratio:.2f}")
