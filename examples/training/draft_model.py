#!/usr/bin/env python3
"""Train a small Llama with a model's tokenizer on the model's own choices, as a draft model, and write it as a checkpoint.

    draft_model.py MODEL --data DATA --output FOLDER [--size 96] [--layers 1] [--minutes 10]

Compile FOLDER, and give the package as `--decode model:PACKAGE`.
"""
import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file

from head_training import DraftVocabulary, Teacher, cross_entropy, fit, parse_arguments, places
from model import Llama, Shape


def main():
    options = parse_arguments(__doc__, size=96, layers=1)
    teacher = Teacher(options.model)
    config = teacher.config.to_dict()
    shape = Shape(
        vocab_size=config["vocab_size"],
        hidden_size=options.size,
        intermediate_size=options.size * 2,
        layers=options.layers,
        heads=options.size // 32,
        kv_heads=1,
        head_dim=32,
        max_positions=config["max_position_embeddings"],
    )
    network, everything = Llama(shape), DraftVocabulary(shape.vocab_size, torch.tensor([0]), 0)

    def step(tokens):
        _, choices, _ = teacher.read(tokens)
        logits, targets = network(tokens), everything.targets(choices, 0)
        return cross_entropy(logits, targets), [(logits, targets, places(tokens, 0))]

    fit(network, options, step)
    stored = json.loads((Path(options.model) / "config.json").read_text())
    stored |= {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": shape.hidden_size,
        "intermediate_size": shape.intermediate_size,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "head_dim": shape.head_dim,
        "rms_norm_eps": shape.norm_eps,
        "rope_theta": shape.rope_theta,
        "tie_word_embeddings": True,
    }
    (options.output / "config.json").write_text(json.dumps(stored, indent=2) + "\n")
    for name in ("tokenizer.json", "tokenizer_config.json", "generation_config.json"):
        if (Path(options.model) / name).exists():
            shutil.copy(Path(options.model) / name, options.output / name)
    state = {name: value.detach().to(torch.bfloat16).contiguous() for name, value in network.state_dict().items()}
    save_file(state, options.output / "model.safetensors", metadata={"format": "pt"})


if __name__ == "__main__":
    main()
