#!/usr/bin/env python3
"""How acceptance moves the verification of drafts between PIM and NPU: a table and a picture.

    tree_placement.py --target examples/targets/neupims.json [--rates 0.8,0.7,0.6] [--branch 2] [--batch 1,8] [--svg F.svg] [--bin build/release/bin]

A step that verifies a draft of D depths has 1 + D rows for each sequence with one guess a depth, and as many more for each further guess of a
depth. `--rates` are synthetic acceptance rates, as llama.cpp's and vLLM's benchmarks take them: rate i is the share of drafts whose guess at
depth i is accepted, given that all before it are; depths beyond the list have the last. With `--branch B` a depth has B guesses, of which one is right
with probability 1 - (1 - rate)^B. The accepted length of a step is then 1 + r1 + r1 r2 + ..., and the time of a step is that of the placement
pass for its class of steps. The model is Llama-2-7B's shape; its weights are never read (a sparse file).
"""
import argparse
import json
import os
import re
import struct
import subprocess
import tempfile

SHAPE = {"hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 8, "num_attention_heads": 32, "num_key_value_heads": 32, "vocab_size": 32000}
DEPTHS = [0, 1, 2, 3, 4, 6, 8, 12, 16]


def write_checkpoint(folder):
    """A Llama of this shape (a quarter of the layers, which are all alike) whose tensors are a hole in a file."""
    d, f, v = SHAPE["hidden_size"], SHAPE["intermediate_size"], SHAPE["vocab_size"]
    tensors = {"model.embed_tokens.weight": [v, d], "model.norm.weight": [d], "lm_head.weight": [v, d]}
    for i in range(SHAPE["num_hidden_layers"]):
        layer = f"model.layers.{i}."
        tensors |= {layer + "input_layernorm.weight": [d], layer + "post_attention_layernorm.weight": [d]}
        tensors |= {layer + f"self_attn.{n}_proj.weight": [d, d] for n in "qkvo"}
        tensors |= {layer + "mlp.gate_proj.weight": [f, d], layer + "mlp.up_proj.weight": [f, d], layer + "mlp.down_proj.weight": [d, f]}
    table, offset = {}, 0
    for name, shape in tensors.items():
        size = 2 * shape[0] * (shape[1] if len(shape) > 1 else 1)
        table[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [offset, offset + size]}
        offset += size
    header = json.dumps(table).encode()
    with open(os.path.join(folder, "model.safetensors"), "wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        file.truncate(8 + len(header) + offset)
    config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu", "rms_norm_eps": 1e-5, "max_position_embeddings": 4096, **SHAPE}
    json.dump(config, open(os.path.join(folder, "config.json"), "w"))


def seconds(text, unit):
    return float(text) * {"s": 1, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}[unit]


def place(options, module, classes):
    """For each class: seconds of a step, kernels on NPU and PIM, seconds on the NPU alone."""
    command = [os.path.join(options.bin, "yoke-opt"), module, "--yoke-simplify", "--yoke-fuse", f"--yoke-specialise=classes={','.join(classes)}",
               f"--yoke-partition=target={options.target} context={options.context}", "--mlir-print-op-on-diagnostic=false", "-o", "/dev/null"]
    log = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    found = {}
    for line in re.findall(r"remark: @step_(.*)", log):
        name, counts = line.split(":", 1)
        on = {device: int(count) for count, device in re.findall(r"(\d+) on (\w+)", counts)}
        times = re.findall(r"([\d.]+) (s|ms|us|ns) (a step|on npu alone)", counts)
        step = {what: seconds(value, unit) for value, unit, what in times}
        found[name] = (step["a step"], on.get("npu", 0), on.get("pim", 0), step["on npu alone"])
    return found


def accepted_length(rates, depth, branch):
    length = reached = 1.0
    for i in range(depth):
        reached *= 1 - (1 - rates[min(i, len(rates) - 1)]) ** branch
        length += reached
    return length


def picture(series, path):
    """Tokens per second (lines) and the share of kernels in the banks (bars) by rows a sequence."""
    width, height, left, bottom = 760, 360, 64, 48
    most = max(point["rate"] for points in series.values() for point in points) * 1.1
    rows = [point["rows"] for point in next(iter(series.values()))]
    x = lambda i: left + (i + 0.5) * (width - left - 150) / len(rows)
    y = lambda share: height - bottom - share * (height - bottom - 20)
    colours = ["#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#8c564b", "#e377c2"]
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">',
           f'<rect width="{width}" height="{height}" fill="white"/>']
    for i, point in enumerate(next(iter(series.values()))):
        share = point["pim"] / max(1, point["pim"] + point["npu"])
        out.append(f'<rect x="{x(i) - 14:.1f}" y="{y(share):.1f}" width="28" height="{height - bottom - y(share):.1f}" fill="#dddddd"/>')
        out.append(f'<text x="{x(i):.1f}" y="{height - bottom + 16}" text-anchor="middle">{point["rows"]}</text>')
    for step in range(5):
        out.append(f'<text x="{left - 6}" y="{y(step / 4) + 4:.1f}" text-anchor="end">{most * step / 4:.0f}</text>')
        out.append(f'<line x1="{left}" x2="{width - 150}" y1="{y(step / 4):.1f}" y2="{y(step / 4):.1f}" stroke="#eeeeee"/>')
    for (name, points), colour in zip(series.items(), colours):
        line = " ".join(f"{x(i):.1f},{y(p['rate'] / most):.1f}" for i, p in enumerate(points))
        out.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        last = y(points[-1]["rate"] / most)
        out.append(f'<text x="{width - 144}" y="{last + 4:.1f}" fill="{colour}">{name}</text>')
    out += [f'<text x="{(left + width - 150) / 2}" y="{height - 8}" text-anchor="middle">rows of a sequence in a step</text>',
            f'<text x="{left}" y="14">tokens/s (lines, by acceptance rate); share of kernels in the banks (bars)</text>', "</svg>"]
    open(path, "w").write("\n".join(out) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", default="examples/targets/neupims.json")
    parser.add_argument("--rates", action="append", help="synthetic acceptance rates by depth; may be given again")
    parser.add_argument("--branch", type=int, default=1)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--context", type=int, default=1024)
    parser.add_argument("--svg")
    parser.add_argument("--bin", default="build/release/bin")
    options = parser.parse_args()
    rates = [[float(r) for r in text.split(",")] for text in options.rates or ["0.9", "0.8,0.7,0.6", "0.5"]]
    for row in rates:
        if any(not 0 <= r <= 1 for r in row) or row != sorted(row, reverse=True):
            parser.error(f"acceptance rates {row}: expected numbers from 0 to 1 that do not increase with depth")
    with tempfile.TemporaryDirectory() as work:
        write_checkpoint(work)
        module = os.path.join(work, "model.mlir")
        with open(module, "w") as file:
            subprocess.run([os.path.join(options.bin, "yoke-translate"), "--import-checkpoint", os.path.join(work, "config.json")], check=True, stdout=file)
        names = {depth: f"{options.batch}x{1 + depth * options.branch}" for depth in DEPTHS}
        found = place(options, module, list(names.values()))
    series = {}
    print("| rows a sequence | on NPU | on PIM | a step | NPU alone |" + "".join(f" {r} |" for r in rates))
    print("|--:|--:|--:|--:|--:|" + "--:|" * len(rates))
    for depth, name in names.items():
        step, npu, pim, alone = found[name]
        cells = []
        for row in rates:
            length = accepted_length(row, depth, options.branch)
            series.setdefault(" ".join(map(str, row)), []).append({"rows": 1 + depth * options.branch, "rate": options.batch * length / step, "pim": pim, "npu": npu})
            cells.append(f" {options.batch * length / step:.0f} t/s ({length:.2f}), {options.batch * length / alone:.0f} |")
        print(f"| {1 + depth * options.branch} | {npu} | {pim} | {step * 1e6:.0f} us | {alone * 1e6:.0f} us |" + "".join(cells))
    if options.svg:
        picture(series, options.svg)


if __name__ == "__main__":
    main()
