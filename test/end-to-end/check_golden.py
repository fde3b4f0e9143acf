"""Compile a checkpoint and compare what it computes with goldens from transformers: check_golden.py YOKE CHECKPOINT [COMPILE FLAG...]

golden.safetensors holds `logits.<i>` [tokens, vocab] or `embedding.<i>` [1, D] for prompt i of golden.json. Logits must agree within 2e-4 of the
largest, and greedy tokens (the first, or all that the golden has) up to the first whose two best logits are not 1e-3 apart.
"""
import json
import os
import struct
import subprocess
import sys
import tempfile


def read_safetensors(path):
    with open(path, "rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(size))
        body = file.read()
    tensors = {}
    for name, info in header.items():
        if name != "__metadata__":
            begin, end = info["data_offsets"]
            assert info["dtype"] == "F32"
            tensors[name] = (info["shape"], struct.unpack(f"<{(end - begin) // 4}f", body[begin:end]))
    return tensors


def read_npy(path):
    with open(path, "rb") as file:
        data = file.read()
    assert data[:6] == b"\x93NUMPY"
    (size,) = struct.unpack("<H", data[8:10])
    header = eval(data[10:10 + size].decode())  # noqa: S307, a literal that we wrote ourselves
    assert header["descr"] == "<f4" and not header["fortran_order"]
    return list(header["shape"]), struct.unpack(f"<{(len(data) - 10 - size) // 4}f", data[10 + size:])


def check_generated(yoke, package, ids, prompt):
    expected = prompt["generated"]
    sure = next((i for i, margin in enumerate(prompt["margins"]) if margin < 1e-3), len(expected))
    for decode in ["greedy", "lookup", "beam:width=1"]:
        done = subprocess.run([yoke, "run", package, "--token-ids", ids, "-n", str(len(expected)), "--temperature", "0", "--ignore-eos", "--json",
                               "--decode", decode], check=True, capture_output=True, text=True)
        found = json.loads(done.stdout)["token_ids"]
        assert found[:sure] == expected[:sure], f"--decode {decode}: {found}, expected {expected}"


def main():
    yoke, folder, flags = sys.argv[1], sys.argv[2], sys.argv[3:]
    prompts = json.load(open(os.path.join(folder, "golden.json")))["prompts"]
    goldens = read_safetensors(os.path.join(folder, "golden.safetensors"))
    with tempfile.TemporaryDirectory() as work:
        package, output = os.path.join(work, "model.yoke"), os.path.join(work, "out.npy")
        subprocess.run([yoke, "compile", folder, "-o", package, *flags], check=True)
        parity = ["--parity", "-n", "24"] if "logits.0" in goldens else []
        subprocess.run([yoke, "verify", package, *parity], check=True, stdout=subprocess.DEVNULL)
        for i, prompt in enumerate(prompts):
            ids = ",".join(map(str, prompt["token_ids"] if isinstance(prompt, dict) else prompt))
            kind = "logits" if f"logits.{i}" in goldens else "embedding"
            shape, expected = goldens[f"{kind}.{i}"]
            extra = ["--embed"] if kind == "embedding" else []
            subprocess.run([yoke, "eval", package, "--token-ids", ids, "--output", output, *extra], check=True, stdout=subprocess.DEVNULL)
            found_shape, found = read_npy(output)
            assert found_shape == shape, f"prompt {i}: shape {found_shape}, expected {shape}"
            error = max(abs(a - b) for a, b in zip(found, expected)) / max(map(abs, expected))
            assert error < 2e-4, f"prompt {i}: relative error {error}"
            if kind == "logits":
                last = expected[-shape[1]:]
                best = sorted(range(shape[1]), key=lambda token: -last[token])
                done = subprocess.run([yoke, "run", package, "--token-ids", ids, "-n", "1", "--temperature", "0", "--ignore-eos", "--json"],
                                      check=True, capture_output=True, text=True)
                token = json.loads(done.stdout)["token_ids"][0]
                assert token == best[0] or last[best[0]] - last[best[1]] < 1e-3, f"prompt {i}: token {token}, expected {best[0]}"
            if "generated" in prompt:
                check_generated(yoke, package, ids, prompt)
            print(f"prompt {i}: {kind} within {error:.1e}")


if __name__ == "__main__":
    main()
