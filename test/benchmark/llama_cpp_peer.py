#!/usr/bin/env python3
"""Decode and prefill speed of `yoke` beside llama.cpp on one Llama-shaped checkpoint, in one interleaved run.

    pip install llama-cpp-python gguf numpy safetensors
    llama_cpp_peer.py CHECKPOINT [--yoke build/release/bin/yoke] [--threads 1 2] [--runs 5] [--type bf16]

Each measurement is a process of its own, the two programs in turn; medians and the median of the pairwise ratios are printed. Both decode
`--decode` tokens from an empty context, one at a time, and take in `--prefill` tokens at once; neither tokenises or samples. The GGUF
file that llama.cpp reads is written next to the package in `--work`.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time


def write_gguf(folder, path, kind):
    """The checkpoint as GGUF: query and key rows in the order of llama.cpp's rotary embedding, matrices in `kind`, vectors in float32."""
    import gguf
    import torch
    from safetensors.torch import load_file

    config = json.load(open(os.path.join(folder, "config.json")))
    tokenizer = json.load(open(os.path.join(folder, "tokenizer.json")))["model"]
    tensors = load_file(os.path.join(folder, "model.safetensors"))
    heads = config["num_attention_heads"]
    kv_heads = config.get("num_key_value_heads", heads)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    rope = config.get("rope_parameters") or {}
    writer.add_rope_freq_base(rope.get("rope_theta", config.get("rope_theta", 10000.0)))
    writer.add_vocab_size(config["vocab_size"])
    vocabulary = sorted(tokenizer["vocab"], key=tokenizer["vocab"].get)
    vocabulary += [f"<unused{i}>" for i in range(len(vocabulary), config["vocab_size"])]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(vocabulary)
    writer.add_token_types([gguf.TokenType.NORMAL] * len(vocabulary))
    writer.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in tokenizer["merges"]])

    def permuted(weight, count):
        rows = weight.shape[0] // count
        return weight.view(count, 2, rows // 2, weight.shape[1]).transpose(1, 2).reshape(weight.shape)

    names = {"self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
             "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm",
             "post_attention_layernorm": "ffn_norm"}
    types = {"f32": (torch.float32, gguf.GGMLQuantizationType.F32), "bf16": (torch.bfloat16, gguf.GGMLQuantizationType.BF16),
             "f16": (torch.float16, gguf.GGMLQuantizationType.F16)}
    for name, tensor in tensors.items():
        if name.startswith("model.layers."):
            _, _, layer, rest = name.split(".", 3)
            part = rest.removesuffix(".weight")
            target = f"blk.{layer}.{names[part]}.weight"
            if part == "self_attn.q_proj":
                tensor = permuted(tensor, heads)
            if part == "self_attn.k_proj":
                tensor = permuted(tensor, kv_heads)
        else:
            target = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight", "lm_head.weight": "output.weight"}[name]
        if tensor.dim() == 1:
            writer.add_tensor(target, tensor.float().numpy())
            continue
        dtype, raw = types[kind]
        tensor = tensor.to(dtype).contiguous()
        if kind == "bf16":
            import numpy
            bits = tensor.view(torch.uint8).numpy().reshape(tensor.shape[0], -1).astype(numpy.uint8)
            writer.add_tensor(target, bits, raw_dtype=raw)
        else:
            writer.add_tensor(target, tensor.numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def measure_llama_cpp(path, threads, prefill, decode):
    """One process: prints seconds to prefill and to decode."""
    import ctypes

    import llama_cpp as L
    L.llama_backend_init()
    silent = L.llama_log_callback(lambda *_: None)  # the library keeps the pointer alone
    L.llama_log_set(silent, ctypes.c_void_p(0))
    model = L.llama_model_load_from_file(path.encode(), L.llama_model_default_params())
    options = L.llama_context_default_params()
    options.n_ctx, options.n_batch, options.n_ubatch = max(prefill, decode) + 32, max(prefill, 32), 512
    options.n_threads = options.n_threads_batch = threads
    context = L.llama_init_from_model(model, options)

    def step(tokens):
        array = (L.llama_token * len(tokens))(*tokens)
        assert L.llama_decode(context, L.llama_batch_get_one(array, len(tokens))) == 0
        L.llama_synchronize(context)

    def clear():
        L.llama_memory_clear(L.llama_get_memory(context), True)

    step([5])
    clear()
    start = time.perf_counter()
    for i in range(decode):
        step([10 + i % 100])
    decoded = time.perf_counter() - start
    clear()
    start = time.perf_counter()
    if prefill:
        step([10 + i % 100 for i in range(prefill)])
    print(json.dumps({"tg": decode / decoded, "pp": prefill / (time.perf_counter() - start) if prefill else 0}))


def measure_yoke(yoke, package, threads, prefill, decode):
    command = [yoke, "bench", package, "-p", str(prefill), "-n", str(decode), "-t", str(threads), "-r", "1", "-o", "json"]
    rows = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    result = {"tg": 0, "pp": 0}
    for row in rows:
        result["tg" if row["n_gen"] else "pp"] = row["avg_ts"]
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint")
    parser.add_argument("--yoke", default="build/release/bin/yoke")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--type", choices=["f32", "bf16", "f16"], default="bf16")
    parser.add_argument("--prefill", type=int, default=512)
    parser.add_argument("--decode", type=int, default=128)
    parser.add_argument("--work", default="build/benchmark")
    parser.add_argument("--one", nargs=2, metavar=("GGUF", "THREADS"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        return measure_llama_cpp(arguments.one[0], int(arguments.one[1]), arguments.prefill, arguments.decode)

    os.makedirs(arguments.work, exist_ok=True)
    name = os.path.basename(os.path.normpath(arguments.checkpoint))
    gguf_path = os.path.join(arguments.work, f"{name}-{arguments.type}.gguf")
    package = os.path.join(arguments.work, f"{name}-{arguments.type}.yoke")
    if not os.path.exists(gguf_path):
        write_gguf(arguments.checkpoint, gguf_path, arguments.type)
    subprocess.run([arguments.yoke, "compile", arguments.checkpoint, "-o", package, "--weights", arguments.type], check=True)
    print("| threads | test | yoke t/s | llama.cpp t/s | yoke / llama.cpp |\n|---:|---|---:|---:|---:|")
    for threads in arguments.threads:
        ours, theirs = [], []
        for _ in range(arguments.runs):
            ours.append(measure_yoke(arguments.yoke, package, threads, arguments.prefill, arguments.decode))
            command = [sys.executable, os.path.abspath(__file__), arguments.checkpoint, "--one", gguf_path, str(threads),
                       "--prefill", str(arguments.prefill), "--decode", str(arguments.decode)]
            theirs.append(json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1]))
        for test, label in (("pp", f"pp{arguments.prefill}"), ("tg", f"tg{arguments.decode}")):
            pairs = [a[test] / b[test] for a, b in zip(ours, theirs)]
            print(f"| {threads} | {label} | {statistics.median(a[test] for a in ours):.1f} | "
                  f"{statistics.median(b[test] for b in theirs):.1f} | {statistics.median(pairs):.2f} |", flush=True)


if __name__ == "__main__":
    main()
