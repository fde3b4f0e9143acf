#!/usr/bin/env python3
"""Writes beam_golden.json: beam searches by transformers, and diverse beam searches by the loop below.

    pip install torch transformers safetensors
    make_beam_golden.py ../../examples/checkpoint > beam_golden.json

The loop follows Vijayakumar et al., "Diverse Beam Search" (2016), with Hamming diversity on accumulated penalised scores, and
inside a group transformers' rules for finished texts. With one group it is checked against transformers."""
import json
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

PROMPTS = ["The king said to the", "Once upon a time", "And it came to pass", "He", "It was the best of"]
NEW_TOKENS = 24


def diverse(model, prompt, width, groups, diversity, length_penalty, early_stopping, eos):
    """[(score, tokens)] best first, over all groups."""
    per_group = width // groups
    state = [{"beams": [([], 0.0)], "finished": [], "done": False} for _ in range(groups)]
    for _ in range(NEW_TOKENS):
        counts = {}
        for group in state:
            if group["done"]:
                continue
            candidates = []
            rows = torch.tensor([prompt + tokens for tokens, _ in group["beams"]])
            with torch.no_grad():
                logs = torch.log_softmax(model(rows).logits[:, -1].float(), -1)
            for token, count in counts.items():
                logs[:, token] -= diversity * count
            for beam, (tokens, score) in enumerate(group["beams"]):
                values, indices = logs[beam].topk(2 * per_group)
                candidates += [(score + float(v), tokens + [int(i)]) for v, i in zip(values, indices)]
            candidates = sorted(candidates, key=lambda c: -c[0])[: 2 * per_group]
            beams = []
            for rank, (score, tokens) in enumerate(candidates):
                if tokens[-1] == eos or len(tokens) == NEW_TOKENS:
                    if rank < per_group:
                        group["finished"].append((score / len(tokens) ** length_penalty, tokens))
                elif len(beams) < per_group:
                    beams.append((tokens, score))
            group["finished"] = sorted(group["finished"], key=lambda f: -f[0])[:per_group]
            group["beams"] = beams
            full = len(group["finished"]) == per_group
            hopeless = full and (early_stopping or not beams or
                                 beams[0][1] / len(beams[0][0]) ** length_penalty <= group["finished"][-1][0])
            group["done"] = not beams or hopeless
            for tokens, _ in beams:
                counts[tokens[-1]] = counts.get(tokens[-1], 0) + 1
    return sorted((f for group in state for f in group["finished"]), key=lambda f: -f[0])


def main(folder):
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    eos = model.config.eos_token_id
    cases = []
    for prompt in PROMPTS:
        ids = tokenizer(prompt)["input_ids"]
        for width, groups, diversity, penalty, early in [(4, 1, 0.0, 1.0, False), (3, 1, 0.0, 0.0, True), (5, 1, 0.0, 2.0, False),
                                                         (4, 2, 0.5, 1.0, False), (6, 3, 1.0, 1.0, False), (4, 4, 100.0, 1.0, True)]:
            found = diverse(model, ids, width, groups, diversity, penalty, early, eos)
            if groups == 1:
                with torch.no_grad():
                    out = model.generate(torch.tensor([ids]), num_beams=width, num_return_sequences=width, max_new_tokens=NEW_TOKENS,
                                         do_sample=False, length_penalty=penalty, early_stopping=early, return_dict_in_generate=True,
                                         output_scores=True)
                theirs = []
                for sequence in out.sequences.tolist():
                    tokens = sequence[len(ids):]
                    if eos in tokens:
                        tokens = tokens[: tokens.index(eos) + 1]
                    theirs.append([t for t in tokens if t != model.config.pad_token_id])
                assert [tokens for _, tokens in found] == theirs, (prompt, width, penalty)
                assert max(abs(a - float(b)) for (a, _), b in zip(found, out.sequences_scores)) < 1e-3
            cases.append({"prompt_ids": ids, "spec": f"width={width},groups={groups},diversity={diversity},length-penalty={penalty},"
                          f"early-stopping={str(early).lower()},return={width}", "max_tokens": NEW_TOKENS,
                          "beams": [{"score": round(score, 6), "token_ids": tokens} for score, tokens in found]})
    json.dump(cases, sys.stdout)
    print()


if __name__ == "__main__":
    main(sys.argv[1])
