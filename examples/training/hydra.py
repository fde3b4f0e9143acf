#!/usr/bin/env python3
"""Train Hydra heads, or with --prefix Hydra++'s, for a Llama model and write them in the released layout.

    hydra.py MODEL --data DATA --output FOLDER [--heads 4] [--layers 1] [--prefix 1] [--vocabulary 1024] [--minutes 10]

The released files have a projection to the vocabulary for each head; here all heads share the first, `hydra_lm_head.0`, which with
`token_map` covers the most frequent tokens only. `yoke compile MODEL --draft hydra:FOLDER -o F.yoke` takes both.
"""
import torch
import torch.nn.functional as F
from safetensors.torch import load_file

from draft_heads import Hydra
from head_training import DraftVocabulary, Teacher, cross_entropy, export, fit, parse_arguments, places, shape_of


def main():
    options = parse_arguments(__doc__, heads=4, layers=1, prefix=1, feedforward=0)
    teacher = Teacher(options.model)
    vocabulary = DraftVocabulary(teacher.config.vocab_size, load_file(options.data)["tokens"].long(), options.vocabulary)
    prefix = shape_of(teacher.config, options.feedforward) if options.prefix else None
    heads = Hydra(options.heads, options.layers, teacher.lm_head[vocabulary.tokens], prefix)

    def step(tokens):
        hidden, choices, _ = teacher.read(tokens)
        features, embedded = heads.features(hidden), F.embedding(tokens, teacher.embedding)
        outputs, loss, length = [], 0, tokens.shape[1]
        for i in range(options.heads):
            rows = length - i - 1
            path = [embedded[:, 1 + j : 1 + j + rows] for j in range(i + 1)]
            logits = heads.head(i, features[:, :rows], torch.cat(path, -1))
            targets = vocabulary.targets(choices, i + 1)[:, :rows]
            loss = loss + 0.8**i * cross_entropy(logits, targets)
            outputs.append((logits, targets, places(tokens, i + 1)[:, :rows]))
        return loss, outputs

    fit(heads, options, step)
    config = {
        "hydra_num_heads": options.heads,
        "hydra_num_layers": options.layers,
        "hydra_head_arch": "prefix-mlp" if options.prefix else "mlp",
        "grounded_heads": True,
        "hidden_state_offset": 0,
    }
    export(heads, options.output, config, {"token_map": vocabulary.tokens})


if __name__ == "__main__":
    main()
