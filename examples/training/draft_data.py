#!/usr/bin/env python3
"""Text that a model writes itself, for training draft heads: they have to guess the model's words, not an author's.

    draft_data.py MODEL --text TEXT --output DATA [--sequences 2048] [--length 192]

MODEL is a Hugging Face folder; TEXT is plain text, or JSON lines of corpus.py, of which only the "train" split is read. Each
sequence begins with a piece of the text; the model goes on, greedily in one half of the sequences, at temperature 0.7 in the other.
"""
import argparse
import json
import time
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, AutoTokenizer


def read_texts(path):
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".jsonl":
        return [text]
    documents = [json.loads(line) for line in text.splitlines()]
    return [d["text"] for d in documents if d.get("split", "train") == "train"]


def make_prompts(tokenizer, texts, count, lengths, generator):
    """Windows of the texts that begin at paragraphs, each after the tokenizer's begin token."""
    begin = tokenizer("", add_special_tokens=True)["input_ids"] or ([tokenizer.bos_token_id] if tokenizer.bos_token_id is not None else [])
    paragraphs = [p for text in texts for p in text.split("\n\n")]
    order = torch.randperm(len(paragraphs), generator=generator).tolist()
    for index in order * (count // max(1, len(order)) + 1):
        length = int(torch.randint(lengths[0], lengths[1], (1,), generator=generator))
        ids = tokenizer("\n\n".join(paragraphs[index : index + 8])[: 16 * length], add_special_tokens=False)["input_ids"][:length]
        if len(ids) == length:
            yield begin + ids


@torch.no_grad()
def continue_greedily_or_not(model, prompts, length, generator):
    """[rows, length]: prompts of one length, continued; even rows greedily, odd rows by sampling at temperature 0.7."""
    ids = torch.tensor(prompts)
    output = model(ids, use_cache=True, logits_to_keep=1)
    odd = torch.arange(len(ids)) % 2 == 1
    while True:
        logits = output.logits[:, -1].float()
        drawn = torch.multinomial(torch.softmax(logits / 0.7, -1), 1, generator=generator).flatten()
        following = torch.where(odd, drawn, logits.argmax(-1))[:, None]
        ids = torch.cat([ids, following], 1)
        if ids.shape[1] >= length:
            return ids
        output = model(following, past_key_values=output.past_key_values, use_cache=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--text", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--sequences", type=int, default=2048)
    parser.add_argument("--length", type=int, default=192)
    parser.add_argument("--rows", type=int, default=64, help="sequences at a time (default: %(default)s)")
    options = parser.parse_args()
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(options.model)
    model = AutoModelForCausalLM.from_pretrained(options.model, dtype=torch.float32).eval()
    by_length, done, started = {}, [], time.monotonic()
    for prompt in make_prompts(tokenizer, read_texts(options.text), options.sequences * 4, (12, 65), generator):
        key = len(prompt) // 8 * 8
        group = by_length.setdefault(key, [])
        group.append(prompt[:key])
        if len(group) == options.rows:
            done.append(continue_greedily_or_not(model, group, options.length, generator))
            by_length[key] = []
            print(f"{len(done) * options.rows} sequences, {time.monotonic() - started:.0f} s", flush=True)
        if len(done) * options.rows >= options.sequences:
            break
    save_file({"tokens": torch.cat(done).int()}, options.output)


if __name__ == "__main__":
    main()
