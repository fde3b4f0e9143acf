#!/usr/bin/env python3
"""Train the example checkpoint on the CPU and export it in Hugging Face's format.

The learning-rate schedule follows the clock (--minutes of training time), so a
run always ends annealed whatever the machine's speed. State is saved in --work
every few minutes and an interrupted run goes on from there when started again.
"""

import argparse
import json
import math
import os
import random
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from model import Llama, Shape

BOS, EOS, PAD = "<|bos|>", "<|eos|>", "<|pad|>"
WORDS = r"'(?:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
WEIGHTS = {"World English Bible": 1.0}  # relative number of passes over a source; 2 for the others
HELDOUT_BYTES = 90_000
SEED = 20240229


def read_corpus(path):
    documents = [json.loads(line) for line in path.open(encoding="utf-8")]
    return [[d for d in documents if d["split"] == split] for split in ("train", "heldout")]


def train_tokenizer(documents, vocab_size):
    """Byte-level BPE; every text starts with the bos token."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(WORDS), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=2,
        special_tokens=[BOS, EOS, PAD],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator((d["text"] for d in documents), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A", pair=f"{BOS} $A {BOS}:1 $B:1", special_tokens=[(BOS, tokenizer.token_to_id(BOS))]
    )
    return tokenizer


def encode(tokenizer, documents):
    """Concatenate the documents' tokens, each followed by eos."""
    eos = tokenizer.token_to_id(EOS)
    encoded = tokenizer.encode_batch([d["text"] for d in documents], add_special_tokens=False)
    return torch.tensor([t for e in encoded for t in e.ids + [eos]])


class Sampler:
    """Windows of bos + `context` tokens that start at paragraphs, so that a prompt after bos may start anywhere in a story."""

    def __init__(self, tokenizer, documents, context):
        self.context, self.bos, self.streams = context, tokenizer.token_to_id(BOS), []
        breaks = torch.tensor([t for t in range(tokenizer.get_vocab_size()) if "\n" in tokenizer.decode([t])])
        breaks = torch.cat([breaks, torch.tensor([tokenizer.token_to_id(EOS)])])
        for source in sorted({d["source"] for d in documents}):
            stream = encode(tokenizer, [d for d in documents if d["source"] == source])
            starts = torch.isin(stream, breaks).nonzero().flatten() + 1
            starts = starts[starts < len(stream) - context]
            # A start stands for the tokens up to the next one, so that all tokens are seen equally often.
            lengths = torch.diff(starts, append=torch.tensor([len(stream)])).clamp(max=context)
            self.streams.append((stream, starts, lengths.float(), len(stream) * WEIGHTS.get(source, 2.0)))
        self.shares = torch.tensor([s[3] for s in self.streams], dtype=torch.float)

    def batch(self, rows, generator):
        picked = []
        for i in torch.multinomial(self.shares, rows, True, generator=generator).tolist():
            stream, starts, lengths, _ = self.streams[i]
            start = int(starts[torch.multinomial(lengths, 1, generator=generator)])
            picked.append(torch.cat([torch.tensor([self.bos]), stream[start : start + self.context]]))
        rows = torch.stack(picked)
        return rows[:, :-1], rows[:, 1:]


def heldout_loss(network, stream, bos, context, rows=16, limit=None, autocast=True):
    """Mean nats per token over consecutive windows of the stream, each after bos."""
    pieces = list(stream.split(context))[:-1][:limit]
    total = 0.0
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        for i in range(0, len(pieces), rows):
            targets = torch.stack(pieces[i : i + rows])
            inputs = torch.cat([torch.full((len(targets), 1), bos), targets[:, :-1]], 1)
            total += float(network(inputs, targets)) * len(targets)
    return total / len(pieces)


def heldout_text(documents):
    """Whole held-out documents in a fixed shuffled order, up to about HELDOUT_BYTES."""
    order = sorted(documents, key=lambda d: (d["source"], d["title"]))
    random.Random(SEED).shuffle(order)
    chosen, size = [], 0
    for d in order:
        if size + len(d["text"].encode()) <= HELDOUT_BYTES:
            chosen.append(d["text"])
            size += len(chosen[-1].encode()) + 2
    return "\n\n".join(chosen) + "\n"


def export(network, tokenizer, shape, context, folder):
    folder.mkdir(parents=True, exist_ok=True)
    ids = {name: tokenizer.token_to_id(name) for name in (BOS, EOS, PAD)}
    special = {"bos_token_id": ids[BOS], "eos_token_id": ids[EOS], "pad_token_id": ids[PAD]}
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": shape.vocab_size,
        "hidden_size": shape.hidden_size,
        "intermediate_size": shape.intermediate_size,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "head_dim": shape.head_dim,
        "hidden_act": "silu",
        "max_position_embeddings": shape.max_positions,
        "rms_norm_eps": shape.norm_eps,
        "rope_theta": shape.rope_theta,
        "rope_scaling": None,
        "attention_bias": False,
        "attention_dropout": 0.0,
        "mlp_bias": False,
        "tie_word_embeddings": True,
        "initializer_range": 0.02,
        "use_cache": True,
        "torch_dtype": "bfloat16",
        **special,
    }
    tokenizer_config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": BOS,
        "eos_token": EOS,
        "pad_token": PAD,
        "add_bos_token": True,
        "clean_up_tokenization_spaces": False,
        "model_max_length": shape.max_positions,
    }
    generation = {**special, "do_sample": True, "temperature": 0.7, "top_p": 0.9, "max_new_tokens": 128}
    for name, content in (("config", config), ("tokenizer_config", tokenizer_config), ("generation_config", generation)):
        (folder / f"{name}.json").write_text(json.dumps(content, indent=2) + "\n")
    tokenizer.save(str(folder / "tokenizer.json"))
    state = {k: v.detach().to(torch.bfloat16).contiguous() for k, v in network.state_dict().items()}
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})


def make_optimizers(network, shares):
    """Muon for the layers' matrices, in `shares` parts that may step at once; AdamW for the embedding and the norms."""
    matrices = sorted((p for n, p in network.named_parameters() if p.dim() == 2 and "embed" not in n), key=torch.numel)
    others = [p for n, p in network.named_parameters() if p.dim() != 2 or "embed" in n]
    made = [(torch.optim.AdamW(others, lr=0.003, betas=(0.9, 0.98), weight_decay=0.0), 0.003)]
    for i in range(shares):
        made.append((torch.optim.Muon(matrices[i::shares], lr=0.01, momentum=0.95, weight_decay=0.1), 0.01))
    return made


def shard_gradients(network, shard):
    """Loss and gradients of one shard of a batch; a worker's own single-threaded pass."""
    torch.set_num_threads(1)
    with torch.autocast("cpu", torch.bfloat16):
        loss = network(*shard)
    return float(loss.detach()), torch.autograd.grad(loss, list(network.parameters()))


def train_step(network, optimizers, pool, batch, shards):
    """One step; the shards of the batch and the optimizers run side by side. Returns the mean loss (nats per token)."""
    pieces = zip(*(x.chunk(shards) for x in batch))
    results = list(pool.map(lambda piece: shard_gradients(network, piece), pieces))
    for parameter, *gradients in zip(network.parameters(), *(r[1] for r in results)):
        parameter.grad = sum(gradients) / len(gradients)
    torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    list(pool.map(lambda o: o[0].step(), optimizers))
    return sum(r[0] for r in results) / len(results)


def rate(fraction, step):
    """Share of the peak learning rate: 50 warm-up steps, then a cosine from 1 to 0.01 over the time budget."""
    return min(1.0, (step + 1) / 50) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, fraction))))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True, help="JSON lines written by corpus.py")
    parser.add_argument("--work", type=Path, required=True, help="folder for the state of the run and its log")
    parser.add_argument("--output", type=Path, required=True, help="folder for the exported checkpoint and heldout.txt")
    parser.add_argument("--preview", type=Path, help="folder for an export at every save")
    parser.add_argument("--minutes", type=float, default=60, help="time budget of the training (default: %(default)s)")
    parser.add_argument("--save-minutes", type=float, default=4, help="time between saves (default: %(default)s)")
    parser.add_argument("--context", type=int, default=256, help="tokens per window (default: %(default)s)")
    parser.add_argument("--rows", type=int, default=8, help="windows per step (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=2, help="worker threads, each with a share of the batch (default: %(default)s)")
    options = parser.parse_args()
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    options.work.mkdir(parents=True, exist_ok=True)
    shape, train, heldout = Shape(), *read_corpus(options.corpus)

    saved_tokenizer = options.work / "tokenizer.json"
    if not saved_tokenizer.exists():
        train_tokenizer(train, shape.vocab_size).save(str(saved_tokenizer))
    tokenizer = Tokenizer.from_file(str(saved_tokenizer))
    bos = tokenizer.token_to_id(BOS)
    sampler, heldout_stream = Sampler(tokenizer, train, options.context), encode(tokenizer, heldout)
    print(f"train tokens {sum(len(s[0]) for s in sampler.streams)}, held-out tokens {len(heldout_stream)}", flush=True)

    network = Llama(shape)
    optimizers = make_optimizers(network, options.threads)
    generator = torch.Generator().manual_seed(SEED)
    step, seconds, saved = 0, 0.0, options.work / "state.pt"
    log_path = options.work / "training.log"
    if saved.exists():
        state = torch.load(saved)
        step, seconds = state["step"], state["seconds"]
        network.load_state_dict(state["network"])
        generator.set_state(state["generator"])
        for (optimizer, _), content in zip(optimizers, state["optimizers"]):
            optimizer.load_state_dict(content)
    else:
        log_path.write_text("step,seconds,tokens,train_loss,heldout_loss\n")
    pool = ThreadPoolExecutor(options.threads, initializer=torch.set_num_threads, initargs=(1,))

    def report(recent, limit):
        loss = heldout_loss(network, heldout_stream, bos, options.context, limit=limit)
        line = f"{step},{seconds:.0f},{step * options.rows * options.context},{sum(recent) / max(1, len(recent)):.4f},{loss:.4f}"
        with log_path.open("a") as log:
            log.write(line + "\n")
        print(line, flush=True)

    def save():
        state = {"step": step, "seconds": seconds, "network": network.state_dict(), "generator": generator.get_state()}
        state["optimizers"] = [o.state_dict() for o, _ in optimizers]
        torch.save(state, f"{saved}.new")
        os.replace(f"{saved}.new", saved)
        if options.preview:
            export(network, tokenizer, shape, options.context, options.preview)

    budget, recent, last_save, clock = options.minutes * 60, [], seconds, time.monotonic()
    first_save = 60
    while seconds < budget:
        for optimizer, peak in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = peak * rate(seconds / budget, step)
        loss = train_step(network, optimizers, pool, sampler.batch(options.rows, generator), options.threads)
        step += 1
        recent.append(loss)
        now = time.monotonic()
        seconds, clock = seconds + now - clock, now
        if seconds - last_save > (first_save if last_save == 0 else options.save_minutes * 60):
            report(recent, 64)
            save()
            recent, last_save = [], seconds
    report(recent, None)
    save()
    export(network, tokenizer, shape, options.context, options.output)
    (options.output / "heldout.txt").write_text(heldout_text(heldout), encoding="utf-8")


if __name__ == "__main__":
    main()
