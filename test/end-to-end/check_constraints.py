#!/usr/bin/env python3
"""Constrained texts of `yoke run` on a package: all of them match, guesses ahead change none of them. check_constraints.py YOKE PACKAGE SCRATCH"""
import json
import os
import re
import subprocess
import sys

yoke, package, scratch = sys.argv[1:]
os.makedirs(scratch, exist_ok=True)
SCHEMA = {"type": "object", "properties": {"name": {"type": "string", "maxLength": 10}, "age": {"type": "integer"}, "tags": {"type": "array", "items": {
    "enum": ["red", "blue"]}, "minItems": 1, "maxItems": 3}, "inner": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/point"}]}},
    "required": ["name", "tags", "inner"], "$defs": {"point": {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}}}
CORPUS = ["the king went to the house of the lord", "and it came to pass in those days", "naïve words of the old man"]
schema_file, corpus_file = os.path.join(scratch, "schema.json"), os.path.join(scratch, "corpus.txt")
json.dump(SCHEMA, open(schema_file, "w"))
open(corpus_file, "w").write("\n".join(CORPUS))


def is_record(text):
    value = json.loads(text)
    return (set(value) <= set(SCHEMA["properties"]) and {"name", "tags", "inner"} <= set(value) and len(value["name"]) <= 10 and
            1 <= len(value["tags"]) <= 3 and set(value["tags"]) <= {"red", "blue"} and (value["inner"] is None or isinstance(value["inner"]["x"], int)))


PATTERN = r"(?:yes|no|perhaps), [a-z]{3,8}( [0-9]{1,3})?\."
KINDS = [(f"regex={PATTERN}", lambda t: re.fullmatch(PATTERN, t)), (f"json-schema={schema_file}", is_record),
         (f"corpus={corpus_file}", lambda t: any(t in line for line in CORPUS))]


def run(*flags):
    command = [yoke, "run", package, "-p", "He said", "-n", "200", "--json", *flags]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


wrong = 0
for spec, valid in KINDS:
    plain = run("--constrain", spec, "--temperature", "0")
    texts = [plain] + [run("--constrain", spec, "--temperature", "1.5", "--seed", str(seed)) for seed in range(8)]
    for result in texts:
        if result["finish_reason"] != "stop" or not valid(result["text"]):
            wrong += 1
            print("NOT VALID", spec, result["finish_reason"], repr(result["text"]))
    for decode in ("ngram", "auto"):
        if run("--constrain", spec, "--temperature", "0", "--decode", decode)["token_ids"] != plain["token_ids"]:
            wrong += 1
            print("DIFFERENT with", decode, spec)
    for beam in run("--constrain", spec, "--decode", "beam:width=4,return=4")["beams"]:
        if len(beam["token_ids"]) < 200 and not valid(beam["text"]):
            wrong += 1
            print("NOT VALID", spec, "beam", repr(beam["text"]))
print(f"{wrong} wrong")
sys.exit(wrong > 0)
