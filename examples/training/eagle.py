#!/usr/bin/env python3
"""Train an EAGLE-3 draft layer for a Llama model and write it in the released layout (fc, midlayer, norm, lm_head, d2t, t2d).

    eagle.py MODEL --data DATA --output FOLDER [--taps 1,3,4] [--passes 3] [--feedforward 256] [--vocabulary 1024] [--minutes 10]

Each training step runs `passes` guesses ahead on the layer's own output, as drafting does. `--taps` are the layers whose inputs the
draft layer reads; without it 2, half of the layers, and the third last. `yoke compile MODEL --draft eagle:FOLDER -o F.yoke` takes the folder.
"""
import torch
import torch.nn.functional as F
from safetensors.torch import load_file

from draft_heads import Eagle3
from head_training import DraftVocabulary, Teacher, cross_entropy, export, fit, parse_arguments, places, shape_of


def main():
    options = parse_arguments(__doc__, taps="", passes=3, feedforward=0)
    teacher = Teacher(options.model)
    layers, size = teacher.config.num_hidden_layers, teacher.config.vocab_size
    taps = [int(layer) for layer in options.taps.split(",")] if options.taps else [2, layers // 2, layers - 3]
    vocabulary = DraftVocabulary(size, load_file(options.data)["tokens"].long(), options.vocabulary)
    shape = shape_of(teacher.config, options.feedforward)
    heads = Eagle3(shape, teacher.lm_head[vocabulary.tokens])

    def step(tokens):
        _, choices, tapped = teacher.read(tokens, taps)
        embedded = F.embedding(tokens, teacher.embedding)
        outputs, loss = [], 0
        for depth, logits in enumerate(heads(tapped[:, :-1], embedded[:, 1:], options.passes)):
            targets, known = vocabulary.targets(choices, 1)[:, :-1].clone(), places(tokens, 1)[:, :-1].clone()
            targets[:, :depth], known[:, :depth] = -100, False  # rows that the shift between passes filled from the end
            loss = loss + 0.8**depth * cross_entropy(logits, targets)
            outputs.append((logits, targets, known))
        return loss, outputs

    fit(heads, options, step)
    config = {
        "architectures": ["LlamaForCausalLMEagle3"],
        "model_type": "llama",
        "hidden_size": shape.hidden_size,
        "target_hidden_size": shape.hidden_size,
        "intermediate_size": shape.intermediate_size,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "head_dim": shape.head_dim,
        "num_hidden_layers": 1,
        "hidden_act": "silu",
        "rms_norm_eps": shape.norm_eps,
        "rope_theta": shape.rope_theta,
        "max_position_embeddings": teacher.config.max_position_embeddings,
        "vocab_size": size,
        "draft_vocab_size": len(vocabulary.tokens),
        "eagle_config": {"use_aux_hidden_state": True, "eagle_aux_hidden_state_layer_ids": taps},
    }
    target_has = torch.zeros(size, dtype=torch.bool)
    target_has[vocabulary.tokens] = True
    offsets = vocabulary.tokens - torch.arange(len(vocabulary.tokens))
    export(heads, options.output, config, {"d2t": offsets, "t2d": target_has})


if __name__ == "__main__":
    main()
