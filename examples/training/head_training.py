"""What the trainers of all draft heads share: the frozen model, batches, the draft vocabulary, the loop and its log."""
import argparse
import json
import math
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from model import Shape

IGNORED = -100


def parse_arguments(description, **defaults):
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="folder of the model that the heads are for")
    parser.add_argument("--data", type=Path, required=True, help="file written by draft_data.py")
    parser.add_argument("--output", type=Path, required=True, help="folder for the heads and their training log")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--vocabulary", type=int, default=0, help="draft vocabulary: the most frequent tokens; 0: all")
    parser.add_argument("--rows", type=int, default=8, help="texts a step (default: %(default)s)")
    parser.add_argument("--rate", type=float, default=1e-3, help="highest learning rate (default: %(default)s)")
    for name, default in defaults.items():
        parser.add_argument(f"--{name}", type=type(default), default=default)
    return parser.parse_args()


class Teacher:
    """The frozen model: hidden states, and the token that it chooses in each place."""

    def __init__(self, folder):
        self.model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval().requires_grad_(False)
        self.config = self.model.config
        self.embedding = self.model.get_input_embeddings().weight
        self.lm_head = self.model.get_output_embeddings().weight

    @torch.no_grad()
    def read(self, tokens, taps=()):
        """Final hidden states [B, L, D], choices [B, L], inputs of the layers `taps` side by side."""
        output = self.model(tokens, output_hidden_states=True)
        tapped = torch.cat([output.hidden_states[i] for i in taps], -1) if taps else None
        return output.hidden_states[-1], output.logits.argmax(-1), tapped


def shape_of(config, intermediate=0):
    """The sizes of one decoder layer like the model's, with another feed-forward size unless 0."""
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    theta = getattr(config, "rope_theta", None) or config.rope_parameters["rope_theta"]
    return Shape(
        hidden_size=config.hidden_size,
        intermediate_size=intermediate or config.intermediate_size,
        heads=config.num_attention_heads,
        kv_heads=config.num_key_value_heads,
        head_dim=head_dim,
        rope_theta=theta,
        norm_eps=config.rms_norm_eps,
    )


def most_frequent(tokens, size, count):
    """The `count` most frequent tokens, ascending, or all `size` when count is 0."""
    if not count or count >= size:
        return torch.arange(size)
    return torch.bincount(tokens.flatten(), minlength=size).topk(count).indices.sort().values


class DraftVocabulary:
    def __init__(self, size, tokens, count):
        self.tokens = most_frequent(tokens, size, count)
        self.index = torch.full((size,), IGNORED)
        self.index[self.tokens] = torch.arange(len(self.tokens))

    def targets(self, choices, ahead):
        """choices [B, L] to draft tokens: in row t that of row t + ahead, IGNORED where the draft vocabulary lacks it."""
        moved = torch.full_like(choices, IGNORED)
        moved[:, : choices.shape[1] - ahead] = self.index[choices[:, ahead:]]
        return moved


def places(tokens, ahead):
    """Where the choice `ahead` rows further on is known."""
    return torch.arange(tokens.shape[1]).expand_as(tokens) < tokens.shape[1] - ahead


def accuracy(logits, targets, known):
    """Shares of the places in which the best 1, 2, 3, 5 guesses have the right token; tokens outside the vocabulary count as wrong."""
    count = max(1, int(known.sum()))
    best = logits.topk(5, -1).indices == targets[..., None]
    return [round(float(best[..., :k].any(-1)[known].sum()) / count, 3) for k in (1, 2, 3, 5)]


def fit(module, options, loss_and_outputs):
    """Trains for options.minutes. `loss_and_outputs(tokens)` gives the loss and, for each head, (logits, targets, known places)."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    tokens = load_file(options.data)["tokens"].long()
    checked, tokens = tokens[:64], tokens[64:]
    optimizer = torch.optim.AdamW(module.parameters(), lr=options.rate, betas=(0.9, 0.98), weight_decay=0.0)
    options.output.mkdir(parents=True, exist_ok=True)
    log = (options.output / "training.log").open("w")
    started, budget, step, recent, last = time.monotonic(), options.minutes * 60, 0, [], 0.0

    def report(seconds):
        with torch.no_grad():
            heads = [accuracy(*head) for head in loss_and_outputs(checked)[1]]
        line = {"step": step, "seconds": round(seconds), "loss": round(sum(recent) / max(1, len(recent)), 4), "top1_2_3_5": heads}
        log.write(json.dumps(line) + "\n")
        log.flush()
        print(line, flush=True)
        recent.clear()
        return heads

    while (seconds := time.monotonic() - started) < budget:
        if seconds - last > 60:
            report(seconds)
            last = seconds
        for group in optimizer.param_groups:
            group["lr"] = options.rate * min(1, (step + 1) / 30) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * seconds / budget)))
        loss, _ = loss_and_outputs(tokens[torch.randint(len(tokens), (options.rows,))])
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimizer.step()
        step += 1
        recent.append(float(loss.detach()))
    return report(budget)


def cross_entropy(logits, targets):
    return F.cross_entropy(logits.flatten(0, -2), targets.flatten(), ignore_index=IGNORED)


def export(module, folder, config, extra=None, rename=lambda name: name):
    """model.safetensors in bfloat16 and config.json. Tensors that modules share are stored for each name."""
    state = {rename(name): value.detach().to(torch.bfloat16).clone() for name, value in module.state_dict().items()}
    save_file({**state, **(extra or {})}, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
