"""A reference of FFN-SkipLLM's policy in PyTorch: make_skip_golden.py CHECKPOINT TEXT > skip_golden.json

Runs transformers' Llama layer by layer in float32 and decides row by row. Each threshold lies in the middle of a gap between measured cosines, so
that rounding decides nothing.
"""
import json
import sys

import torch
import transformers
from transformers.models.llama.modeling_llama import apply_rotary_pos_emb, repeat_kv

ROWS, SHOWN = 160, 8


def attention(layer, x, rotary):
    a, n = layer.self_attn, layer.input_layernorm(x)
    heads = lambda y: y.view(len(x), -1, a.head_dim).transpose(0, 1)[None]
    q, k = apply_rotary_pos_emb(heads(a.q_proj(n)), heads(a.k_proj(n)), *rotary)
    k, v = repeat_kv(k, a.num_key_value_groups), repeat_kv(heads(a.v_proj(n)), a.num_key_value_groups)
    out = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
    return a.o_proj(out[0].transpose(0, 1).reshape(len(x), -1))


def run(model, ids, policy, seen):
    """Logits and how many rows skipped each layer; adds the cosines that were compared to `seen`."""
    first, last, warm_up, tau, k = policy
    x = model.model.embed_tokens(ids)
    rotary = model.model.rotary_emb(x[None], torch.arange(len(ids))[None])
    left, skipped = [0] * len(ids), []
    for number, layer in enumerate(model.model.layers):
        x = x + attention(layer, x, rotary)
        y = x + layer.mlp(layer.post_attention_layernorm(x))
        count = 0
        for row in range(len(ids)):
            if row < warm_up or not first <= number < last:
                continue
            if left[row]:
                y[row], left[row], count = x[row], left[row] - 1, count + 1
                continue
            cosine = torch.nn.functional.cosine_similarity(x[row].double(), y[row].double(), dim=0).item()
            seen.append(cosine)
            if cosine >= tau:
                left[row] = k
        skipped.append(count)
        x = y
    return model.lm_head(model.model.norm(x)), skipped


@torch.no_grad()
def main():
    folder, text = sys.argv[1:]
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    ids = tokenizer(open(text, encoding="utf-8").read())["input_ids"][:ROWS]
    cases = []
    for first, last, warm_up, quantile, k in [(0, 5, 0, 0.0, 1), (1, 5, 16, 0.5, 1), (0, 5, 8, 0.7, 2), (1, 4, 0, 0.2, 2), (2, 5, 40, 0.9, 1),
                                              (0, 5, 0, None, 1)]:
        tau, count, seen = 2.0, [0] * 5, []
        if quantile is None:
            logits, count = run(model, torch.tensor(ids), (first, last, warm_up, tau, k), seen)
        else:
            # The gap may close when rows skip: look for one that stays.
            run(model, torch.tensor(ids), (first, last, warm_up, tau, k), seen)
            ordered = sorted(seen)
            for at in range(int(quantile * (len(ordered) - 1)), len(ordered) - 1):
                tau, again = (ordered[at] + ordered[at + 1]) / 2, []
                logits, count = run(model, torch.tensor(ids), (first, last, warm_up, tau, k), again)
                if min(abs(cosine - tau) for cosine in again) > 2e-5:
                    break
            else:
                raise SystemExit("no gap")
        shown = list(range(ROWS - SHOWN, ROWS))
        cases.append({"cold": [first, last], "warm_up": warm_up, "tau": tau, "k": k, "skipped": count, "rows": shown,
                      "logits": [[round(v, 5) for v in logits[r, ::128].tolist()] for r in shown], "best": logits.argmax(-1).tolist()})
    print(json.dumps({"token_ids": ids, "column_step": 128, "cases": cases}))


main()
