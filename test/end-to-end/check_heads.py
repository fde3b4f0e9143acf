"""Layouts of draft heads, and heads that are refused: check_heads.py YOKE EXAMPLES

From the bundled Medusa heads the other layouts are written; all must guess alike and change no token.
"""
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile


def read(path):
    with open(path, "rb") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        table = json.loads(file.read(size))
        data = file.read()
    table.pop("__metadata__", None)
    return {name: (t["dtype"], t["shape"], data[t["data_offsets"][0] : t["data_offsets"][1]]) for name, t in table.items()}


def write(path, tensors):
    table, data = {}, b""
    for name, (dtype, shape, content) in sorted(tensors.items()):
        table[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    header = json.dumps(table).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(header)) + header + data)


class Checker:
    def __init__(self, yoke, examples, work):
        self.yoke, self.examples, self.work = yoke, examples, work
        self.checkpoint = os.path.join(examples, "checkpoint")
        self.output = os.path.join(work, "out.yoke")
        self.folder = os.path.join(work, "heads")

    def make(self, tensors, file="model.safetensors", config="{}"):
        shutil.rmtree(self.folder, ignore_errors=True)
        os.mkdir(self.folder)
        write(os.path.join(self.folder, file), tensors)
        open(os.path.join(self.folder, "config.json"), "w").write(config)
        return self.folder

    def compile(self, draft, model=None):
        if os.path.exists(self.output):
            os.remove(self.output)
        return subprocess.run([self.yoke, "compile", model or self.checkpoint, "--draft", draft, "-q", "-o", self.output], capture_output=True, text=True, errors="replace", timeout=120)

    def run(self, flags):
        command = [self.yoke, "run", self.output, "-p", "The whale and the captain of the ship", "-n", "48", "-t", "2", "--temperature", "0", "--json"]
        return subprocess.run(command + flags, capture_output=True, text=True, timeout=120)

    def decode(self, way):
        return json.loads(self.run(["--decode", way]).stdout)

    def accepts(self, name, draft, model=None):
        """Compiles and decodes; returns tokens a call."""
        done = self.compile(draft, model)
        assert done.returncode == 0, (name, done.stderr)
        kind = draft.split(":")[0]
        plain, guessed = self.decode("greedy"), self.decode(f"{kind}:size=full,rows=8")
        assert plain["token_ids"] == guessed["token_ids"], name
        return guessed["stats"]["tokens_per_call"]

    def refuses(self, name, draft, words, model=None):
        done = self.compile(draft, model)
        lines = done.stderr.strip().splitlines()
        assert done.returncode == 3 and len(lines) == 1 and lines[0].startswith("yoke: error: "), (name, done.returncode, lines)
        assert all(word in lines[0] for word in words), (name, lines[0])
        assert not os.path.exists(self.output), name


def layouts(c):
    """v0.1, v1.0, vLLM; own, shared and truncated projections; tied layers."""
    bundled = read(os.path.join(c.examples, "heads/medusa/model.safetensors"))
    model = read(os.path.join(c.checkpoint, "model.safetensors"))
    projection = model["model.embed_tokens.weight"]
    blocks = {n: t for n, t in bundled.items() if n.startswith("blocks.")}
    heads = len([n for n in blocks if n.endswith("0.weight")])
    plain = {n.replace("blocks.", "").replace("layers.0.", "0.linear."): t for n, t in blocks.items()}
    own = {f"{k}.1.weight": projection for k in range(heads)}
    calls = {
        "v0.1, the model's head": c.accepts("v0.1 shared", f"medusa:{c.make(plain, 'medusa_lm_head.safetensors')}"),
        "v0.1, own heads": c.accepts("v0.1 own", f"medusa:{c.make(plain | own, 'medusa_lm_head.safetensors')}"),
        "vLLM, own heads": c.accepts("vLLM own", f"medusa:{c.make(blocks | {f'lm_heads.{k}.weight': projection for k in range(heads)})}"),
        "vLLM, one whole head": c.accepts("vLLM one", f"medusa:{c.make(blocks | {'lm_heads.0.weight': projection})}"),
    }
    full = os.path.join(c.work, "full")
    shutil.copytree(c.checkpoint, full)
    write(os.path.join(full, "model.safetensors"), model | {"medusa_head." + n: t for n, t in (plain | own).items()})
    calls["v1.0"] = c.accepts("v1.0", "medusa", full)
    assert len(set(calls.values())) == 1, calls
    truncated = blocks | {"token_map": bundled["token_map"]}
    calls["vLLM, truncated"] = c.accepts("vLLM truncated", f"medusa:{c.make(truncated | {'lm_heads.0.weight': bundled['lm_heads.0.weight']})}")
    calls["vLLM, rows of a whole head"] = c.accepts("vLLM rows", f"medusa:{c.make(truncated | {'lm_heads.0.weight': projection})}")
    calls["vLLM, rows of the model's"] = c.accepts("vLLM model", f"medusa:{c.make(truncated)}")
    tied = plain | {n.replace(".0.linear", f".{j}.linear"): t for n, t in plain.items() for j in (1, 2)}
    c.accepts("tied layers", f"medusa:{c.make(tied, 'medusa_lm_head.safetensors')}")
    for name, value in calls.items():
        print(f"medusa {name}: {value:.2f} tokens a call")


def refusals(c):
    bundled = read(os.path.join(c.examples, "heads/medusa/model.safetensors"))
    name = "blocks.1.layers.0.weight"
    dtype, shape, data = bundled[name]
    c.refuses("other size", f"medusa:{c.make(bundled | {name: (dtype, [128, 256], data[: len(data) // 2])})}", [name, "[128, 256]", "[256, 256]"])
    c.refuses("missing bias", f"medusa:{c.make({n: t for n, t in bundled.items() if n != 'blocks.2.layers.0.bias'})}", ["blocks.2.layers.0.bias"])
    c.refuses("no heads", f"medusa:{c.make({'a': bundled['blocks.0.layers.0.bias']})}", ["no Medusa heads"])
    c.refuses("extra tensor", f"medusa:{c.make(bundled | {'a': bundled['blocks.0.layers.0.bias']})}", ["not part of the model", "a"])
    tokens = list(struct.unpack(f"<{bundled['token_map'][1][0]}q", bundled["token_map"][2]))
    for word, value in (("outside", 4096), ("outside", -1), ("taken", tokens[1])):
        changed = struct.pack(f"<{len(tokens)}q", value, *tokens[1:])
        c.refuses(f"token {value}", f"medusa:{c.make(bundled | {'token_map': ('I64', [len(tokens)], changed)})}", ["token_map", word])
    c.refuses("other projection", f"medusa:{c.make(bundled | {'lm_heads.0.weight': bundled[name]})}", ["lm_heads.0.weight"])
    folder = c.make(bundled)
    os.rename(os.path.join(folder, "model.safetensors"), os.path.join(folder, "medusa_lm_head.pt"))
    c.refuses("pickle", f"medusa:{folder}", ["medusa_lm_head.pt", "convert"])
    c.refuses("no folder", f"medusa:{c.work}/none", ["none"])
    for kind in ("hydra", "eagle"):
        c.refuses(f"medusa as {kind}", f"{kind}:{c.make(bundled)}", ["no "])
    eagle = os.path.join(c.examples, "heads/eagle")
    config = json.load(open(os.path.join(eagle, "config.json")))
    for key, value in (("hidden_size", 128), ("hidden_size", "x"), ("num_attention_heads", 0)):
        c.refuses(f"eagle {key}", f"eagle:{c.make(read(os.path.join(eagle, 'model.safetensors')), config=json.dumps(config | {key: value}))}", [key])
    taps = json.dumps(config | {"eagle_config": {"eagle_aux_hidden_state_layer_ids": [1, 3, 9]}})
    c.refuses("eagle taps", f"eagle:{c.make(read(os.path.join(eagle, 'model.safetensors')), config=taps)}", ["eagle_aux_hidden_state_layer_ids"])


def trees(c):
    assert c.compile(f"medusa:{c.examples}/heads/medusa").returncode == 0
    path, plain = os.path.join(c.work, "tree.json"), c.decode("greedy")["token_ids"]
    for text, good in (("[[0],[1],[0,0],[0,0,0]]", True), ("[[0,0]]", False), ("[[0],[0]]", False), ("[[10]]", False), ("[[-1]]", False), ("[", False), ("{}", False)):
        open(path, "w").write(text)
        done = c.run(["--decode", f"medusa:tree={path},size=full"])
        if good:
            assert json.loads(done.stdout)["token_ids"] == plain, text
        else:
            assert done.returncode == 3 and len(done.stderr.strip().splitlines()) == 1, (text, done.returncode, done.stderr)
    done = c.run(["--decode", "hydra"])
    assert done.returncode == 3 and "holds medusa heads" in done.stderr, done.stderr


def nan_heads(c):
    """Heads that make no sense guess nothing, and change nothing."""
    bundled = read(os.path.join(c.examples, "heads/medusa/model.safetensors"))
    dtype, shape, data = bundled["blocks.0.layers.0.bias"]
    calls = c.accepts("NaN", f"medusa:{c.make(bundled | {'blocks.0.layers.0.bias': (dtype, shape, bytes([0xc0, 0x7f]) * (len(data) // 2))})}")
    assert calls == 1, calls


def main():
    yoke, examples = sys.argv[1:3]
    with tempfile.TemporaryDirectory() as work:
        checker = Checker(yoke, os.path.abspath(examples), work)
        layouts(checker)
        refusals(checker)
        trees(checker)
        nan_heads(checker)


if __name__ == "__main__":
    main()
