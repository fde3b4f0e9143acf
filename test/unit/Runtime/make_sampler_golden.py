#!/usr/bin/env python3
"""Writes sampler_golden.json: logits before and after transformers' logits processors, in the order that its
generate() builds them.

    pip install torch transformers
    make_sampler_golden.py > sampler_golden.json
"""
import json
import math

import torch
import transformers
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM

VOCAB, EOS = 24, [1, 5]

SETTINGS = [
    dict(repetition_penalty=1.3), dict(repetition_penalty=0.7), dict(no_repeat_ngram_size=1), dict(no_repeat_ngram_size=2),
    dict(no_repeat_ngram_size=3), dict(bad_words_ids=[[3], [1], [7, 8], [2, 9, 4]]), dict(sequence_bias=[[[6], -2.5], [[7, 8], 3.0]]),
    dict(suppress_tokens=[0, 11, 23]), dict(begin_suppress_tokens=[2, 3]), dict(min_new_tokens=3), dict(min_length=9),
    dict(do_sample=True, temperature=0.7), dict(do_sample=True, temperature=1.9), dict(do_sample=True, top_k=1),
    dict(do_sample=True, top_k=5), dict(do_sample=True, top_k=100), dict(do_sample=True, top_p=0.1), dict(do_sample=True, top_p=0.5),
    dict(do_sample=True, top_p=0.9), dict(do_sample=True, top_p=0.999), dict(do_sample=True, min_p=0.05), dict(do_sample=True, min_p=0.4),
    dict(do_sample=True, min_p=1.0), dict(do_sample=True, typical_p=0.2), dict(do_sample=True, typical_p=0.9),
    dict(do_sample=True, top_h=0.3), dict(do_sample=True, top_h=0.9), dict(do_sample=True, epsilon_cutoff=0.03),
    dict(do_sample=True, epsilon_cutoff=0.5), dict(do_sample=True, eta_cutoff=0.05), dict(do_sample=True, eta_cutoff=0.6),
    dict(do_sample=True, temperature=0.8, top_k=10, top_p=0.9, min_p=0.02),
    dict(do_sample=True, repetition_penalty=1.2, no_repeat_ngram_size=2, bad_words_ids=[[4]], suppress_tokens=[9], min_new_tokens=5,
         temperature=1.4, top_h=0.95, top_k=12, top_p=0.95, min_p=0.01, typical_p=0.95, epsilon_cutoff=0.001, eta_cutoff=0.002),
]

# (prompt, tokens generated since)
HISTORIES = [([0, 7, 8, 3, 7], []), ([2, 9, 4, 7], [8, 2, 9]), ([6, 6, 6, 6], [6]), ([10], [])]


def scores_of(kind, generator):
    if kind == "ties":
        return torch.randint(-2, 3, (1, VOCAB), generator=generator).float()
    if kind == "peaked":
        return torch.randn(1, VOCAB, generator=generator) * 6
    return torch.randn(1, VOCAB, generator=generator) * 1.5


def main():
    model = LlamaForCausalLM(LlamaConfig(vocab_size=VOCAB, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1))
    generator = torch.Generator().manual_seed(3)
    cases = []
    for number, settings in enumerate(SETTINGS):
        for variant in range(3):
            prompt, generated = HISTORIES[(number + variant) % len(HISTORIES)]
            kind = ["plain", "peaked", "ties"][variant]
            # torch.sort does not promise an order among ties, so cuts by rank are compared without them.
            if kind == "ties" and {"top_p", "top_h", "typical_p"} & settings.keys():
                kind = "plain"
            config = GenerationConfig(**{"top_k": 0, **settings}, eos_token_id=EOS)
            config._eos_token_tensor = torch.tensor(EOS)
            processors = model._get_logits_processor(generation_config=config, input_ids_seq_length=len(prompt), device="cpu")
            scores = scores_of(kind, generator)
            out = processors(torch.tensor([prompt + generated]), scores.clone())
            cases.append(dict(settings={k: v for k, v in settings.items()}, prompt=prompt, generated=generated,
                              logits=[round(float(x), 7) for x in scores[0]],
                              expected=[None if math.isinf(x) else float(f"{float(x):.8g}") for x in out[0].tolist()]))
    lines = ",\n".join(json.dumps(c) for c in cases)
    print(f'{{"transformers": "{transformers.__version__}", "eos": {EOS}, "cases": [\n{lines}\n]}}')


if __name__ == "__main__":
    main()
