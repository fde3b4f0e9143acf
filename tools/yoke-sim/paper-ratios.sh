#!/bin/sh
# Regenerates the published comparison: GPT3-7B/13B/30B/175B, both data sets, batches of 64 to 512.
# Usage: tools/yoke-sim/paper-ratios.sh path/to/yoke folder   (writes ratios.csv, throughput.svg, pareto.svg, ratios.txt)
set -eu
yoke=${1:?path of yoke}
out=${2:?output folder}
mkdir -p "$out"
"$yoke" explore gpt3-7b,gpt3-13b,gpt3-30b,gpt3-175b --system neupims \
  --mode gpu,npu,published-npu,published-npu-pim,published-neupims,yoke \
  --vary dataset=sharegpt,alpaca --vary batch=64,128,256,384,512 \
  --csv "$out/ratios.csv" --bars "$out/throughput.svg" --svg "$out/pareto.svg" | tee "$out/ratios.txt"
