"""Convert the bundled model to experts and check what comes out: check_factored.py YOKE CHECKPOINT WORK"""
import os
import subprocess
import sys

from check_golden import read_npy

YOKE, MODEL, WORK = sys.argv[1:4]
HELDOUT = os.path.join(MODEL, "heldout.txt")
TOKENS = ",".join(str(5 + 83 * i % 4000) for i in range(40))


def run(*arguments, expect=0):
    done = subprocess.run([YOKE, *arguments], capture_output=True, text=True)
    assert done.returncode == expect, (arguments, done.returncode, done.stderr)
    return done.stdout + done.stderr


def convert(name, *arguments, expect=0):
    folder = os.path.join(WORK, name)
    return folder, run("convert", "factor", MODEL, "-o", folder, *arguments, expect=expect)


def logits(model):
    path = os.path.join(WORK, "logits.npy")
    run("eval", model, "--token-ids", TOKENS, "--output", path, "-q")
    return read_npy(path)[1]


def generated(model):
    return run("run", model, "-p", "It was the", "-n", "40", "--temperature", "0", "-q")


def check_all_experts():
    dense = logits(MODEL)
    largest = max(map(abs, dense))
    for name, experts, arguments in [
        ("contiguous", "4", ["--split", "contiguous"]),
        ("shared", "4", ["--shared", "112", "--dense-layers", "0,3"]),
        ("three", "3", ["--shared", "1"]),
    ]:
        folder, _ = convert(name, "--experts", experts, "--top-k", experts, *arguments)
        worst = max(abs(a - b) for a, b in zip(dense, logits(folder)))
        assert worst < 1e-5 * largest, (name, worst)
        assert generated(folder) == generated(MODEL), name


def check_fitted():
    options = ["--text", HELDOUT, "--tokens", "4096", "--context", "128", "--epochs", "1", "--rounds", "1",
               "--shared", "112", "--dense-layers", "0,1,2"]
    folder, report = convert("fitted", *options)
    for layer in (3, 4):
        line = next(line for line in report.splitlines() if line.startswith(f"layer {layer}:"))
        split, fitted = (float(part.split("error ")[-1].split(" %")[0]) for part in line.split(", ")[2:4])
        assert 0 < fitted < 0.8 * split, line
    package = os.path.join(WORK, "fitted.yoke")
    run("compile", folder, "-o", package)
    run("verify", package, "--parity")
    greedy = generated(package)
    assert run("run", package, "-p", "It was the", "-n", "40", "--temperature", "0", "-q", "--decode", "lookup") == greedy
    # The same again gives the same; the folder is not overwritten.
    again, _ = convert("again", *options)
    with open(os.path.join(folder, "model.safetensors"), "rb") as one, open(os.path.join(again, "model.safetensors"), "rb") as two:
        assert one.read() == two.read()
    assert "exists already" in convert("again", *options, expect=1)[1]


def check_going_on():
    """A conversion that ended early goes on, with the same options only."""
    folder, _ = convert("whole", "--top-k", "4")
    os.rename(folder, folder + ".partial")
    options = ["--text", HELDOUT, "--tokens", "512", "--context", "64", "--epochs", "0", "--rounds", "1", "--keep-weights"]
    with open(folder + ".partial/progress.json", "w") as file:
        file.write('{"key": "another", "layers": 2}')
    assert "holds another conversion" in convert("whole", *options, expect=1)[1]
    with open(folder + ".partial/progress.json", "w") as file:
        file.write('{"layers": -1')
    convert("whole", *options, expect=3)


def check_refusals():
    for arguments, code, message in [
        (["--experts", "2", "--top-k", "3", "--text", HELDOUT], 2, "--top-k 3"),
        (["--experts", "5", "--top-k", "5"], 2, "cannot be divided among 5 experts"),
        (["--text", HELDOUT, "--dense-layers", "0"], 2, "--dense-layers needs --shared"),
        ([], 2, "--text is needed"),
        (["--text", os.path.join(WORK, "missing.txt")], 3, "missing.txt"),
        (["--text", os.path.join(MODEL, "config.json"), "--context", "400"], 3, "fewer than two windows"),
    ]:
        output = convert("refused", *arguments, expect=code)[1]
        assert message in output, output


check_all_experts()
check_fitted()
check_going_on()
check_refusals()
