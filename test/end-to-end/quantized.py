"""Checkpoints stored quantised, against the same model with the elements written out as float32: quantized.py YOKE CONFIG

Makes a small Llama of random integers and scales, stores it as GPTQ, AWQ and compressed-tensors do, and compares logits. Then damages each in many ways:
those must be refused with exit code 3, one line and no output file.
"""
import json
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile

HIDDEN, INNER, LAYERS, HEADS, KV_HEADS, VOCAB = 64, 96, 2, 4, 2, 48
AWQ_ORDER = [0, 2, 4, 6, 1, 3, 5, 7]


def to_half(value):
    return struct.unpack("<e", struct.pack("<e", value))[0]


class Matrix:
    """Integers, scales and zero points of [outputs, inputs]; element = scale * (integer - zero)."""

    def __init__(self, rng, outputs, inputs, bits, group, symmetric):
        self.outputs, self.inputs, self.group = outputs, inputs, group or inputs
        groups = -(-inputs // self.group)
        middle, largest = 1 << (bits - 1), (1 << bits) - 1
        self.integers = [[rng.randint(0, largest) for _ in range(inputs)] for _ in range(outputs)]
        self.scales = [[to_half(rng.uniform(0.5, 1.5) / middle / inputs**0.5) for _ in range(groups)] for _ in range(outputs)]
        self.zeros = [[middle if symmetric else rng.randint(1, largest) for _ in range(groups)] for _ in range(outputs)]

    def floats(self):
        return [self.scales[o][k // self.group] * (self.integers[o][k] - self.zeros[o][k // self.group])
                for o in range(self.outputs) for k in range(self.inputs)]


def words(rows, bits):
    """Packs each row's elements into words, the first in the lowest bits; the last word may be filled with zeros."""
    per_word = 32 // bits
    packed = [[sum(v << (bits * i) for i, v in enumerate(row[k:k + per_word])) for k in range(0, len(row), per_word)] for row in rows]
    return [w for row in packed for w in row], [len(packed), len(packed[0])]


def transposed(rows):
    return [list(column) for column in zip(*rows)]


def i32(values, shape):
    return "I32", shape, struct.pack(f"<{len(values)}I", *values)


def halves(rows):
    flat = [v for row in rows for v in row]
    return "F16", [len(rows), len(rows[0])], struct.pack(f"<{len(flat)}e", *flat)


def floats(values, shape):
    return "F32", shape, struct.pack(f"<{len(values)}f", *values)


def gptq(m, bits):
    # Packed down the inputs: words of a column, then transposed back.
    columns, _ = words(m.integers, bits)
    per_row = len(columns) // m.outputs
    integers = [columns[o * per_row + i] for i in range(per_row) for o in range(m.outputs)]
    zeros, zero_shape = words([[z - 1 for z in row] for row in transposed(m.zeros)], bits)
    order = [k // m.group for k in range(m.inputs)]
    return {"qweight": i32(integers, [per_row, m.outputs]), "qzeros": i32(zeros, zero_shape), "scales": halves(transposed(m.scales)),
            "g_idx": i32(order, [m.inputs])}


def awq(m, bits):
    def shuffled(rows):
        return [[row[k + AWQ_ORDER[i]] for k in range(0, len(row), 8) for i in range(8)] for row in rows]
    return {"qweight": i32(*words(shuffled(transposed(m.integers)), bits)), "qzeros": i32(*words(shuffled(transposed(m.zeros)), bits)),
            "scales": halves(transposed(m.scales))}


def packed(m, bits, symmetric):
    tensors = {"weight_packed": i32(*words(m.integers, bits)), "weight_scale": halves(m.scales),
               "weight_shape": ("I64", [2], struct.pack("<2q", m.outputs, m.inputs))}
    if not symmetric:
        per_word, groups = 32 // bits, len(m.zeros[0])
        down = [[sum(m.zeros[o + i][g] << (bits * i) for i in range(min(per_word, m.outputs - o))) for g in range(groups)]
                for o in range(0, m.outputs, per_word)]
        tensors["weight_zero_point"] = i32([w for row in down for w in row], [len(down), groups])
    return tensors


def integers8(m, symmetric):
    def signed(rows):
        return "I8", [len(rows), len(rows[0])], bytes((v ^ 0x80) for row in rows for v in row)
    tensors = {"weight": signed(m.integers), "weight_scale": halves(m.scales)}
    if not symmetric:
        tensors["weight_zero_point"] = signed(m.zeros)
    return tensors


def compressed(form, bits, group, symmetric):
    weights = {"num_bits": bits, "type": "int", "symmetric": symmetric, "strategy": "group" if group else "channel", "group_size": group or None}
    return {"quant_method": "compressed-tensors", "format": form, "ignore": ["lm_head"],
            "config_groups": {"group_0": {"targets": ["Linear"], "weights": weights, "input_activations": None}}}


SCHEMES = {
    "gptq": (4, 32, True, gptq, {"quant_method": "gptq", "bits": 4, "group_size": 32, "sym": True, "desc_act": False}),
    "gptq-asymmetric": (4, 64, False, gptq, {"quant_method": "gptq", "bits": 4, "group_size": 64, "sym": False}),
    "gptq-8-whole-rows": (8, 0, True, gptq, {"quant_method": "gptq", "bits": 8, "group_size": -1}),
    "awq": (4, 32, False, awq, {"quant_method": "awq", "bits": 4, "group_size": 32, "zero_point": True, "version": "gemm"}),
    "packed": (4, 32, True, lambda m, b: packed(m, b, True), compressed("pack-quantized", 4, 32, True)),
    "packed-asymmetric": (4, 32, False, lambda m, b: packed(m, b, False), compressed("pack-quantized", 4, 32, False)),
    "packed-8": (8, 32, True, lambda m, b: packed(m, b, True), compressed("pack-quantized", 8, 32, True)),
    "int": (8, 0, True, lambda m, b: integers8(m, True), compressed("int-quantized", 8, 0, True)),
    "int-asymmetric": (8, 32, False, lambda m, b: integers8(m, False), compressed("int-quantized", 8, 32, False)),
}


def write_checkpoint(folder, config, tensors):
    shutil.rmtree(folder, ignore_errors=True)
    os.mkdir(folder)
    json.dump(config, open(os.path.join(folder, "config.json"), "w"))
    table, body = {}, b""
    for name, (dtype, shape, data) in tensors.items():
        table[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    header = json.dumps(table).encode()
    with open(os.path.join(folder, "model.safetensors"), "wb") as file:
        file.write(struct.pack("<Q", len(header)) + header + body)


def make_model(name):
    """The tensors of the float and of the quantised checkpoint."""
    bits, group, symmetric, store, config = SCHEMES[name]
    rng = random.Random(name)
    plain, stored = {}, {}

    def vector(tensor, size):
        plain[tensor] = stored[tensor] = floats([rng.uniform(0.5, 1.5) for _ in range(size)], [size])

    def table(tensor):
        plain[tensor] = stored[tensor] = floats([rng.uniform(-1, 1) for _ in range(VOCAB * HIDDEN)], [VOCAB, HIDDEN])

    table("model.embed_tokens.weight")
    for layer in range(LAYERS):
        prefix = f"model.layers.{layer}."
        vector(prefix + "input_layernorm.weight", HIDDEN)
        vector(prefix + "post_attention_layernorm.weight", HIDDEN)
        kv = HIDDEN // HEADS * KV_HEADS
        for linear, outputs, inputs in (("self_attn.q_proj", HIDDEN, HIDDEN), ("self_attn.k_proj", kv, HIDDEN), ("self_attn.v_proj", kv, HIDDEN),
                                        ("self_attn.o_proj", HIDDEN, HIDDEN), ("mlp.gate_proj", INNER, HIDDEN), ("mlp.up_proj", INNER, HIDDEN),
                                        ("mlp.down_proj", HIDDEN, INNER)):
            matrix = Matrix(rng, outputs, inputs, bits, group, symmetric)
            plain[f"{prefix}{linear}.weight"] = floats(matrix.floats(), [outputs, inputs])
            for ending, tensor in store(matrix, bits).items():
                stored[f"{prefix}{linear}.{ending}"] = tensor
    vector("model.norm.weight", HIDDEN)
    table("lm_head.weight")
    return plain, stored, config


def logits(yoke, folder, work, *flags):
    package, output = os.path.join(work, "model.yoke"), os.path.join(work, "out.npy")
    subprocess.run([yoke, "compile", folder, "-o", package, *flags], check=True)
    subprocess.run([yoke, "eval", package, "--token-ids", "5,1,40,7,7,23,0,47", "--output", output], check=True, stdout=subprocess.DEVNULL)
    data = open(output, "rb").read()
    (size,) = struct.unpack("<H", data[8:10])
    return struct.unpack(f"<{(len(data) - 10 - size) // 4}f", data[10 + size:])


class Refusals:
    def __init__(self, yoke, work):
        self.yoke, self.work, self.cases, self.failures = yoke, work, 0, 0

    def expect(self, name, config, tensors, *flags, code=3):
        folder, output = os.path.join(self.work, "bad"), os.path.join(self.work, "bad.yoke")
        write_checkpoint(folder, config, tensors)
        done = subprocess.run([self.yoke, "compile", folder, "-o", output, *flags], capture_output=True, text=True, timeout=60)
        lines = done.stderr.strip().splitlines()
        self.cases += 1
        if done.returncode != code or len(lines) != 1 or os.path.exists(output):
            self.failures += 1
            print(f"{name}: exit code {done.returncode}, {lines[:3]}")


def damage(refusals, name, config, tensors):
    """Each tensor of one layer missing, of another type and of another shape; then what the name's config may not say."""
    stem = "model.layers.1.mlp.down_proj."
    for tensor, (dtype, shape, data) in tensors.items():
        if not tensor.startswith(stem) or tensor.endswith((".weight_shape",)):
            continue
        ending = f"{name}: {tensor[len(stem):]}"
        if not tensor.endswith("g_idx"):
            refusals.expect(f"{ending} missing", config, {t: v for t, v in tensors.items() if t != tensor})
            refusals.expect(f"{ending} of another shape", config, {**tensors, tensor: (dtype, shape + [1], data)})
        else:
            order = [0] * shape[0] if config["quantization_config"]["group_size"] > 0 else [1] * shape[0]
            refusals.expect(f"{ending} in another order", config, {**tensors, tensor: i32(order, shape)})
        refusals.expect(f"{ending} of another type", config, {**tensors, tensor: ("U8", [len(data)], data)})


def damage_configs(refusals, config_of):
    def changed(name, **change):
        config, tensors = config_of(name)
        refusals.expect(f"{name}: {change}", {**config, "quantization_config": {**config["quantization_config"], **change}}, tensors)

    for bits in (3, 5, 0, -4, "4", None, 2**70):
        changed("gptq", bits=bits)
    for group in (0, 16, 48, -2, "32", 128):
        changed("gptq", group_size=group)
    changed("gptq", checkpoint_format="gptq_v2")
    changed("gptq", sym="yes")
    changed("gptq-asymmetric", sym=True)
    changed("awq", bits=8)
    changed("awq", version="gemv")
    changed("packed", format="float-quantized")
    changed("packed", config_groups={})
    changed("packed", config_groups=[])
    changed("packed", quant_method="bitsandbytes")
    changed("packed", quant_method=7)
    for change in ({"num_bits": 8}, {"num_bits": 2}, {"type": "float"}, {"strategy": "block"}, {"symmetric": False}, {"actorder": "group"}, {"group_size": 64}):
        config, _ = config_of("packed")
        groups = json.loads(json.dumps(config["quantization_config"]["config_groups"]))
        groups["group_0"]["weights"].update(change)
        changed("packed", config_groups=groups)
    config, tensors = config_of("packed")
    refusals.expect("converted to bf16", config, tensors, "--weights", "bf16", code=2)


def main():
    yoke, base = sys.argv[1], json.load(open(sys.argv[2]))
    base.update(hidden_size=HIDDEN, intermediate_size=INNER, num_hidden_layers=LAYERS, num_attention_heads=HEADS, num_key_value_heads=KV_HEADS,
                head_dim=HIDDEN // HEADS, vocab_size=VOCAB, tie_word_embeddings=False, bos_token_id=None, eos_token_id=None, pad_token_id=None)
    models = {name: make_model(name) for name in SCHEMES}
    failures = 0
    with tempfile.TemporaryDirectory() as work:
        for name, (plain, stored, config) in models.items():
            write_checkpoint(os.path.join(work, "plain"), base, plain)
            write_checkpoint(os.path.join(work, "stored"), {**base, "quantization_config": config}, stored)
            expected = logits(yoke, os.path.join(work, "plain"), work)
            runs = [(["--activations", "i16"], 2e-4)]
            if name in ("awq", "int-asymmetric"):
                runs += [(["--activations", "i16", "--target", "cpu:x86-64-v3"], 2e-4), ([], 5e-2)]
            for flags, bound in runs:
                found = logits(yoke, os.path.join(work, "stored"), work, *flags)
                error = max(abs(a - b) for a, b in zip(found, expected)) / max(map(abs, expected))
                print(f"{name} {' '.join(flags)}: within {error:.1e}")
                failures += not (len(found) == len(expected) and error < bound)
        refusals = Refusals(yoke, work)
        for name, (_, stored, config) in models.items():
            damage(refusals, name, {**base, "quantization_config": config}, stored)
        damage_configs(refusals, lambda name: ({**base, "quantization_config": models[name][2]}, models[name][1]))
    print(f"{refusals.cases} refusals, {refusals.failures} failures")
    sys.exit(failures + refusals.failures > 0)


if __name__ == "__main__":
    main()
