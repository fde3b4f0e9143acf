#!/usr/bin/env python3
"""What a Mixture-of-Transformers costs: weights read and time for one modality, for both, and beside the dense model.

    pip install torch transformers safetensors
    modalities.py [--yoke build/release/bin/yoke] [--work DIR] [--threads 1] [--runs 5]
    modalities.py --account

Makes a random model in BAGEL's naming, ids from 256 on being pictures, and the same without the second modality's weights. The weights that a process has read are
the resident bytes of its mapping of the package (experts.py); `--work` should be on tmpfs. Times are those of prompts of 128 tokens, medians of runs in turn.

--account prints what a token of Chameleon 7B costs as a dense model and as a Mixture-of-Transformers; nothing is run.
"""
import argparse
import json
import os
import statistics
import subprocess

from experts import read_for

TEXT, PICTURE = range(3, 256), range(256, 512)


def make(folder, hidden, inner, layers):
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(0)
    config = {"architectures": ["Qwen2ForCausalLM"], "layer_module": "Qwen2MoTDecoderLayer", "vocab_size": 512, "hidden_size": hidden,
              "intermediate_size": inner, "num_hidden_layers": layers, "num_attention_heads": 8, "num_key_value_heads": 4,
              "max_position_embeddings": 1024, "bos_token_id": 0, "eos_token_id": 1, "moe_gen_token_ranges": [[256, 512]]}
    size, keys = hidden // 8, hidden // 2
    shapes = {"model.embed_tokens.weight": (512, hidden), "lm_head.weight": (512, hidden)}
    for gen in ("", "_moe_gen"):
        shapes[f"model.norm{gen}.weight"] = (hidden,)
        for layer in range(layers):
            prefix, attn = f"model.layers.{layer}", f"model.layers.{layer}.self_attn"
            shapes |= {f"{prefix}.{norm}{gen}.weight": (hidden,) for norm in ("input_layernorm", "post_attention_layernorm")}
            shapes |= {f"{attn}.{name}_norm{gen}.weight": (size,) for name in "qk"}
            for name, out in (("q", hidden), ("k", keys), ("v", keys)):
                shapes |= {f"{attn}.{name}_proj{gen}.weight": (out, hidden), f"{attn}.{name}_proj{gen}.bias": (out,)}
            shapes |= {f"{attn}.o_proj{gen}.weight": (hidden, hidden), f"{prefix}.mlp{gen}.down_proj.weight": (hidden, inner)}
            shapes |= {f"{prefix}.mlp{gen}.{name}_proj.weight": (inner, hidden) for name in ("gate", "up")}
    tensors = {name: (torch.randn(shape) / shape[-1] ** 0.5).bfloat16() for name, shape in shapes.items()}
    for name in ("mot", "dense"):
        os.makedirs(f"{folder}/{name}", exist_ok=True)
        json.dump(config, open(f"{folder}/{name}/config.json", "w"))
        save_file({key: tensor for key, tensor in tensors.items() if name == "mot" or "_moe_gen" not in key}, f"{folder}/{name}/model.safetensors")


def seconds(yoke, package, ids, threads):
    """Of the prompt `ids`."""
    command = [yoke, "run", package, "--token-ids", ids, "-n", "1", "--temperature", "0", "--ignore-eos", "--json", "-t", str(threads)]
    stats = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)["stats"]
    return stats["prefill_s"]


def account():
    """Chameleon 7B (Llama 2's layers, 4096 positions, 65536 tokens of text and pictures)."""
    hidden, inner, layers, context, vocabulary = 4096, 11008, 32, 4096, 65536
    attention, ffn, head = 4 * hidden**2, 3 * hidden * inner, vocabulary * hidden
    scores = 4 * hidden * (context / 2) * layers  # q . k and p . v, causal: half of the context on average
    for name, modalities in (("dense", 1), ("MoT", 2)):
        active = layers * (attention + ffn)
        forward = 2 * (active + head) + scores
        print(f"{name}: layers hold {modalities * active / 1e9:.2f} G parameters, of which a token uses {active / 1e9:.2f} G; "
              f"a token costs {forward / 1e9:.2f} GFLOP forward, {3 * forward / 1e9:.2f} GFLOP in training")
    print("equal costs a step: what is trained for 55.8 % of the steps has cost 55.8 % of the operations")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--yoke", default="build/release/bin/yoke")
    parser.add_argument("--work", default="modalities-work")
    parser.add_argument("--account", action="store_true")
    for name, value in [("inner", 2048), ("hidden", 512), ("layers", 4), ("threads", 1), ("runs", 5)]:
        parser.add_argument(f"--{name}", type=int, default=value)
    a = parser.parse_args()
    if a.account:
        account()
        raise SystemExit
    make(a.work, a.hidden, a.inner, a.layers)
    packages = {name: os.path.abspath(f"{a.work}/{name}.yoke") for name in ("mot", "dense")}
    for name, package in packages.items():
        subprocess.run([a.yoke, "compile", f"{a.work}/{name}", "-o", package, "-q"], check=True)
    text, picture = list(TEXT)[:128], list(PICTURE)[:128]
    prompts = {"text": text, "pictures": picture, "half and half": text[:64] + picture[:64],
               "in turn": [ids for pair in zip(text[:64], picture[:64]) for ids in pair]}
    prompts = {name: ",".join(map(str, ids)) for name, ids in prompts.items()}
    for name, package in packages.items():
        print(f"{name}: package {os.path.getsize(package) / 1e6:.1f} MB")
    cases = [("dense", "text")] + [("mot", prompt) for prompt in prompts]
    times = {case: [] for case in cases}
    for _ in range(a.runs):
        for case in cases:
            times[case].append(seconds(a.yoke, packages[case[0]], prompts[case[1]], a.threads))
    for name, prompt in cases:
        read = read_for(a.yoke, packages[name], prompts[prompt])
        ratio = statistics.median(t / d for t, d in zip(times[name, prompt], times["dense", "text"]))
        print(f"{name}, {prompt}: read {read / 1e6:.1f} MB, {1e3 * statistics.median(times[name, prompt]):.2f} ms for 128 tokens, "
              f"{ratio:.2f} of the dense model's time")
