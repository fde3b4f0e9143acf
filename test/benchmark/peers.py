#!/usr/bin/env python3
"""Speed of `yoke` beside other programs on the same checkpoints, in one interleaved run; writes a table and a plot.

    pip install torch transformers safetensors llama-cpp-python gguf ctranslate2 onnxruntime-genai onnx onnx-ir
    peers.py NAME=CHECKPOINT... [--peers yoke llama.cpp ctranslate2 ort-genai torch] [--types bf16 q8 q4] [--threads 1 2]
             [--runs 5] [--prefill 512] [--decode 64] [--batch 8] [--work build/benchmark] [--table FILE.md] [--plot FILE.svg]

Each measurement is a process of its own, all programs in turn, `--runs` times. It takes in `--prefill` tokens at once (pp), decodes `--decode`
tokens after a prompt of one (tg), and does the same for `--batch` sequences at once (tgB). None tokenises; random weights decide what is
sampled greedily, nothing else. Models are converted once, into `--work`. `first` is the time from the start of the process to the first token
after 84 tokens for yoke, and from the start of loading for the others, whose Python takes its time first. `peak` is the largest resident size,
mapped files included. Programs that lack a model or a type, or are not installed, are left out, which the table says.
"""
import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TYPES = {"yoke": ["f32", "bf16", "q8", "q4"], "llama.cpp": ["f32", "bf16", "q8", "q4"], "ctranslate2": ["f32", "q8"], "ort-genai": ["f32", "q4"],
         "torch": ["f32", "bf16"]}
MODULES = {"llama.cpp": "llama_cpp", "ctranslate2": "ctranslate2", "ort-genai": "onnxruntime_genai", "torch": "torch"}
COLORS = {"yoke": "#72b7b2", "llama.cpp": "#888888", "ctranslate2": "#f58518", "ort-genai": "#54a24b", "torch": "#e45756"}
FIRST_PROMPT = 84


def token(i):
    return 10 + i % 100


# ---------------------------------------------------------------------------------------------------------------------
# Models of each program
# ---------------------------------------------------------------------------------------------------------------------

def convert(peer, yoke, checkpoint, kind, path):
    """Makes what `peer` reads from a checkpoint folder, unless `path` is there."""
    if os.path.exists(path):
        return
    if peer == "yoke":
        extra = ["--activations", "bf16"] if kind == "bf16" else []
        subprocess.run([yoke, "compile", checkpoint, "-o", path, "--weights", kind, "-q", *extra], check=True)
    elif peer == "llama.cpp":
        from llama_cpp_peer import write_gguf
        if kind in ("f32", "bf16"):
            write_gguf(checkpoint, path, kind)
            return
        import llama_cpp as L
        source = path.replace(f"-{kind}.gguf", "-f32.gguf")
        convert(peer, yoke, checkpoint, "f32", source)
        options = L.llama_model_quantize_default_params()
        options.ftype = {"q8": L.LLAMA_FTYPE_MOSTLY_Q8_0, "q4": L.LLAMA_FTYPE_MOSTLY_Q4_0}[kind]
        options.pure = True
        assert L.llama_model_quantize(source.encode(), path.encode(), options) == 0
    elif peer == "ctranslate2":
        import ctranslate2
        ctranslate2.converters.TransformersConverter(checkpoint).convert(path, quantization={"f32": "float32", "q8": "int8"}[kind])
    elif peer == "ort-genai":
        command = [sys.executable, "-m", "onnxruntime_genai.models.builder", "-i", checkpoint, "-o", path, "-e", "cpu", "-c", path + "-cache",
                   "-p", {"f32": "fp32", "q4": "int4"}[kind]]
        if kind == "q4":
            command += ["--extra_options", "int4_block_size=32", "int4_accuracy_level=4"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def model_path(work, name, peer, kind):
    ending = {"yoke": f"-{kind}.yoke", "llama.cpp": f"-{kind}.gguf", "ctranslate2": f"-{kind}-ct2", "ort-genai": f"-{kind}-ort"}.get(peer)
    return os.path.join(work, name + ending) if ending else None


# ---------------------------------------------------------------------------------------------------------------------
# One process: each opens a model and gives a function that feeds the next tokens to `rows` sequences, emptied when told
# ---------------------------------------------------------------------------------------------------------------------

def open_llama_cpp(path, case):
    import ctypes

    import llama_cpp as L
    L.llama_backend_init()
    silent = L.llama_log_callback(lambda *_: None)
    L.llama_log_set(silent, ctypes.c_void_p(0))
    model = L.llama_model_load_from_file(path.encode(), L.llama_model_default_params())
    assert model
    options = L.llama_context_default_params()
    rows = case["batch"]
    options.n_ctx = max(case["prefill"], rows * (case["decode"] + 32), 256) + 32
    options.n_batch, options.n_ubatch, options.n_seq_max, options.kv_unified = options.n_ctx, 512, rows, True
    options.n_threads = options.n_threads_batch = case["threads"]
    context = L.llama_init_from_model(model, options)
    assert context
    batch = L.llama_batch_init(options.n_batch, 0, 1)
    position = 0

    def feed(count, rows, restart):
        nonlocal position
        if restart:
            L.llama_memory_clear(L.llama_get_memory(context), True)
            position = 0
        n = 0
        for row in range(rows):
            for i in range(count):
                batch.token[n], batch.pos[n], batch.n_seq_id[n], batch.seq_id[n][0] = token(position + i), position + i, 1, row
                batch.logits[n] = i == count - 1
                n += 1
        batch.n_tokens = n
        assert L.llama_decode(context, batch) == 0
        L.llama_synchronize(context)
        position += count

    feed.log_callback = silent  # the library keeps the pointer alone
    return feed


def open_torch(path, case):
    import torch
    import transformers
    torch.set_num_threads(case["threads"])
    kind = {"f32": torch.float32, "bf16": torch.bfloat16}[case["type"]]
    model = transformers.AutoModelForCausalLM.from_pretrained(case["checkpoint"], dtype=kind).eval()
    cache, position = None, 0

    def feed(count, rows, restart):
        nonlocal cache, position
        if restart:
            cache, position = None, 0
        ids = torch.tensor([[token(position + i) for i in range(count)]] * rows)
        with torch.inference_mode():
            out = model(ids, past_key_values=cache, use_cache=True, logits_to_keep=1)
        cache, position = out.past_key_values, position + count

    return feed


def open_ort(path, case):
    import onnxruntime_genai as og
    os.environ["OMP_NUM_THREADS"] = str(case["threads"])
    config = og.Config(path)
    config.overlay(json.dumps({"model": {"decoder": {"session_options": {"intra_op_num_threads": case["threads"]}}}}))
    model = og.Model(config)
    generator, position = None, 0

    def feed(count, rows, restart):
        nonlocal generator, position
        if restart:
            params = og.GeneratorParams(model)
            params.set_search_options(max_length=case["prefill"] + case["decode"] + 64, batch_size=rows, do_sample=False, min_length=1000000)
            generator, position = og.Generator(model, params), 0
        if restart or count > 1:
            import numpy
            generator.append_tokens(numpy.array([[token(position + i) for i in range(count)]] * rows, dtype=numpy.int32))
        generator.generate_next_token()
        position += count

    return feed


def measure_ctranslate2(path, case):
    """Has no call for a step: times of whole generations, less that of one token."""
    import ctranslate2
    start = time.perf_counter()
    generator = ctranslate2.Generator(path, device="cpu", intra_threads=case["threads"], inter_threads=1, compute_type={"f32": "float32", "q8": "int8"}[case["type"]])
    vocabulary = None

    def run(prompt, new, rows):
        begin = time.perf_counter()
        generator.generate_batch([vocabulary[:prompt]] * rows, max_length=new, min_length=new, sampling_topk=1, include_prompt_in_result=False, end_token=[])
        return time.perf_counter() - begin

    names = json.load(open(os.path.join(case["checkpoint"], "tokenizer.json")))["model"]["vocab"]
    ordered = sorted(names, key=names.get)
    vocabulary = [ordered[token(i)] for i in range(max(case["prefill"], FIRST_PROMPT))]
    run(FIRST_PROMPT, 1, 1)
    result = {"first": time.perf_counter() - start}
    run(8, 4, 1)
    result["pp"] = case["prefill"] / run(case["prefill"], 1, 1)
    for key, rows in (("tg", 1), ("tgB", case["batch"])):
        one = run(1, 1, rows)
        result[key] = rows * (case["decode"] - 1) / (run(1, case["decode"], rows) - one)
    return result


def measure_peer(case):
    if case["peer"] == "ctranslate2":
        return measure_ctranslate2(case["path"], case)
    start = time.perf_counter()
    feed = {"llama.cpp": open_llama_cpp, "torch": open_torch, "ort-genai": open_ort}[case["peer"]](case["path"], case)
    feed(FIRST_PROMPT, 1, True)
    result = {"first": time.perf_counter() - start}
    feed(1, 1, False)
    begin = time.perf_counter()
    feed(case["prefill"], 1, True)
    result["pp"] = case["prefill"] / (time.perf_counter() - begin)
    for key, rows in (("tg", 1), ("tgB", case["batch"])):
        feed(1, rows, True)
        begin = time.perf_counter()
        for _ in range(case["decode"]):
            feed(1, rows, False)
        result[key] = rows * case["decode"] / (time.perf_counter() - begin)
    return result


def run_process(command):
    """Standard output, seconds, and the largest resident size in bytes."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    out = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return (out if process.returncode == 0 else None), time.perf_counter() - start, usage.ru_maxrss * 1024


def measure_yoke(yoke, case):
    def bench(*arguments):
        command = [yoke, "bench", case["path"], "-t", str(case["threads"]), "-r", "1", "-q", "--no-roof", "-o", "json", *arguments]
        out, _, peak = run_process(command)
        return json.loads(out), peak

    rows, peak = bench("-p", str(case["prefill"]), "-n", str(case["decode"]))
    result = {("tg" if row["n_gen"] else "pp"): row["avg_ts"] for row in rows}
    result["tgB"] = bench("-p", "0", "-n", str(case["decode"]), "-b", str(case["batch"]))[0][0]["avg_ts"]
    ids = ",".join(str(token(i)) for i in range(FIRST_PROMPT))
    command = [yoke, "run", case["path"], "--token-ids", ids, "-n", "1", "--temperature", "0", "--ignore-eos", "-t", str(case["threads"]), "--json"]
    result["first"] = run_process(command)[1]
    result["peak"] = peak
    return result


def measure(arguments, case):
    try:
        if case["peer"] == "yoke":
            return measure_yoke(arguments.yoke, case)
        out, _, peak = run_process([sys.executable, os.path.abspath(__file__), "--one", json.dumps(case)])
        return {**json.loads(out.splitlines()[-1]), "peak": peak} if out else None
    except (ValueError, IndexError, TypeError):
        return None


# ---------------------------------------------------------------------------------------------------------------------
# Report
# ---------------------------------------------------------------------------------------------------------------------

def median(runs, key):
    return statistics.median(run[key] for run in runs)


def ratio(ours, theirs, key):
    return statistics.median(a[key] / b[key] for a, b in zip(ours, theirs))


def write_table(file, arguments, results):
    print(f"| model | weights | threads | program | pp{arguments.prefill} t/s | tg{arguments.decode} t/s | tg{arguments.decode} of {arguments.batch} t/s | first token s | "
          "peak MB | yoke is faster: pp | tg | batch |", file=file)
    print("|---|---|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|", file=file)
    for (name, kind, threads, peer), runs in results.items():
        if not runs:
            print(f"| {name} | {kind} | {threads} | {peer} | no result | | | | | | | |", file=file)
            continue
        ours = results.get((name, kind, threads, "yoke"))
        factors = [f"{ratio(ours, runs, key):.2f}x" if ours and peer != "yoke" else "" for key in ("pp", "tg", "tgB")]
        print(f"| {name} | {kind} | {threads} | {peer} | {median(runs, 'pp'):.0f} | {median(runs, 'tg'):.1f} | {median(runs, 'tgB'):.0f} | "
              f"{median(runs, 'first'):.2f} | {median(runs, 'peak') / 1e6:.0f} | {' | '.join(factors)} |", file=file)


def write_plot(path, arguments, results):
    """A row of bars for each model, number of threads and test; the best of each type is as high as its panel."""
    panels = [(name, threads, key) for key in ("pp", "tg", "tgB") for name in dict.fromkeys(r[0] for r in results) for threads in dict.fromkeys(r[2] for r in results)]
    titles = {"pp": f"prompt of {arguments.prefill}", "tg": "generation", "tgB": f"generation, {arguments.batch} sequences"}
    width, height, parts = 760, 40 + 130 * len(panels), []
    x = 60
    for peer in arguments.peers:
        parts.append(f'<rect x="{x}" y="12" width="10" height="10" fill="{COLORS[peer]}"/><text x="{x + 14}" y="21">{peer}</text>')
        x += 40 + 7 * len(peer)
    for row, (name, threads, key) in enumerate(panels):
        base, x = 40 + 130 * row + 100, 60
        parts.append(f'<text x="60" y="{base - 88}" font-weight="bold">{name}, {threads} thread{"s" if threads > 1 else ""}, {titles[key]} (tokens/s)</text>')
        parts.append(f'<line x1="60" y1="{base}" x2="740" y2="{base}" stroke="#888888"/>')
        for kind in arguments.types:
            bars = [(peer, median(runs, key)) for peer in arguments.peers if (runs := results.get((name, kind, threads, peer)))]
            if not bars:
                continue
            top = max(value for _, value in bars)
            for i, (peer, value) in enumerate(bars):
                size = 70 * value / top
                parts.append(f'<rect x="{x + 30 * i}" y="{base - size:.1f}" width="26" height="{size:.1f}" fill="{COLORS[peer]}"><title>{peer} {kind}: {value:.1f}</title></rect>')
                parts.append(f'<text x="{x + 30 * i + 13}" y="{base - size - 3:.1f}" text-anchor="middle" font-size="9">{value:.0f}</text>')
            parts.append(f'<text x="{x + 15 * len(bars)}" y="{base + 14}" text-anchor="middle">{kind}</text>')
            x += 30 * len(bars) + 24
    with open(path, "w") as file:
        file.write(f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="11">\n'
                   '<rect width="100%" height="100%" fill="white"/>\n' + "\n".join(parts) + "\n</svg>\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", metavar="NAME=CHECKPOINT")
    parser.add_argument("--yoke", default="build/release/bin/yoke")
    parser.add_argument("--peers", nargs="+", choices=list(TYPES), default=list(TYPES))
    parser.add_argument("--types", nargs="+", choices=TYPES["yoke"], default=["bf16", "q8", "q4"])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--prefill", type=int, default=512)
    parser.add_argument("--decode", type=int, default=64)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--work", default="build/benchmark")
    parser.add_argument("--table", help="write the table here as well")
    parser.add_argument("--plot", help="write a plot here")
    parser.add_argument("--log", help="keep measurements here, and take up a run that ended early")
    parser.add_argument("--prepare", action="store_true", help="convert the models and stop")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measure_peer(json.loads(arguments.one))))
        return
    os.makedirs(arguments.work, exist_ok=True)
    cases = []
    for model in arguments.models:
        name, checkpoint = model.split("=", 1)
        for kind in arguments.types:
            for peer in arguments.peers:
                if kind not in TYPES[peer] or (peer in MODULES and not importlib.util.find_spec(MODULES[peer])):
                    continue
                path = model_path(arguments.work, name, peer, kind)
                try:
                    if path:
                        convert(peer, arguments.yoke, checkpoint, kind, path)
                except Exception as problem:  # whatever a program's converter raises
                    print(f"{name} {kind} {peer}: not converted: {problem}", file=sys.stderr)
                    continue
                cases += [{"name": name, "checkpoint": checkpoint, "type": kind, "threads": threads, "peer": peer, "path": path, "prefill": arguments.prefill,
                           "decode": arguments.decode, "batch": arguments.batch} for threads in arguments.threads]
    if arguments.prepare:
        return
    cases.sort(key=lambda c: (c["name"], arguments.types.index(c["type"]), c["threads"]))
    attempts = {(c["name"], c["type"], c["threads"], c["peer"]): [] for c in cases}
    if arguments.log and os.path.exists(arguments.log):
        for line in open(arguments.log):
            key, measured = json.loads(line)
            attempts.setdefault(tuple(key), []).append(measured)
    for run in range(arguments.runs):
        for case in cases:
            key = (case["name"], case["type"], case["threads"], case["peer"])
            if len(attempts[key]) > run:
                continue
            attempts[key].append(measure(arguments, case))
            line = json.dumps([key, attempts[key][-1]])
            print(line, file=sys.stderr, flush=True)
            if arguments.log:
                with open(arguments.log, "a") as file:
                    print(line, file=file)
    results = {key: [measured for measured in all if measured] for key, all in attempts.items()}
    write_table(sys.stdout, arguments, results)
    if arguments.table:
        with open(arguments.table, "w") as file:
            write_table(file, arguments, results)
    if arguments.plot:
        write_plot(arguments.plot, arguments, results)


if __name__ == "__main__":
    main()
