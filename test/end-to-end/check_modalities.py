"""Mixtures-of-Transformers: check_modalities.py YOKE FIXTURES

Equal weights in all modalities, and texts of one modality, give the bits of the dense model; logits have the same bits for one token a step, chunks, the whole text
and any number of threads; guessing ahead, beams and compiled loops know the modality of every token. Bad checkpoints and configs are refused by name.
"""
import json
import os
import struct
import subprocess
import sys
import tempfile

YOKE, FIXTURES = sys.argv[1:]
OPEN, CLOSE = 6, 7
TEXT = [9, 3, 12, 20, 4, 9, 3, 12, 20, 31, 5]
MIXED = [9, OPEN, 33, 12, 40, CLOSE, 20, 34, 9, OPEN, 33, 12, 44, 8]


def yoke(*arguments, code=0):
    done = subprocess.run([YOKE, *arguments], capture_output=True, text=True, timeout=300)
    assert done.returncode == code, f"{arguments}: exit {done.returncode}: {done.stderr}"
    if code:
        assert done.stderr.count("\n") == 1, done.stderr
        return done.stderr
    return done.stdout


def compile_(source, *flags):
    package = f"{source}{''.join(flags).replace('/', '')}.yoke"
    yoke("compile", source, "-o", package, "-q", *flags)
    return package


def logits(package, ids, *flags):
    path = package + ".npy"
    yoke("eval", package, "--token-ids", ",".join(map(str, ids)), "--output", path, "-q", *flags)
    return open(path, "rb").read()


def generate(package, ids, *flags):
    out = yoke("run", package, "--token-ids", ",".join(map(str, ids)), "-n", "24", "--ignore-eos", "--temperature", "0", "--json", *flags)
    return json.loads(out)["token_ids"]


def read(path):
    with open(os.path.join(path, "model.safetensors"), "rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        header, body = json.loads(file.read(size)), file.read()
    header.pop("__metadata__", None)
    return {name: (info, body[slice(*info["data_offsets"])]) for name, info in header.items()}


def variant(folder, name, base, change=None, config=None):
    """A copy of a fixture with other tensors or fields of config.json."""
    source, target = os.path.join(FIXTURES, base), os.path.join(folder, name)
    os.makedirs(target)
    fields = {**json.load(open(os.path.join(source, "config.json"))), **(config or {})}
    json.dump({key: value for key, value in fields.items() if value is not None}, open(os.path.join(target, "config.json"), "w"))
    tensors = read(source)
    tensors = change(tensors) if change else tensors
    header, body = {}, b""
    for tensor, (info, data) in tensors.items():
        header[tensor] = {**info, "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header).encode()
    with open(os.path.join(target, "model.safetensors"), "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + body)
    return target


def dense(tensors):
    return {name: tensor for name, tensor in tensors.items() if "_moe_gen" not in name}


def alike(tensors):
    return {name: tensors[name.replace("_moe_gen", "")] for name in tensors}


def unwrapped(tensors):
    return {name.removeprefix("language_model."): tensor for name, tensor in tensors.items()}


def without(part):
    return lambda tensors: {name: tensor for name, tensor in tensors.items() if part not in name}


def check_oracles(folder, base):
    mixed = compile_(variant(folder, base, base))
    plain = compile_(variant(folder, base + "-dense", base, dense))
    same = compile_(variant(folder, base + "-alike", base, alike))
    assert logits(same, MIXED) == logits(plain, MIXED), base
    assert logits(mixed, TEXT) == logits(plain, TEXT), base
    assert logits(mixed, MIXED) != logits(plain, MIXED), base
    assert logits(compile_(variant(folder, base + "-unwrapped", base, unwrapped)), MIXED) == logits(mixed, MIXED), base
    # Where no token can have the other modality, its weights are left out.
    none = {"moe_gen_token_ranges": [], "vision_start_token_id": None, "vision_end_token_id": None}
    unused = compile_(variant(folder, base + "-unused", base, config=none))
    assert logits(unused, MIXED) == logits(plain, MIXED), base
    assert os.path.getsize(unused) == os.path.getsize(plain) < os.path.getsize(mixed), base


def check_ways_of_running(folder, base, *flags):
    source = os.path.join(folder, base)
    whole, chunks, single = (compile_(source, "--max-step-tokens", str(tokens), *flags) for tokens in (512, 5, 1))
    expected = logits(whole, MIXED, "-t", "1")
    for package, threads in ((whole, "3"), (chunks, "1"), (chunks, "2"), (single, "1")):
        assert expected == logits(package, MIXED, "-t", threads), (base, flags, package, threads)
    plain = generate(whole, MIXED)
    assert plain == generate(single, MIXED), (base, flags)
    # Both kinds of text are in the result, and drafts are accepted in both.
    for decode in ("lookup", "recycle", "beam:width=1"):
        assert generate(whole, MIXED, "--decode", decode) == plain, (base, flags, decode)
    beams = generate(whole, MIXED, "--decode", "beam:width=3")
    assert beams == generate(chunks, MIXED, "--decode", "beam:width=3", "-t", "2"), (base, flags)
    loop = compile_(source, "--draft", "lookup", *flags)
    assert generate(loop, MIXED) == plain, (base, flags)


def check_refusals(folder):
    def refused(name, code, expected, **how):
        message = yoke("compile", variant(folder, name, "mot-markers", **how), "-o", os.path.join(folder, "x.yoke"), "-q", code=code)
        assert all(part in message for part in expected), message

    refused("missing", 3, ["missing", "layers.1.mlp_moe_gen.up_proj.weight"], change=without("1.mlp_moe_gen.up_proj"))
    refused("missing-base", 3, ["missing", "layers.0.self_attn.k_norm.weight"], change=without("0.self_attn.k_norm.weight"))
    refused("half", 3, ["vision_start_token_id", "come together"], config={"vision_end_token_id": None})
    refused("equal", 3, ["vision_end_token_id", "must differ"], config={"vision_end_token_id": OPEN})
    refused("beyond", 3, ["vision_end_token_id", "48"], config={"vision_end_token_id": 48})
    refused("both", 3, ["moe_gen_token_ranges", "either"], config={"moe_gen_token_ranges": [[8, 9]]})
    for name, ranges in (("backwards", [[9, 8]]), ("overlap", [[8, 20], [19, 30]]), ("outside", [[40, 49]]), ("shape", [[1, 2, 3]]), ("type", [["a", 2]])):
        refused(name, 3, ["moe_gen_token_ranges", "expected [first, end]"],
                config={"moe_gen_token_ranges": ranges, "vision_start_token_id": None, "vision_end_token_id": None})
    # Ways of computing that are not made for rows that differ.
    source = os.path.join(folder, "mot-markers")
    assert "no feed-forward block" in yoke("compile", source, "--ffn-skip", "record", "-o", os.path.join(folder, "x.yoke"), "-q", code=1)
    target = os.path.join(FIXTURES, "..", "..", "..", "..", "examples", "targets", "neupims.json")
    assert "have no placement" in yoke("compile", source, "--target", target, "--emit", "placed", code=3)
    assert "have no placement" in yoke("run", source, "--token-ids", "9", "-n", "1", "--device", "sim", "-q", code=1)
    refused("norm", 3, ["mot_norm", "pre"], config={"mot_norm": "sideways"})


def main():
    with tempfile.TemporaryDirectory() as folder:
        for base in ("mot-markers", "mot-ranges", "mot-post-norm"):
            check_oracles(folder, base)
            check_ways_of_running(folder, base)
        check_ways_of_running(folder, "mot-markers", "--kv-cache", "bf16")
        check_ways_of_running(folder, "mot-markers", "--weights", "q8")
        check_refusals(folder)


main()
