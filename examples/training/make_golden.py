#!/usr/bin/env python3
"""Write golden.json: greedy continuations of a checkpoint computed by transformers in float32.

For each prompt: its text, its token ids (bos included), the ids of the greedy
continuation, at each step the logit of the chosen token minus that of the
runner-up (where it is tiny, another order of summation may choose otherwise),
and the decoded continuation.
"""

import argparse
import json
from pathlib import Path

import torch
from transformers import AutoTokenizer, LlamaForCausalLM

PROMPTS = [
    "The captain looked at the sea and",
    "It was a cold morning in November, and",
    "Elizabeth was surprised to find that",
    '"My dear Watson," said Holmes,',
    "In the beginning",
    "Once upon a time there was a king who",
    "The house stood at the end of the village,",
    "She opened the letter and read",
]


def greedy(model, ids, steps):
    """Greedy tokens and top-1 minus top-2 logit margins; no key-value cache, so that each step stands alone."""
    tokens, margins = list(ids), []
    with torch.no_grad():
        for _ in range(steps):
            best = model(torch.tensor([tokens]), use_cache=False).logits[0, -1].topk(2)
            margins.append(round(float(best.values[0] - best.values[1]), 6))
            tokens.append(int(best.indices[0]))
    return tokens[len(ids) :], margins


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path, help="folder of the checkpoint; golden.json is written there")
    parser.add_argument("--tokens", type=int, default=48, help="tokens per continuation (default: %(default)s)")
    options = parser.parse_args()
    tokenizer = AutoTokenizer.from_pretrained(options.checkpoint)
    model = LlamaForCausalLM.from_pretrained(options.checkpoint, dtype=torch.float32, attn_implementation="eager").eval()
    cases = []
    for prompt in PROMPTS:
        ids = tokenizer(prompt).input_ids
        continuation, margins = greedy(model, ids, options.tokens)
        text = tokenizer.decode(continuation)
        cases.append({"prompt": prompt, "prompt_ids": ids, "greedy_ids": continuation, "margins": margins, "text": text})
        print(f"{prompt}|{text}\n")
    golden = {"weights": "bfloat16 upcast to float32", "tokens": options.tokens, "cases": cases}
    (options.checkpoint / "golden.json").write_text(json.dumps(golden, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
