#!/usr/bin/env python3
"""Train Medusa heads for a model and write them in the layout of vLLM's `medusa` model type.

    medusa.py MODEL --data DATA --output FOLDER [--heads 4] [--vocabulary 1024] [--minutes 10]

DATA is written by draft_data.py. `yoke compile MODEL --draft medusa:FOLDER -o F.yoke` takes the folder.
"""
from safetensors.torch import load_file

from draft_heads import Medusa
from head_training import DraftVocabulary, Teacher, cross_entropy, export, fit, parse_arguments, places


def main():
    options = parse_arguments(__doc__, heads=4)
    teacher = Teacher(options.model)
    size = teacher.config.vocab_size
    vocabulary = DraftVocabulary(size, load_file(options.data)["tokens"].long(), options.vocabulary)
    heads = Medusa(options.heads, teacher.lm_head[vocabulary.tokens])

    def step(tokens):
        hidden, choices, _ = teacher.read(tokens)
        outputs, loss = [], 0
        for k, logits in enumerate(heads(hidden)):
            targets = vocabulary.targets(choices, k + 1)
            loss = loss + 0.8**k * cross_entropy(logits, targets)
            outputs.append((logits, targets, places(tokens, k + 1)))
        return loss, outputs

    fit(heads, options, step)
    config = {
        "model_type": "medusa",
        "architectures": ["MedusaModel"],
        "hidden_size": teacher.config.hidden_size,
        "vocab_size": size,
        "num_heads": options.heads,
        "num_hidden_layers": 1,
        "medusa_fc_bias": True,
        "original_lm_head": True,
        "truncated_vocab_size": len(vocabulary.tokens),
    }
    export(heads, options.output, config, {"token_map": vocabulary.tokens})


if __name__ == "__main__":
    main()
