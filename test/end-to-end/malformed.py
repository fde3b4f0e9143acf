"""Damages a good checkpoint in many ways; each must be refused with exit code 3, one line and no output file: malformed.py YOKE CHECKPOINT TOKENIZER

Also compiles the undamaged checkpoint, so that a refusal means something.
"""
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile


class Checker:
    def __init__(self, yoke, checkpoint, tokenizer, work):
        self.yoke, self.checkpoint, self.tokenizer, self.work = yoke, checkpoint, tokenizer, work
        self.cases = self.failures = 0

    def copy(self):
        folder = os.path.join(self.work, "model")
        shutil.rmtree(folder, ignore_errors=True)
        os.mkdir(folder)
        for file in ("config.json", "model.safetensors"):
            shutil.copy(os.path.join(self.checkpoint, file), folder)
        shutil.copy(self.tokenizer, os.path.join(folder, "tokenizer.json"))
        return folder

    def expect(self, name, folder, code=3):
        output = os.path.join(self.work, "out.yoke")
        if os.path.exists(output):
            os.remove(output)
        done = subprocess.run([self.yoke, "compile", folder, "-o", output], capture_output=True, text=True, errors="replace", timeout=60)
        lines = done.stderr.strip().splitlines()
        good = done.returncode == code and (code == 0 or (len(lines) == 1 and lines[0].startswith("yoke: error: ") and not os.path.exists(output)))
        self.cases += 1
        if not good:
            self.failures += 1
            print(f"{name}: exit code {done.returncode}, output {'left' if os.path.exists(output) else 'absent'}, {lines[:3]}")

    def weights(self, name, data):
        folder = self.copy()
        with open(os.path.join(folder, "model.safetensors"), "wb") as file:
            file.write(data)
        self.expect(f"weights: {name}", folder)

    def text(self, file, name, text):
        folder = self.copy()
        with open(os.path.join(folder, file), "wb") as out:
            out.write(text if isinstance(text, bytes) else text.encode())
        self.expect(f"{file}: {name}", folder)

    def edited(self, file, name, edit):
        document = json.load(open(os.path.join(self.copy(), file)))
        edit(document)
        self.text(file, name, json.dumps(document))


def header(table):
    data = table if isinstance(table, bytes) else json.dumps(table).encode()
    return struct.pack("<Q", len(data)) + data


def damage_weights(check):
    raw = open(os.path.join(check.checkpoint, "model.safetensors"), "rb").read()
    (size,) = struct.unpack("<Q", raw[:8])
    text, body = raw[8:8 + size], raw[8 + size:]
    names = [name for name in json.loads(text) if name != "__metadata__"]
    first, second = names[0], names[1]

    def table(**changes):
        tensors = json.loads(text)
        tensors[first].update(changes)
        return header(tensors) + body

    entry = json.loads(text)[first]
    check.weights("empty", b"")
    check.weights("seven bytes", b"1234567")
    for length in (0, 2**64 - 1, 100_000_001, len(raw)):
        check.weights(f"header length {length}", struct.pack("<Q", length) + raw[8:])
    check.weights("one byte short", raw[:-1])
    check.weights("one byte more", raw + b"x")
    check.weights("overflow", table(shape=[2**32, 2**32]))
    check.weights("overlap", table(data_offsets=json.loads(text)[second]["data_offsets"]))
    check.weights("reversed offsets", table(data_offsets=entry["data_offsets"][::-1]))
    check.weights("three offsets", table(data_offsets=entry["data_offsets"] + [0]))
    check.weights("lower-case type", table(dtype="f32"))
    check.weights("negative dimension", table(shape=[-1] + entry["shape"][1:]))
    check.weights("dimension as float", table(shape=[float(entry["shape"][0])] + entry["shape"][1:]))
    check.weights("array", header(b"[]") + body)
    check.weights("leading space", header(b" " + text) + body)
    check.weights("invalid UTF-8", header(text.rstrip()[:-1] + b',"\xff\xfe":1}') + body)
    check.weights("deep", header(b'{"a":' + b"[" * 100000 + b"]" * 100000 + b"}") + body)
    duplicate = json.dumps({first: entry}).encode()[1:-1]
    check.weights("duplicate name", header(text.rstrip()[:-1] + b"," + duplicate + b"}") + body)

    for shard in ("../../x.safetensors", "/etc/passwd", "a/b.safetensors", "..", ""):
        folder = check.copy()
        os.rename(os.path.join(folder, "model.safetensors"), os.path.join(folder, "other.safetensors"))
        json.dump({"weight_map": {name: shard for name in names}}, open(os.path.join(folder, "model.safetensors.index.json"), "w"))
        check.expect(f"shard {shard!r}", folder)
    folder = check.copy()
    os.remove(os.path.join(folder, "model.safetensors"))
    os.mkfifo(os.path.join(folder, "pipe.safetensors"))
    json.dump({"weight_map": {name: "pipe.safetensors" for name in names}}, open(os.path.join(folder, "model.safetensors.index.json"), "w"))
    check.expect("shard is a pipe", folder)


def damage_config(check):
    for key in ("hidden_size", "num_attention_heads", "num_hidden_layers", "intermediate_size", "vocab_size", "max_position_embeddings"):
        for value in (-1, 0, 2**40, "4096", 1.5, True, [1], {}):
            check.edited("config.json", f"{key} = {value!r}", lambda c, k=key, v=value: c.update({k: v}))
    edits = {
        "hidden_size null": {"hidden_size": None},
        "heads do not divide": {"num_attention_heads": 5, "head_dim": None},
        "kv heads do not divide": {"num_key_value_heads": 3},
        "another hidden size": {"hidden_size": 128},
        "a layer more": {"num_hidden_layers": 3},
        "a layer fewer": {"num_hidden_layers": 1},
        "unknown architecture": {"architectures": ["FooForCausalLM"], "model_type": "foo"},
        "quantised": {"quantization_config": {"quant_method": "gptq"}},
        "unknown rope": {"rope_parameters": {"rope_type": "zzz", "rope_theta": 10000.0}},
        "negative theta": {"rope_parameters": {"rope_type": "default", "rope_theta": -1}},
        "unknown activation": {"hidden_act": "foo"},
        "eos outside the vocabulary": {"eos_token_id": 99999},
        "epsilon as text": {"rms_norm_eps": "x"},
    }
    for name, change in edits.items():
        check.edited("config.json", name, lambda c, change=change: c.update(change))
    check.text("config.json", "empty", "")
    check.text("config.json", "deep", "[" * 100000)
    check.text("config.json", "duplicate key", '{"hidden_size": 16, "hidden_size": 17}')


def damage_tokenizer(check):
    def model(change):
        return lambda document: document["model"].update(change(document["model"]))

    check.text("tokenizer.json", "cut", "{")
    check.text("tokenizer.json", "deep", "[" * 100000)
    check.edited("tokenizer.json", "unknown model", model(lambda m: {"type": "Foo"}))
    check.edited("tokenizer.json", "vocabulary is a list", model(lambda m: {"vocab": []}))
    check.edited("tokenizer.json", "merge of an unknown token", model(lambda m: {"merges": m["merges"] + [["qqqq", "zzzz"]]}))
    check.edited("tokenizer.json", "id of two tokens", model(lambda m: {"vocab": {**m["vocab"], "another": 5}}))
    split = {"type": "Split", "pattern": {"Regex": "("}, "behavior": "Isolated", "invert": False}
    check.edited("tokenizer.json", "bad pattern", lambda document: document.update(pre_tokenizer=split))


def main():
    with tempfile.TemporaryDirectory() as work:
        check = Checker(*sys.argv[1:4], work)
        check.expect("undamaged", check.copy(), code=0)
        damage_weights(check)
        damage_config(check)
        damage_tokenizer(check)
    print(f"{check.cases} cases, {check.failures} failures")
    sys.exit(check.failures > 0)


if __name__ == "__main__":
    main()
