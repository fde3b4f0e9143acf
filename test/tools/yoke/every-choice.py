#!/usr/bin/env python3
"""every-choice.py FILE CHOICE: a file of choices as `yoke tune` writes, with CHOICE for every kernel."""
import json
import sys

file = json.load(open(sys.argv[1]))
for kernel in file["kernels"]:
    kernel["choice"] = sys.argv[2]
print(json.dumps(file))
