#!/usr/bin/env python3
"""Collect the training text from Debian packages and write it as JSON lines.

Each line is one document (a chapter or a story):
  {"source": str, "title": str, "split": "train" | "heldout", "text": str}
Paragraphs are one line each, separated by an empty line. The split is decided
per whole document by a hash of its text, so it does not depend on the order.

Needs Debian's apt-get, dpkg-deb and mod2imp (package libsword-utils).
"""

import argparse
import hashlib
import json
import os
import re
import struct
import subprocess
import zlib
from pathlib import Path

PACKAGES = [
    "r-cran-janeaustenr",  # six novels by Jane Austen
    "r-cran-tokenizers",  # Moby Dick
    "golang-github-klauspost-compress-dev",  # The Adventures of Tom Sawyer
    "golang-github-jdkato-prose-dev",  # The Adventures of Sherlock Holmes
    "sword-text-web",  # World English Bible
]
HELDOUT_ONE_IN = 28
GO_SOURCES = "usr/share/gocode/src/github.com"
R_LIBRARY = "usr/lib/R/site-library"
SPELLING = str.maketrans(
    {"“": '"', "”": '"', "‘": "'", "’": "'", "—": "--", "–": "-", "…": "...", "æ": "ae", "\ufeff": "", "\xa0": " "}
)


def unpack(folder):
    """Download PACKAGES with apt-get into `folder` and unpack them; returns the root of the unpacked files."""
    root = folder / "root"
    root.mkdir(parents=True, exist_ok=True)
    for package in PACKAGES:
        if not list(folder.glob(f"{package}_*.deb")):
            subprocess.run(["apt-get", "download", package], cwd=folder, check=True)
        subprocess.run(["dpkg-deb", "-x", next(folder.glob(f"{package}_*.deb")), root], check=True)
    return root


def r_objects(path):
    """Yield the serialized objects of an R lazy-load database (4-byte length, then a zlib stream, repeated)."""
    data = path.read_bytes()
    while data:
        stream = zlib.decompressobj()
        yield stream.decompress(data[4:])
        data = stream.unused_data


def r_strings(blob):
    """Return the strings of a serialized R character vector (XDR: flags whose low byte is 9, length, bytes)."""
    found, at = [], re.search(rb"\0\0[\0\2]\x10", blob).end() + 4
    while at + 8 <= len(blob) and blob[at + 3] == 9:
        size = struct.unpack(">i", blob[at + 4 : at + 8])[0]
        found.append(blob[at + 8 : at + 8 + size].decode("utf-8"))
        at += 8 + size
    return found


def reflow(text):
    """Plain punctuation, one line per paragraph, an empty line between paragraphs."""
    text = text.translate(SPELLING).replace("\r", "")
    text = re.sub(r"\[(?:Illustration|Footnote)[^\]]*\]", " ", text).replace("_", "")
    paragraphs = (" ".join(p.split()) for p in re.split(r"\n\s*\n", text))
    return "\n\n".join(p for p in paragraphs if re.search(r"[a-z]", p))


def chapters(source, text, heading, skip_before=None, stop_at=None):
    """Split a book into documents at the lines that match `heading` (the heading line is dropped)."""
    if skip_before:
        text = text[text.rindex(skip_before) + len(skip_before) :]
    if stop_at:
        text = text[: text.index(stop_at)]
    parts = re.split(rf"(?m)^({heading}).*$", text)
    for title, body in zip(parts[1::2], parts[2::2]):
        body = reflow(body)
        if len(body) > 1500:
            yield source, title.strip(), body


def novels(root):
    for blob in r_objects(root / R_LIBRARY / "janeaustenr/data/Rdata.rdb"):
        lines = r_strings(blob)
        yield from chapters(f"Austen, {lines[0].title()}", "\n".join(lines), r"(?i:chapter) [0-9IVXLC]+")
    (blob,) = list(r_objects(root / R_LIBRARY / "tokenizers/data/Rdata.rdb"))[:1]
    text = r_strings(blob)[0].replace("\r", "")
    yield from chapters("Melville, Moby Dick", text, r"(?:CHAPTER \d+|Epilogue|EPILOGUE)", None, "End of Project Gutenberg")
    text = (root / GO_SOURCES / "klauspost/compress/testdata/Mark.Twain-Tom.Sawyer.txt").read_text("utf-8", "replace")
    yield from chapters("Twain, Tom Sawyer", text, r"CHAPTER [IVXL]+", None, "End of the Project Gutenberg")
    text = (root / GO_SOURCES / "jdkato/prose/testdata/sherlock.txt").read_text("utf-8", "replace")
    heading = r"(?:ADVENTURE )?[IVX]+\. [A-Z][A-Z' -]+"
    yield from chapters("Doyle, Sherlock Holmes", text, heading, None, "End of the Project Gutenberg")


def imp(root, module):
    """Yield (verse key, raw entry) of a SWORD module."""
    environment = dict(os.environ, SWORD_PATH=str((root / "usr/share/sword").resolve()))
    out = subprocess.run(["mod2imp", module], env=environment, check=True, capture_output=True).stdout
    for entry in out.decode("utf-8", "replace").split("$$$")[1:]:
        key, _, body = entry.partition("\n")
        yield key, body


def bible(root):
    found = {}
    for key, body in imp(root, "engWEB2015eb"):
        match = re.fullmatch(r"(.+ \d+):([1-9]\d*)", key)
        if not match:
            continue
        body = re.sub(r"(?s)<note.*?</note>|<title.*?</title>", " ", body)
        body = re.sub(r'<(?:div|lg|chapter) [^>]*(?:type="x-p"|type="paragraph"|sID)[^>]*>|<lb[^>]*>', "\n\n", body)
        body = re.sub(r"<l [^>]*>|</l>", " ", body)
        found.setdefault(match[1], []).append(re.sub(r"<[^>]*>", "", body))
    for title, verses in found.items():
        text = re.sub(r" +([,.;:?!])", r"\1", reflow(" ".join(verses)))
        if len(text) > 400:
            yield "World English Bible", title, text


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packages", type=Path, required=True, help="folder for the downloaded and unpacked packages")
    parser.add_argument("--output", type=Path, required=True, help="JSON lines to write")
    options = parser.parse_args()
    root = unpack(options.packages)
    totals = {}
    with options.output.open("w", encoding="utf-8") as out:
        for read in (novels, bible):
            for source, title, text in read(root):
                held_out = int(hashlib.sha256(text.encode()).hexdigest(), 16) % HELDOUT_ONE_IN == 0
                split = "heldout" if held_out else "train"
                out.write(json.dumps({"source": source, "title": title, "split": split, "text": text}) + "\n")
                count = totals.setdefault((source, split), [0, 0])
                count[0] += 1
                count[1] += len(text)
    for (source, split), (documents, characters) in sorted(totals.items()):
        print(f"{source:32} {split:8} {documents:5} documents {characters:9} characters")


if __name__ == "__main__":
    main()
