#!/bin/sh
# Prints the table of docs/simulator.md: measured by the published simulator against --published.
# Usage: tools/yoke-sim/published-table.sh path/to/yoke-sim
set -eu
sim=${1:?path of yoke-sim}
root=$(cd "$(dirname "$0")/../.." && pwd)
row() { # label batch target measured options...
  label=$1 batch=$2 target=$3 measured=$4
  shift 4
  json=$("$sim" --system "$root/examples/targets/$target.json" --model gpt3-7b --published --json \
    --batch-file "$root/test/unit/Simulator/traces/$batch.csv" "$@")
  field() { printf '%s\n' "$json" | sed -n "s/.*\"$1\": \([0-9.e+-]*\).*/\1/p"; }
  awk -v l="$label" -v m="$measured" -v c="$(field cycles_per_block)" -v s="$(field simulated_cycles)" \
    -v w="$(field simulation_cpu_s)" \
    'BEGIN { printf "| %s | %d | %d | %+.1f%% | %.2f | %d |\n", l, m, c, 100 * c / m - 100, w, s / w }'
}
echo "| run | published, cycles per block | here | deviation | CPU s | simulated cycles per CPU second |"
echo "|---|---|---|---|---|---|"
row "b32 NPU-only" t32 npu-only 792971 --mode npu
row "b32 naive NPU+PIM" t32 npu-pim-newton 360447 --mode npu-pim
row "b32 NeuPIMs" t32 neupims 226950 --mode neupims --interleave off
row "b32 NeuPIMs, interleaved" t32 neupims 252380 --mode neupims --interleave on
row "b64 NPU-only" b64rr npu-only 797874 --mode npu
row "b64 naive NPU+PIM" b64rr npu-pim-newton 231043 --mode npu-pim
row "b64 NeuPIMs" b64clb neupims 159695 --mode neupims --interleave off
row "b64 NeuPIMs, interleaved" b64clb neupims 245763 --mode neupims --interleave on
row "b256 NPU-only" b256rr npu-only 2934963 --mode npu
row "b256 naive NPU+PIM" b256rr npu-pim-newton 654311 --mode npu-pim
row "b256 NeuPIMs" b256clb neupims 320541 --mode neupims --interleave off
row "b256 NeuPIMs, interleaved" b256clb neupims 288946 --mode neupims --interleave on
