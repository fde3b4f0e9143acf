"""Tokens of the simulated NPU and PIM against goldens from transformers and the tokens of the CPU: check_simulated.py YOKE CHECKPOINT [MOST]

Logits of each prompt may deviate by MOST (default 0.02) of the largest, and greedy tokens agree with the CPU's up to the first whose two best logits are closer than twice
the deviation that was measured. Prints the deviation and how many tokens are equal.
"""
import json
import os
import subprocess
import sys
import tempfile

from check_golden import read_npy, read_safetensors


def generate(yoke, folder, device, ids):
    done = subprocess.run([yoke, "run", folder, "--device", device, "--token-ids", ids, "-n", "16", "--decode", "greedy", "--ignore-eos", "--logprobs", "2",
                           "--json"], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def main():
    yoke, folder = sys.argv[1], sys.argv[2]
    most = float(sys.argv[3]) if len(sys.argv) > 3 else 0.02
    prompts = json.load(open(os.path.join(folder, "golden.json")))["prompts"]
    goldens = read_safetensors(os.path.join(folder, "golden.safetensors"))
    worst = equal = total = 0
    with tempfile.TemporaryDirectory() as work:
        output = os.path.join(work, "out.npy")
        for i, prompt in enumerate(prompts):
            ids = ",".join(map(str, prompt["token_ids"] if isinstance(prompt, dict) else prompt))
            shape, expected = goldens[f"logits.{i}"]
            subprocess.run([yoke, "eval", folder, "--device", "sim", "--token-ids", ids, "--output", output, "-q"], check=True)
            found_shape, found = read_npy(output)
            assert found_shape == shape, f"prompt {i}: shape {found_shape}, expected {shape}"
            difference, largest = max(abs(a - b) for a, b in zip(found, expected)), max(map(abs, expected))
            assert difference < most * largest, f"prompt {i}: deviation {difference} of {largest}"
            worst = max(worst, difference / largest)
            simulated, on_cpu = (generate(yoke, folder, device, ids) for device in ("sim", "cpu"))
            assert simulated["stats"]["simulated"]["cycles"] > simulated["stats"]["simulated"]["first_output_cycles"] > 0
            tokens, wanted = simulated["token_ids"], on_cpu["token_ids"]
            margins = [entry["top"][0]["logprob"] - entry["top"][1]["logprob"] for entry in on_cpu["logprobs"]]
            sure = next((j for j, margin in enumerate(margins) if margin < 2 * difference), len(wanted))
            assert tokens[:sure] == wanted[:sure], f"prompt {i}: {tokens}, expected {wanted}"
            equal += next((j for j, (a, b) in enumerate(zip(tokens, wanted)) if a != b), len(wanted))
            total += len(wanted)
    print(f"{os.path.basename(folder)}: logits within {worst:.1e} of the largest, {equal} of {total} tokens equal")


if __name__ == "__main__":
    main()
