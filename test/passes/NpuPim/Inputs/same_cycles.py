"""same_cycles.py PROGRAM.json SIMULATE.json: the blocks of a program that ran alone take what `yoke simulate` says, which extrapolates from three."""

import json
import sys

program, simulated = (json.load(open(path)) for path in sys.argv[1:])
blocks = {stage["name"]: stage for stage in program["stages"]}["blocks"]
expected, found = simulated["cycles_per_block"], blocks["cycles_per_block"]
if abs(found - expected) > 0.005 * expected:
    sys.exit(f"expected {expected} cycles a block, found {found}")
total = simulated["time_s"] * 1e9
if abs(program["cycles"] - total) > 0.02 * total:
    sys.exit(f"expected {total:.0f} cycles a step, found {program['cycles']}")
