#!/usr/bin/env python3
"""What draft heads make of one text in float32 by PyTorch, for the tests: golden.json beside them.

    make_head_golden.py MODEL HEADS

Every head is given the model's features of the text; of long rows of logits every 16th number is kept.
"""
import argparse
import json
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file

from draft_heads import Eagle3, Hydra, Medusa
from head_training import Teacher, shape_of

TEXT = [0, 396, 284, 1037, 300, 259, 270, 612, 44, 310]
STRIDE = 16


def rounded(values):
    return [float(f"{value:.8g}") for value in values.flatten().tolist()]


def load(module, state):
    """bf16 weights, widened. Buffers of vocabularies are not the module's."""
    module.load_state_dict({name: value.float() for name, value in state.items() if name in module.state_dict()})
    return module.eval()


def medusa(state, config, hidden):
    heads = load(Medusa(config["num_heads"], state["lm_heads.0.weight"].float()), state)
    return {"features": rounded(hidden[-1]), "logits": [rounded(row[0, 0, ::STRIDE]) for row in heads(hidden[None, -1:])]}


def hydra(state, config, hidden, embedded, shape):
    prefix = "prefix_embeding_layer.norm.weight" in state
    name = "hydra_lm_head.0.1.weight" if prefix else "hydra_lm_head.0.weight"
    if prefix:
        shape.intermediate_size = state["prefix_embeding_layer.layers.0.mlp.gate_proj.weight"].shape[0]
    heads = load(Hydra(config["hydra_num_heads"], config["hydra_num_layers"], state[name].float(), shape if prefix else None), state)
    features = heads.features(hidden[None])[0]
    # Row t of the features and the tokens that follow it.
    at = len(hidden) - 1 - config["hydra_num_heads"]
    logits = [heads.head(i, features[at], embedded[at + 1 : at + 2 + i].flatten()) for i in range(config["hydra_num_heads"])]
    return {"hidden": rounded(hidden), "row": at, "features": rounded(features[at]), "logits": [rounded(row[::STRIDE]) for row in logits]}


def eagle(state, config, taps, embedded, shape):
    shape.intermediate_size = config["intermediate_size"]
    heads = load(Eagle3(shape, state["lm_head.weight"].float()), state)
    logits = heads(taps[None, :-1], embedded[None, 1:], 1)[0][0]
    return {"taps": rounded(taps[:-1]), "features": rounded(heads.fc(taps[-2])), "logits": [rounded(logits[-1, ::STRIDE])]}


@torch.no_grad()
def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("heads", type=Path)
    options = parser.parse_args()
    teacher, tokens = Teacher(options.model), torch.tensor([TEXT])
    state, config = load_file(options.heads / "model.safetensors"), json.loads((options.heads / "config.json").read_text())
    taps = config.get("eagle_config", {}).get("eagle_aux_hidden_state_layer_ids", ())
    hidden, _, tapped = teacher.read(tokens, taps)
    embedded, shape = F.embedding(tokens, teacher.embedding)[0], shape_of(teacher.config)
    if config.get("model_type") == "medusa":
        golden = medusa(state, config, hidden[0])
    elif "hydra_num_heads" in config:
        golden = hydra(state, config, hidden[0], embedded, shape)
    else:
        golden = eagle(state, config, tapped[0], embedded, shape)
    (options.heads / "golden.json").write_text(json.dumps({"tokens": TEXT, "stride": STRIDE, **golden}) + "\n")


if __name__ == "__main__":
    main()
