"""Draft heads in plain PyTorch. Parameter names are those of the released formats, so that a state dict is the file.

Shapes: B texts of L tokens, hidden size D, draft vocabulary V. `hidden` [B, L, D] are the model's last hidden states after its
final norm; row t has seen tokens 0 .. t, and the model's own logits of row t choose token t + 1.
"""
import torch
import torch.nn.functional as F
from torch import nn

from model import Layer, rotate


def rope_tables(length, head_dim, theta):
    angles = torch.outer(torch.arange(length).float(), theta ** -(torch.arange(0, head_dim, 2) / head_dim))
    return angles.cos(), angles.sin()


class MedusaBlock(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(size, size)])
        nn.init.zeros_(self.layers[0].weight)
        nn.init.zeros_(self.layers[0].bias)

    def forward(self, x):
        for layer in self.layers:
            x = x + F.silu(layer(x))
        return x


class Medusa(nn.Module):
    """Medusa's heads in the layout of vLLM, one projection to the draft vocabulary for all. Head k guesses token t + 2 + k."""

    def __init__(self, heads, lm_head):
        super().__init__()
        self.blocks = nn.ModuleList(MedusaBlock(lm_head.shape[1]) for _ in range(heads))
        self.lm_heads = nn.ModuleList([nn.Linear(lm_head.shape[1], lm_head.shape[0], bias=False)])
        self.lm_heads[0].weight.data.copy_(lm_head)

    def forward(self, hidden):
        return [self.lm_heads[0](block(hidden)) for block in self.blocks]


class HydraBlock(nn.Module):
    def __init__(self, inputs, size):
        super().__init__()
        self.linear = nn.Linear(inputs, size)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)
        if inputs != size:
            self.res_connection = nn.Linear(inputs, size)
            nn.init.zeros_(self.res_connection.bias)
            nn.init.zeros_(self.res_connection.weight)
            self.res_connection.weight.data[:, :size] = torch.eye(size)

    def forward(self, z):
        residual = self.res_connection(z) if hasattr(self, "res_connection") else z
        return residual + F.silu(self.linear(z))


class PrefixLayer(nn.Module):
    """A decoder layer over the model's hidden states."""

    def __init__(self, shape):
        super().__init__()
        self.layers = nn.ModuleList([Layer(shape)])
        self.norm = nn.RMSNorm(shape.hidden_size, shape.norm_eps)
        self.theta, self.head_dim = shape.rope_theta, shape.head_dim

    def forward(self, hidden):
        return self.norm(self.layers[0](hidden, *rope_tables(hidden.shape[1], self.head_dim, self.theta)))


class Hydra(nn.Module):
    """Hydra's heads, with `prefix_shape` Hydra++'s. Head i guesses token t + 2 + i from row t and tokens t + 1 .. t + 1 + i. One
    projection to the draft vocabulary for all. Layers beyond the first are one block, applied again and again."""

    def __init__(self, heads, layers, lm_head, prefix_shape=None):
        super().__init__()
        size = lm_head.shape[1]
        tail = [[HydraBlock(size, size)] * (layers - 1) if layers > 1 else [] for _ in range(heads)]
        stacks = [[HydraBlock((i + 2) * size, size), *tail[i]] for i in range(heads)]
        # The dropouts of the released prefix heads, which take the even places.
        spread = (lambda blocks: [m for b in blocks for m in (nn.Identity(), b)]) if prefix_shape else (lambda blocks: blocks)
        self.hydra_mlp = nn.ModuleList(nn.Sequential(*spread(stack)) for stack in stacks)
        projection = nn.Linear(size, lm_head.shape[0])
        projection.weight.data.copy_(lm_head)
        nn.init.zeros_(projection.bias)
        self.hydra_lm_head = nn.ModuleList([nn.Sequential(nn.Identity(), projection) if prefix_shape else projection])
        if prefix_shape:
            self.prefix_embeding_layer = PrefixLayer(prefix_shape)

    def features(self, hidden):
        return self.prefix_embeding_layer(hidden) if hasattr(self, "prefix_embeding_layer") else hidden

    def head(self, i, features, path):
        """features [..., D] and the embeddings of a path of i + 1 tokens [..., (i + 1) * D] to logits."""
        return self.hydra_lm_head[0](self.hydra_mlp[i](torch.cat([features, path], -1)))


class EagleAttention(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.heads, self.kv_heads, self.head_dim = shape.heads, shape.kv_heads, shape.head_dim
        self.q_proj = nn.Linear(2 * shape.hidden_size, shape.heads * shape.head_dim, bias=False)
        self.k_proj = nn.Linear(2 * shape.hidden_size, shape.kv_heads * shape.head_dim, bias=False)
        self.v_proj = nn.Linear(2 * shape.hidden_size, shape.kv_heads * shape.head_dim, bias=False)
        self.o_proj = nn.Linear(shape.heads * shape.head_dim, shape.hidden_size, bias=False)

    def forward(self, x, cos, sin, earlier):
        """`earlier`: keys and values of the passes before, to which this one's are added. Row t of pass s sees rows 0 .. t - s of the
        first pass, and of pass j > 0 row t - s + j alone: the guesses on its own path."""
        batch, length, _ = x.shape
        split = lambda y, n: y.view(batch, length, n, self.head_dim).transpose(1, 2)
        q = rotate(split(self.q_proj(x), self.heads), cos, sin)
        group = self.heads // self.kv_heads
        k = rotate(split(self.k_proj(x), self.kv_heads), cos, sin).repeat_interleave(group, 1)
        v = split(self.v_proj(x), self.kv_heads).repeat_interleave(group, 1)
        earlier.append((k, v))
        depth, scale = len(earlier) - 1, self.head_dim**-0.5
        first = (q @ earlier[0][0].transpose(-1, -2)) * scale
        visible = torch.ones(length, length, dtype=torch.bool).tril(-depth)
        scores = [first.masked_fill(~visible, float("-inf"))]
        shifted = [tuple(torch.roll(y, depth - j, 2) for y in earlier[j]) for j in range(1, depth + 1)]
        scores += [(q * k_j).sum(-1, keepdim=True) * scale for k_j, _ in shifted]
        weights = torch.cat(scores, -1).softmax(-1)
        y = weights[..., :length] @ earlier[0][1]
        for j, (_, v_j) in enumerate(shifted):
            y = y + weights[..., length + j, None] * v_j
        return self.o_proj(y.transpose(1, 2).reshape(batch, length, -1))


class EagleLayer(nn.Module):
    def __init__(self, shape):
        super().__init__()
        from model import MLP

        self.input_layernorm = nn.RMSNorm(shape.hidden_size, shape.norm_eps)
        self.hidden_norm = nn.RMSNorm(shape.hidden_size, shape.norm_eps)
        self.self_attn = EagleAttention(shape)
        self.post_attention_layernorm = nn.RMSNorm(shape.hidden_size, shape.norm_eps)
        self.mlp = MLP(shape)

    def forward(self, hidden, embedded, cos, sin, earlier):
        x = torch.cat([self.input_layernorm(embedded), self.hidden_norm(hidden)], -1)
        hidden = hidden + self.self_attn(x, cos, sin, earlier)
        return hidden + self.mlp(self.post_attention_layernorm(hidden))


class Eagle3(nn.Module):
    """EAGLE-3: a decoder layer that goes on from the inputs of three of the model's layers, and from its own output after that."""

    def __init__(self, shape, lm_head):
        super().__init__()
        self.shape = shape
        self.fc = nn.Linear(3 * shape.hidden_size, shape.hidden_size, bias=False)
        self.midlayer = EagleLayer(shape)
        self.norm = nn.RMSNorm(shape.hidden_size, shape.norm_eps)
        self.lm_head = nn.Linear(shape.hidden_size, lm_head.shape[0], bias=False)
        self.lm_head.weight.data.copy_(lm_head)

    def forward(self, taps, embedded, passes):
        """taps [B, L, 3D] and embedded [B, L, D], row t that of token t + 1; logits of each pass s, in row t for token t + 2."""
        cos, sin = rope_tables(taps.shape[1], self.shape.head_dim, self.shape.rope_theta)
        hidden, earlier, logits = self.fc(taps), [], []
        for _ in range(passes):
            hidden = self.midlayer(hidden, embedded, cos, sin, earlier)
            logits.append(self.lm_head(self.norm(hidden)))
            hidden = torch.roll(hidden, 1, 1)
        return logits
