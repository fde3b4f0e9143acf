#!/usr/bin/env python3
"""Make the small random Mixtures-of-Transformers in fixtures/, with goldens from the plain PyTorch model below.

    make_mot_fixtures.py OUT

Names of tensors and config.json are BAGEL's: weights of modality 1 end in `_moe_gen`. The model computes every row with the weights of both
modalities and takes the one that the token has, so nothing here compacts, groups or caches. golden.json holds prompts, the
tokens that greedy decoding gives and the distance of the two best logits at each; golden.safetensors `logits.<i>`.
"""
import json
import os
import shutil
import sys

import torch
from safetensors.torch import load_file, save_file

CONFIG = {"architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "layer_module": "Qwen2MoTDecoderLayer", "qk_norm": True, "hidden_act": "silu",
          "vocab_size": 48, "hidden_size": 32, "intermediate_size": 40, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
          "max_position_embeddings": 128, "rms_norm_eps": 1e-6, "rope_theta": 10000.0, "tie_word_embeddings": False, "bos_token_id": 0,
          "eos_token_id": 1, "torch_dtype": "bfloat16"}
OPEN, CLOSE, RANGE = 6, 7, (32, 48)
MARKERS = {"vision_start_token_id": OPEN, "vision_end_token_id": CLOSE}
RANGES = {"moe_gen_token_ranges": [list(RANGE)]}
FIXTURES = {
    "mot-markers": MARKERS,
    "mot-ranges": RANGES,
    "mot-post-norm": {**RANGES, "mot_norm": "post", "qk_norm": False, "head_dim": 8},
}
PROMPTS = [[5], [9, OPEN, 33, 12, 40, CLOSE, 20, 34], [3, 4, 36, OPEN, 33, 34, 8, 35, CLOSE, 36, 11, OPEN, 9, 44]]
GENERATED = 12


def modalities(config, ids):
    """0 or 1 for each token; markers and what lies outside of them are 0."""
    if "moe_gen_token_ranges" in config:
        return [int(any(a <= i < b for a, b in config["moe_gen_token_ranges"])) for i in ids]
    out, inside = [], 0
    for i in ids:
        marker = i in (OPEN, CLOSE)
        out.append(0 if marker else inside)
        inside = int(i == OPEN) if marker else inside
    return out


def rms_norm(x, weight, epsilon):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + epsilon) * weight


def rotate(x, theta):
    """x: [heads, tokens, size], halves rotated."""
    size = x.shape[-1]
    angles = torch.arange(x.shape[1])[:, None] / theta ** (torch.arange(0, size, 2) / size)
    cos, sin = torch.cat([angles.cos()] * 2, -1), torch.cat([angles.sin()] * 2, -1)
    return x * cos + torch.cat([-x[..., size // 2:], x[..., :size // 2]], -1) * sin


def forward(config, tensors, ids):
    """Logits [tokens, vocabulary] in float32."""
    is_gen = torch.tensor(modalities(config, ids), dtype=torch.bool)[:, None]
    weight = lambda name: tensors["language_model." + name].float()
    epsilon = config["rms_norm_eps"]

    def choose(function):
        return torch.where(is_gen, function("_moe_gen"), function(""))

    def linear(x, prefix, name, bias=False):
        return choose(lambda gen: x @ weight(f"{prefix}.{name}{gen}.weight").T + (weight(f"{prefix}.{name}{gen}.bias") if bias else 0))

    def norm(x, name):
        return choose(lambda gen: rms_norm(x, weight(f"{name}{gen}.weight"), epsilon))

    def head_norm(x, name):
        return choose(lambda gen: rms_norm(x.view(len(ids), -1, size), weight(f"{name}{gen}.weight"), epsilon).flatten(1))

    heads, kv_heads = config["num_attention_heads"], config["num_key_value_heads"]
    size = config["hidden_size"] // heads
    post = config.get("mot_norm") == "post"
    x = weight("model.embed_tokens.weight")[ids]
    mask = torch.full((len(ids), len(ids)), float("-inf")).triu(1)
    for layer in range(config["num_hidden_layers"]):
        prefix = f"model.layers.{layer}"
        attn = prefix + ".self_attn"
        normed = x if post else norm(x, prefix + ".input_layernorm")
        q, k, v = (linear(normed, attn, name, bias=True) for name in ("q_proj", "k_proj", "v_proj"))
        if config["qk_norm"]:
            q, k = head_norm(q, attn + ".q_norm"), head_norm(k, attn + ".k_norm")
        q, k, v = (y.view(len(ids), -1, size).transpose(0, 1) for y in (q, k, v))
        q, k = rotate(q, config["rope_theta"]), rotate(k, config["rope_theta"])
        k, v = (y.repeat_interleave(heads // kv_heads, 0) for y in (k, v))
        attended = ((q @ k.transpose(1, 2) / size ** 0.5 + mask).softmax(-1) @ v).transpose(0, 1).flatten(1)
        out = linear(attended, attn, "o_proj")
        x = x + (norm(out, prefix + ".input_layernorm") if post else out)
        normed = x if post else norm(x, prefix + ".post_attention_layernorm")

        def mlp(gen):
            gate, up, down = (weight(f"{prefix}.mlp{gen}.{name}_proj.weight") for name in ("gate", "up", "down"))
            return torch.nn.functional.silu(normed @ gate.T) * (normed @ up.T) @ down.T

        fed = choose(mlp)
        x = x + (norm(fed, prefix + ".post_attention_layernorm") if post else fed)
    return norm(x, "model.norm") @ weight("lm_head.weight").T


def shapes(config):
    hidden, inner, vocabulary = config["hidden_size"], config["intermediate_size"], config["vocab_size"]
    size = hidden // config["num_attention_heads"]
    keys = size * config["num_key_value_heads"]
    yield "model.embed_tokens.weight", (vocabulary, hidden)
    yield "lm_head.weight", (vocabulary, hidden)
    for gen in ("", "_moe_gen"):
        yield f"model.norm{gen}.weight", (hidden,)
        for layer in range(config["num_hidden_layers"]):
            prefix = f"model.layers.{layer}"
            for name in ("input_layernorm", "post_attention_layernorm"):
                yield f"{prefix}.{name}{gen}.weight", (hidden,)
            for name, out in (("q", hidden), ("k", keys), ("v", keys)):
                yield f"{prefix}.self_attn.{name}_proj{gen}.weight", (out, hidden)
                yield f"{prefix}.self_attn.{name}_proj{gen}.bias", (out,)
            yield f"{prefix}.self_attn.o_proj{gen}.weight", (hidden, hidden)
            for name in ("q_norm", "k_norm") if config["qk_norm"] else ():
                yield f"{prefix}.self_attn.{name}{gen}.weight", (size,)
            for name in ("gate", "up"):
                yield f"{prefix}.mlp{gen}.{name}_proj.weight", (inner, hidden)
            yield f"{prefix}.mlp{gen}.down_proj.weight", (hidden, inner)


def randomised(name, shape):
    if name.endswith("bias"):
        return torch.randn(shape) * 0.1
    if len(shape) == 1:
        return 1 + torch.randn(shape) * 0.1
    return torch.randn(shape) * (0.5 if "embed" in name else 1.2 / shape[-1] ** 0.5)


def generate(config, tensors, ids):
    ids, margins = list(ids), []
    for _ in range(GENERATED):
        best = forward(config, tensors, ids)[-1].topk(2)
        ids.append(int(best.indices[0]))
        margins.append(round(float(best.values[0] - best.values[1]), 5))
    return {"generated": ids[-GENERATED:], "margins": margins}


def make(out, name, options):
    torch.manual_seed(sum(name.encode()))
    folder = os.path.join(out, name)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    config = {**CONFIG, **options}
    json.dump(config, open(os.path.join(folder, "config.json"), "w"), indent=2)
    path = os.path.join(folder, "model.safetensors")
    save_file({"language_model." + name: randomised(name, shape).bfloat16() for name, shape in shapes(config)}, path, {"format": "pt"})
    tensors = load_file(path)
    prompts = [{"token_ids": ids, **generate(config, tensors, ids)} for ids in PROMPTS]
    json.dump({"prompts": prompts}, open(os.path.join(folder, "golden.json"), "w"))
    save_file({f"logits.{i}": forward(config, tensors, ids).contiguous() for i, ids in enumerate(PROMPTS)},
              os.path.join(folder, "golden.safetensors"))


if __name__ == "__main__":
    with torch.no_grad():
        for name, options in FIXTURES.items():
            make(sys.argv[1], name, options)
