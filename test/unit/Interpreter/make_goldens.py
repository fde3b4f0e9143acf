"""Writes goldens.json: small programs in MLIR, inputs, and what PyTorch and transformers compute for them.

    python make_goldens.py

A case is a function @f over the inputs, run on a batch of `chains` (tokens per sequence, all outputs wanted) or of `encoder` sequences.
"""

import json
import math
import pathlib

import torch
import torch.nn.functional as F
from transformers.activations import ACT2FN
from transformers.models.gemma.modeling_gemma import GemmaRMSNorm
from transformers.models.gptj.modeling_gptj import apply_rotary_pos_emb as rotate_interleaved
from transformers.models.llama.modeling_llama import LlamaRMSNorm, apply_rotary_pos_emb

torch.manual_seed(7)
cases = []


def tensor_type(tensor, dynamic=True):
    sizes = list(map(str, tensor.shape))
    if dynamic and tensor.dim() == 2:
        sizes[0] = "?"
    return f"tensor<{'x'.join(sizes)}xf32>"


def rows(tensor):
    return [[float(value) for value in row] for row in (tensor if tensor.dim() == 2 else tensor[:, None]).float()]


def case(name, body, inputs, expected, result=None, weights=(), **batch):
    """`body` uses %a0, %a1, ... for the inputs, %batch and %tokens, and defines %y; inputs in `weights` have a static shape."""
    arguments = ["%tokens: tensor<?xi32>", "%batch: !llm.batch"]
    arguments += [f"%a{i}: {tensor_type(x, i not in weights)}" for i, x in enumerate(inputs)]
    result = result or tensor_type(expected)
    text = f"func.func @f({', '.join(arguments)}) -> {result} {{\n{body}\nreturn %y : {result}\n}}"
    cases.append({"name": name, "program": text, "inputs": [rows(x) for x in inputs], "expected": rows(expected),
                  **(batch or {"chains": [len(expected)]})})


def elementwise():
    x = torch.cat([torch.linspace(-6, 6, 13), torch.tensor([-40.0, 40.0, 0.3])]).reshape(2, 8)
    functions = {"silu": "silu", "gelu": "gelu", "gelu_tanh": "gelu_pytorch_tanh", "gelu_quick": "quick_gelu",
                 "relu": "relu", "relu_squared": "relu2", "tanh": "tanh", "sigmoid": "sigmoid"}
    up = torch.randn(2, 8)
    for kind, hf in functions.items():
        y = ACT2FN[hf](x)
        case(f"activation_{kind}", f"%y = llm.activation {kind} %a0 : tensor<?x8xf32>", [x], y)
        case(f"gated_{kind}", f"%y = llm.gated {kind} %a0, %a1 : tensor<?x8xf32>", [x, up], y * up)
    case("scale", "%y = llm.scale %a0 {factor = -0.3 : f32} : tensor<?x8xf32>", [x], x * -0.3)
    case("softcap", "%y = llm.softcap %a0 {cap = 5.0 : f32} : tensor<?x8xf32>", [x], 5 * torch.tanh(x / 5))
    b = torch.randn(8)
    case("bias", "%y = llm.bias %a0, %a1 : tensor<?x8xf32>, tensor<8xf32>", [x, b], x + b, weights=[1])
    for op, y in [("addf", x + up), ("subf", x - up), ("mulf", x * up)]:
        case(op, f"%y = arith.{op} %a0, %a1 : tensor<?x8xf32>", [x, up], y)


def norms():
    x, g, b = torch.randn(3, 12) * 4, torch.randn(12), torch.randn(12)
    llama = LlamaRMSNorm(12, 1e-5)
    llama.weight.data = g
    case("rms_norm", "%y = llm.rms_norm %a0, %a1 {epsilon = 1.0e-5 : f32} : tensor<?x12xf32>, tensor<12xf32>", [x, g],
         llama(x).detach(), weights=[1])
    gemma = GemmaRMSNorm(12, 1e-6)
    gemma.weight.data = g
    case("rms_norm_offset", "%y = llm.rms_norm %a0, %a1 {epsilon = 1.0e-6 : f32, scale_offset = 1.0 : f32} : tensor<?x12xf32>, "
         "tensor<12xf32>", [x, g], gemma(x).detach(), weights=[1])
    head = LlamaRMSNorm(4, 1e-5)
    head.weight.data = g[:4]
    case("rms_norm_heads", "%y = llm.rms_norm %a0, %a1 {epsilon = 1.0e-5 : f32} : tensor<?x12xf32>, tensor<4xf32>", [x, g[:4]],
         head(x.reshape(3, 3, 4)).reshape(3, 12).detach(), weights=[1])
    case("layer_norm", "%y = llm.layer_norm %a0, %a1 bias %a2 {epsilon = 1.0e-5 : f32} : tensor<?x12xf32>, tensor<12xf32>, "
         "tensor<12xf32>", [x, g, b], F.layer_norm(x, [12], g, b, 1e-5), weights=[1, 2])
    case("layer_norm_no_bias", "%y = llm.layer_norm %a0, %a1 {epsilon = 1.0e-5 : f32} : tensor<?x12xf32>, tensor<12xf32>", [x, g],
         F.layer_norm(x, [12], g, None, 1e-5), weights=[1])


def projections():
    x, w, b = torch.randn(4, 7), torch.randn(5, 7), torch.randn(5)
    case("linear", "%y = llm.linear %a0, %a1 : (tensor<?x7xf32>, tensor<5x7xf32>) -> tensor<?x5xf32>", [x, w], F.linear(x, w), weights=[1])
    case("linear_bias", "%y = llm.linear %a0, %a1 bias %a2 : (tensor<?x7xf32>, tensor<5x7xf32>, tensor<5xf32>) -> tensor<?x5xf32>",
         [x, w, b], F.linear(x, w, b), weights=[1, 2])
    case("lm_head", "%y = llm.lm_head %a0, %a1, %batch bias %a2 : (tensor<?x7xf32>, tensor<5x7xf32>, !llm.batch, tensor<5xf32>) -> "
         "tensor<?x5xf32>", [x, w, b], F.linear(x, w, b), weights=[1, 2])
    half = w.to(torch.bfloat16)
    case("bf16_argument_is_rounded", "%y = llm.linear %a0, %a1 : (tensor<?x7xf32>, tensor<5x7xbf16>) -> tensor<?x5xf32>", [x, w],
         F.linear(x, half.float()), weights=[1])
    cases[-1]["program"] = cases[-1]["program"].replace("%a1: tensor<5x7xf32>", "%a1: tensor<5x7xbf16>")


def rope_text(frequencies):
    return f"#llm.rope<frequencies = [{', '.join(repr(float(f)) for f in frequencies)}], magnitude = 1.25>"


def positions():
    table = torch.randn(9, 6)
    case("embedding", "%y = llm.embedding %tokens, %a0 : (tensor<?xi32>, tensor<9x6xf32>) -> tensor<?x6xf32>", [table],
         F.embedding(torch.tensor([0, 1, 2, 0, 1]), table), weights=[0], chains=[3, 2])
    case("learned_positions", "%p = llm.positions %batch : tensor<?xi32>\n"
         "%y = llm.embedding %p, %a0 {offset = 2 : i64} : (tensor<?xi32>, tensor<9x6xf32>) -> tensor<?x6xf32>", [table],
         table[torch.tensor([2, 3, 4, 2, 3])], weights=[0], chains=[3, 2])
    head_dim, heads, length = 8, 3, 5
    x = torch.randn(length, heads * head_dim)
    split = x.reshape(length, heads, head_dim).transpose(0, 1)[None]
    steps = torch.arange(length, dtype=torch.float32)
    for dims in (8, 4):
        frequencies = 1.0 / (100.0 ** (torch.arange(0, dims, 2).float() / dims))
        angles = torch.outer(steps, frequencies)
        cosine, sine = angles.cos() * 1.25, angles.sin() * 1.25
        table_text = f"%t = llm.rope_table %batch {{rope = {rope_text(frequencies)}}} : tensor<?x{dims}xf32>\n"
        case(f"rope_table_{dims}", table_text.replace("%t", "%y"), [], torch.cat([cosine, sine], 1))
        turned, passed = split[..., :dims], split[..., dims:]
        two = lambda t: torch.cat([t, t], -1)[None]
        half, _ = apply_rotary_pos_emb(turned, turned, two(cosine), two(sine))
        pairs = rotate_interleaved(turned.transpose(1, 2), sine[None], cosine[None]).transpose(1, 2)
        for style, result in (("half", half), ("interleaved", pairs)):
            result = torch.cat([result, passed], -1)[0].transpose(0, 1).reshape(length, -1)
            case(f"rope_{style}_{dims}", table_text + f"%y = llm.rope %a0, %t {{head_dim = 8, style = #llm.rope_style<{style}>}} : "
                 f"tensor<?x24xf32>, tensor<?x{dims}xf32>", [x], result)
    long = "#llm.rope<frequencies = [1.0, 0.5], magnitude = 1.0, long_frequencies = [0.25, 0.125], long_magnitude = 2.0, long_from = 4>"
    for length, frequencies, magnitude in ((4, [1.0, 0.5], 1.0), (5, [0.25, 0.125], 2.0)):
        angles = torch.outer(torch.arange(length).float(), torch.tensor(frequencies))
        case(f"rope_table_long_{length}", f"%y = llm.rope_table %batch {{rope = {long}}} : tensor<?x4xf32>", [],
             torch.cat([angles.cos(), angles.sin()], 1) * magnitude)


def attend(q, k, v, heads, kv_heads, scale, mask, softcap=None):
    split = lambda t, n: t.reshape(len(t), n, -1).transpose(0, 1)
    q, k, v = split(q, heads), split(k, kv_heads), split(v, kv_heads)
    k, v = (t.repeat_interleave(heads // kv_heads, 0) for t in (k, v))
    if softcap is None:
        out = F.scaled_dot_product_attention(q[None], k[None], v[None], attn_mask=mask, scale=scale)[0]
    else:
        scores = softcap * torch.tanh(q @ k.transpose(1, 2) * scale / softcap)
        out = scores.masked_fill(~mask, -math.inf).softmax(-1) @ v
    return out.transpose(0, 1).reshape(len(mask), -1)


def attention():
    def one(name, lengths, heads, kv_heads, head_dim, causal=True, window=None, softcap=None, cache=False, kind="chains"):
        total = sum(lengths)
        q, k, v = (torch.randn(total, n * head_dim) for n in (heads, kv_heads, kv_heads))
        owner = torch.tensor([s for s, n in enumerate(lengths) for _ in range(n)])
        position = torch.tensor([p for n in lengths for p in range(n)])
        mask = owner[:, None] == owner[None]
        if causal:
            mask &= position[:, None] >= position[None]
        if window:
            mask &= position[:, None] - position[None] < window
        attributes = [f"heads = {heads}", f"kv_heads = {kv_heads}", "scale = 0.4 : f32"]
        attributes += [] if causal else ["mask = #llm.mask<bidirectional>"]
        attributes += [f"window = {window}"] if window else []
        attributes += [f"softcap = {softcap} : f32"] if softcap else []
        types = [tensor_type(t) for t in (q, k, v)] + ["!llm.batch"]
        body = f"%y = llm.attention %a0, %a1, %a2, %batch {{{', '.join(attributes)}}} : ({', '.join(types)}) -> {types[0]}"
        if cache:
            cache_type = f"!llm.kv_cache<layers = 1, heads = {kv_heads}, head_dim = {head_dim}, f32>"
            body = (f"%y, %c = llm.attention %a0, %a1, %a2, %batch cache %cache {{{', '.join(attributes)}}} : "
                    f"({', '.join(types + [cache_type])}) -> ({types[0]}, {cache_type})")
        case(name, body, [q, k, v], attend(q, k, v, heads, kv_heads, 0.4, mask, softcap), **{kind: lengths})
        if cache:
            cases[-1]["program"] = cases[-1]["program"].replace("%batch: !llm.batch", f"%batch: !llm.batch, %cache: {cache_type}", 1)

    one("attention_causal", [5], 2, 2, 4)
    one("attention_cache_gqa_ragged", [4, 1, 3], 4, 2, 5, cache=True)
    one("attention_mqa_window", [7, 4], 5, 1, 3, window=3, cache=True)
    one("attention_softcap", [4, 3], 2, 1, 4, softcap=1.5, cache=True)
    one("attention_bidirectional", [3, 5], 3, 3, 4, causal=False, kind="encoder")


def pools():
    x = torch.randn(7, 4)
    parts = x.split([4, 1, 2])
    for kind, pooled in (("mean", [p.mean(0) for p in parts]), ("first", [p[0] for p in parts]), ("last", [p[-1] for p in parts])):
        case(f"pool_{kind}", f"%y = llm.pool {kind} %a0, %batch : tensor<?x4xf32>", [x], torch.stack(pooled), encoder=[4, 1, 2])
        case(f"pool_{kind}_normalized", f"%y = llm.pool {kind} %a0, %batch {{normalize}} : tensor<?x4xf32>", [x],
             F.normalize(torch.stack(pooled)), encoder=[4, 1, 2])


elementwise()
norms()
projections()
positions()
attention()
pools()
lines = ",\n".join(json.dumps(entry) for entry in cases)
(pathlib.Path(__file__).parent / "goldens.json").write_text(f"[\n{lines}\n]\n")
