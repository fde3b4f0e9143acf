#!/usr/bin/env python3
"""Tokens per second against the acceptance and the rows of a draft, and where attention goes: a table and a picture.

    acceptance.py [--model gpt3-7b] [--system neupims] [--batch 64] [--context 1024] [--rates 0.9,0.7,0.5] [--svg F.svg] [--bin build/release/bin]

Each step verifies a draft of D tokens a request, 1 + D rows, simulated by `yoke simulate --decode synthetic:tokens=D,rate=P`; a guess is accepted
with probability P when those before it are. Drafting itself costs nothing here.
"""
import argparse
import json
import os
import subprocess

ROWS = [1, 2, 3, 4, 5, 6, 8, 12, 16, 24, 32]
COLOURS = ["#1f77b4", "#d62728", "#2ca02c", "#9467bd"]


def simulate(options, rows):
    """For the modes npu and yoke: seconds of a step, what limits it, where attention is."""
    command = [os.path.join(options.bin, "yoke"), "simulate", options.model, "--system", options.system, "--mode", "npu,yoke", "--json",
               "-b", str(options.batch), "-c", str(options.context)]
    if rows > 1:
        command += ["--decode", f"synthetic:tokens={rows - 1},rate=1"]
    results = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return {r["mode"]: (r["time_s"], r["limit"], "PIM" if "on pim" in r["plan"] else "NPU", r["plan"]) for r in results}


def accepted_length(rate, depth):
    return sum(rate ** i for i in range(depth + 1))


def picture(options, steps, path):
    """Tokens per second over rows: a line an acceptance rate, full points where PIM attends, the NPU alone dashed."""
    width, height, left, right, bottom = 760, 380, 70, 170, 50
    value = lambda mode, rate, rows: options.batch * accepted_length(rate, rows - 1) / steps[rows][mode][0]
    most = 1.08 * max(value("yoke", rate, rows) for rate in options.rates for rows in ROWS)
    x = lambda i: left + (i + 0.5) * (width - left - right) / len(ROWS)
    y = lambda v: height - bottom - v / most * (height - bottom - 30)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">',
           f'<rect width="{width}" height="{height}" fill="white"/>',
           f'<text x="{left}" y="18">{options.model}, {options.batch} requests of {options.context} tokens on {options.system}: tokens/s</text>']
    for i in range(5):
        v = most * i / 4
        out.append(f'<line x1="{left}" x2="{width - right}" y1="{y(v):.1f}" y2="{y(v):.1f}" stroke="#e5e5e5"/>')
        out.append(f'<text x="{left - 6}" y="{y(v) + 4:.1f}" text-anchor="end">{v:.0f}</text>')
    for i, rows in enumerate(ROWS):
        out.append(f'<text x="{x(i):.1f}" y="{height - bottom + 16}" text-anchor="middle">{rows}</text>')
    out.append(f'<text x="{(left + width - right) / 2}" y="{height - 12}" text-anchor="middle">rows of a request in a step (1 + tokens of the draft)</text>')
    for rate, colour in zip(options.rates, COLOURS):
        for mode, dash in (("npu", ' stroke-dasharray="4 4" opacity="0.6"'), ("yoke", "")):
            line = " ".join(f"{x(i):.1f},{y(value(mode, rate, rows)):.1f}" for i, rows in enumerate(ROWS))
            out.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>')
        for i, rows in enumerate(ROWS):
            fill = colour if steps[rows]["yoke"][2] == "PIM" else "white"
            out.append(f'<circle cx="{x(i):.1f}" cy="{y(value("yoke", rate, rows)):.1f}" r="4" fill="{fill}" stroke="{colour}" stroke-width="2"/>')
        last = y(value("yoke", rate, ROWS[-1]))
        out.append(f'<text x="{width - right + 8}" y="{last + 4:.1f}" fill="{colour}">accepted: {rate:g}</text>')
    for i, text in enumerate(["full: attention on PIM", "open: attention on NPU", "dashed: NPU alone"]):
        out.append(f'<text x="{width - right + 8}" y="{40 + 16 * i}" fill="#444444">{text}</text>')
    with open(path, "w") as file:
        file.write("\n".join(out + ["</svg>"]) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="gpt3-7b")
    parser.add_argument("--system", default="neupims")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--context", type=int, default=1024)
    parser.add_argument("--rates", default="0.9,0.7,0.5")
    parser.add_argument("--svg")
    parser.add_argument("--bin", default="build/release/bin")
    options = parser.parse_args()
    options.rates = [float(rate) for rate in options.rates.split(",")]
    steps = {rows: simulate(options, rows) for rows in ROWS}
    print("| rows | ms a step | on the NPU alone | attention | limit | " + " | ".join(f"tokens/s at {rate:g} (length)" for rate in options.rates) + " |")
    print("|---|---:|---:|---|---|" + "---:|" * len(options.rates))
    for rows, step in steps.items():
        cells = []
        for rate in options.rates:
            length = accepted_length(rate, rows - 1)
            cells.append(f"{options.batch * length / step['yoke'][0]:.0f} ({length:.2f})")
        print(f"| {rows} | {1e3 * step['yoke'][0]:.2f} | {1e3 * step['npu'][0]:.2f} | {step['yoke'][2]} | {step['yoke'][1]} | {' | '.join(cells)} |")
    if options.svg:
        picture(options, steps, options.svg)


if __name__ == "__main__":
    main()
