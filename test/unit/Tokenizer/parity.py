#!/usr/bin/env python3
"""Compares TokenizeMain with the PyPI package `tokenizers`, id for id.

    parity.py TOKENIZE_MAIN [--bytes N] [--seed S] [tokenizer.json ...]

Without files: all of fixtures/. The texts are those of make_fixtures.py, every code point in four surroundings, and N
bytes (default 1,000,000) of random mixtures. Where the package panics, there is nothing to compare.
"""
import argparse
import glob
import json
import os
import random
import subprocess
import sys
import unicodedata

from tokenizers import Tokenizer

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from make_fixtures import TEXTS  # noqa: E402

ALL = [chr(c) for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]


def code_points_in_context(step):
    """Every code point (or every `step`-th from a block on), between letters, behind a space, doubled, between marks."""
    some = ALL[:0x3400] + ALL[0xF900 - 0x800:0x14800 - 0x800][::1] + ALL[0x3400::step]
    return ["".join(f"a{c}b {c}{c}1{c}\u0301\u0323{c}'{c}A\n" for c in some[i:i + 64]) for i in range(0, len(some), 64)]


def random_texts(total, rng):
    pools = ["abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOP", "0123456789", "   \t\n\r", ".,;:!?'\"()[]{}<>|/\\@#$%^&*-_=+~`",
             "éèüßñçåøæœİıſ", "абвгдеёжзАБВГД", "αβγΣσς", "日本語東京中文字", "ひらがなカタカナー", "한국어각", "हिन्दीক্ষ", "שלוםعرب",
             "\u0301\u0323\u0308\u200d\ufe0f\u0344\u20dd", "😀👩👧🏽🇩🇪🚀", "\u200b\u00a0\u3000\u2028\ufeff\x00\x01\x7f\x85\x9f",
             ALL, ALL[0x80:0x3000], ALL[0xF000:0x1F000]]
    words = " ".join(TEXTS).split(" ") + ["'s", "'LL", "<s>", "</s>", "<pad>", "<mask>", "<unk>", "[MASK]", "<0x41>", "▁", "Ġ"]
    texts, size = [], 0
    while size < total:
        parts = []
        for _ in range(rng.randint(1, 60)):
            kind = rng.random()
            if kind < 0.35:
                parts.append(rng.choice(words))
            elif kind < 0.5:
                parts.append(rng.choice(rng.choice(pools)) * rng.choice([1, 2, 3, 7, 40]))
            else:
                pool = rng.choice(pools)
                parts.append("".join(rng.choice(pool) for _ in range(rng.randint(1, 12))))
            if rng.random() < 0.5:
                parts.append(" ")
        text = "".join(parts)
        texts.append(text)
        size += len(text.encode())
    return texts


def ours(program, path, texts, options):
    stdin = b"".join(t.replace("\\", "\\\\").replace("\0", "\\0").encode() + b"\0" for t in texts)
    done = subprocess.run([program, path, "--decode", *options], input=stdin, capture_output=True)
    if done.returncode:
        sys.exit(f"{path}: {done.returncode}: {done.stderr.decode()}")
    out, lines = [], iter(done.stdout.decode().split("\n")[:-1])
    for line in lines:
        out.append((line, None) if line.startswith("error") else ([int(x) for x in line.split()], json.loads(next(lines))))
    assert len(out) == len(texts), (len(out), len(texts))
    return out


def reference(tokenizer, text, special):
    try:
        ids = tokenizer.encode(text, add_special_tokens=special).ids
        return ids, tokenizer.decode(ids) if ids else ""
    except BaseException as fault:
        if isinstance(fault, KeyboardInterrupt):
            raise
        return None


def compare(program, path, texts, options):
    tokenizer = Tokenizer.from_file(path)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.encode_special_tokens = "--plain" in options
    wrong, silent, ids = [], 0, 0
    for text, (got, back) in zip(texts, ours(program, path, texts, options)):
        want = reference(tokenizer, text, "--no-special" not in options)
        if want is None:
            silent += 1
        elif (got, back) != want:
            wrong.append((text, got, back, want))
        else:
            ids += len(got)
    print(f"{os.path.basename(path)} {' '.join(options)}: {len(texts)} texts, {ids} ids the same, {len(wrong)} texts differ, "
          f"{silent} without an answer of the package", flush=True)
    for text, got, back, want in wrong[:2]:
        where = next((i for i, (a, b) in enumerate(zip(got, want[0])) if a != b), min(len(got), len(want[0])))
        print(f"  {text[:200]!r}\n    at id {where}: ours {got[max(0, where - 2):where + 5]} "
              f"{tokenizer.decode(got[:where])[-20:]!r}, theirs {want[0][max(0, where - 2):where + 5]}")
        if got == want[0]:
            at = next((i for i, (a, b) in enumerate(zip(back, want[1])) if a != b), 0)
            print(f"    decoded at {at}: {back[at - 5:at + 20]!r} {want[1][at - 5:at + 20]!r}")
    return len(wrong)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("program")
    arguments.add_argument("files", nargs="*")
    arguments.add_argument("--bytes", type=int, default=1_000_000)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--step", type=int, default=7)
    a = arguments.parse_args()
    rng = random.Random(a.seed)
    texts = TEXTS + code_points_in_context(a.step) + random_texts(a.bytes, rng)
    wrong = 0
    for path in a.files or sorted(glob.glob(os.path.join(HERE, "fixtures", "*.json"))):
        if os.path.basename(path) == "golden.json":
            continue
        wrong += compare(a.program, path, texts, [])
        wrong += compare(a.program, path, texts[:len(TEXTS)] + texts[-300:], ["--no-special"])
    sys.exit(wrong != 0)


if __name__ == "__main__":
    main()
