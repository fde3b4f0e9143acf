#!/bin/sh
# Our schedule against the fair baselines (npu, npu-pim, neupims: same hardware, same capacity) at every batch from 1 to
# 512, steady ShareGPT-like requests; the commands of our schedule go through the legality checker. Ends with 1 when a
# baseline is faster or a trace is illegal.
# Usage: tools/yoke-sim/never-slower.sh path/to/bin folder [model [step [dataset]]]   (writes MODEL.csv)
set -eu
bin=${1:?folder of yoke and yoke-sim}
out=${2:?output folder}
model=${3:-gpt3-7b} step=${4:-1} dataset=${5:-sharegpt}
root=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$out"
batches=$(seq -s , 1 "$step" 512)
"$bin/yoke" explore "$model" --system neupims --mode npu,npu-pim,neupims,yoke --vary "dataset=$dataset" --vary "batch=$batches" \
  --csv "$out/$model.csv" >"$out/$model.txt"
illegal=0
for batch in $(seq 1 "$((step * 8))" 512); do
  "$bin/yoke" simulate "$model" --dataset "$dataset" -b "$batch" --commands "$out/commands.txt" >/dev/null
  "$bin/yoke-sim" --system "$root/examples/targets/neupims.json" --check "$out/commands.txt" >/dev/null || {
    echo "batch $batch: illegal commands"
    illegal=$((illegal + 1))
  }
done
rm -f "$out/commands.txt"
awk -F, -v illegal="$illegal" '
  NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i; next }
  {
    batch = $column["batch"]; time = $column["time_s"]; mode = $column["mode"]
    if (mode == "yoke") ours[batch] = time
    else if (!(batch in best) || time < best[batch]) { best[batch] = time; who[batch] = mode }
  }
  END {
    least = 1e9
    for (batch in ours) {
      ratio = best[batch] / ours[batch]; n++; sum += ratio
      if (ratio < least) { least = ratio; at = batch }
      if (ratio < 1) { slower++; printf "batch %d: %s is faster (%.4f)\n", batch, who[batch], ratio }
    }
    printf "%d batches: best baseline over ours %.3f on average, %.4f at least (batch %d); slower at %d; illegal traces %d\n",
           n, sum / n, least, at, slower, illegal
    exit slower + illegal > 0
  }' "$out/$model.csv"
