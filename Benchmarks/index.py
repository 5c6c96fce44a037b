#!/usr/bin/env python3
"""Times the second question about a video against the first: what an index saves.

Writes a checkpoint of random weights of the published 2B shape (4.4 GB, or less with --layers and --depth), renders a clip
of as many pairs of frames as the visual tokens ask for, and asks three times with a process each: without a cache, with an
empty one, and with what that left. Compares the answers byte by byte. Prints one JSON document; exit status 1 where an
answer differs.

usage: Benchmarks/index.py [--tokens N] [--layers N] [--depth N] [--new-tokens N] [--threads N] [--no-cold] [--keep DIR]
                           [--binary PATH]
Needs ffmpeg with libx264, numpy, and disk for the checkpoint and twice the prefix (57 KB a token).
"""
import argparse
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import numpy

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODEL = ROOT / "Samples" / "model"
# Visual tokens of a pair of 448×252 pictures at the default detail.
PER_PAIR = 112


def shapes(layers, depth):
    """Names and shapes of the published checkpoint (Qwen2-VL-2B-Instruct)."""
    hidden, inner, kv, vocabulary, width = 1536, 8960, 256, 151936, 1280
    yield "model.embed_tokens.weight", (vocabulary, hidden)
    yield "model.norm.weight", (hidden,)
    for layer in range(layers):
        name = f"model.layers.{layer}."
        yield name + "input_layernorm.weight", (hidden,)
        yield name + "post_attention_layernorm.weight", (hidden,)
        for part, rows in (("q", hidden), ("k", kv), ("v", kv)):
            yield name + f"self_attn.{part}_proj.weight", (rows, hidden)
            yield name + f"self_attn.{part}_proj.bias", (rows,)
        yield name + "self_attn.o_proj.weight", (hidden, hidden)
        yield name + "mlp.gate_proj.weight", (inner, hidden)
        yield name + "mlp.up_proj.weight", (inner, hidden)
        yield name + "mlp.down_proj.weight", (hidden, inner)
    yield "visual.patch_embed.proj.weight", (width, 3, 2, 14, 14)
    for block in range(depth):
        name = f"visual.blocks.{block}."
        for norm in ("norm1", "norm2"):
            yield name + norm + ".weight", (width,)
            yield name + norm + ".bias", (width,)
        for part, rows, columns in (("attn.qkv", 3 * width, width), ("attn.proj", width, width),
                                    ("mlp.fc1", 4 * width, width), ("mlp.fc2", width, 4 * width)):
            yield name + part + ".weight", (rows, columns)
            yield name + part + ".bias", (rows,)
    yield "visual.merger.ln_q.weight", (width,)
    yield "visual.merger.ln_q.bias", (width,)
    yield "visual.merger.mlp.0.weight", (4 * width, 4 * width)
    yield "visual.merger.mlp.0.bias", (4 * width,)
    yield "visual.merger.mlp.2.weight", (hidden, 4 * width)
    yield "visual.merger.mlp.2.bias", (hidden,)


def bf16(numbers):
    return (numbers.astype(numpy.float32).view(numpy.uint32) >> 16).astype(numpy.uint16)


def write_checkpoint(folder, layers, depth):
    config = json.loads((MODEL / "config.json").read_text())
    config.pop("reelscribe", None)
    config.update(hidden_size=1536, intermediate_size=8960, num_hidden_layers=layers, num_attention_heads=12,
                  num_key_value_heads=2, vocab_size=151936, tie_word_embeddings=True, max_position_embeddings=32768,
                  sliding_window=32768, max_window_layers=layers, torch_dtype="bfloat16",
                  rope_scaling={"type": "mrope", "mrope_section": [16, 24, 24]})
    config["vision_config"].update(depth=depth, embed_dim=1280, mlp_ratio=4, num_heads=16, hidden_size=1536)
    (folder / "config.json").write_text(json.dumps(config))
    for name in ("tokenizer.json", "tokenizer_config.json", "generation_config.json"):
        shutil.copy(MODEL / name, folder / name)
    preprocessor = json.loads((MODEL / "preprocessor_config.json").read_text())
    preprocessor.update(min_pixels=3136, max_pixels=12845056)
    (folder / "preprocessor_config.json").write_text(json.dumps(preprocessor))
    noise = bf16(numpy.random.default_rng(1).normal(0, 0.02, 1 << 24))
    ones, zeros = bf16(numpy.ones(8192)), bf16(numpy.zeros(8192))
    header, offset, tensors = {}, 0, list(shapes(layers, depth))
    for name, shape in tensors:
        size = 2 * int(numpy.prod(shape))
        header[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(folder / "model.safetensors", "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for index, (name, shape) in enumerate(tensors):
            left, start = int(numpy.prod(shape)), index * 7919
            if "norm" in name or "ln_q" in name:
                file.write((ones if name.endswith("weight") else zeros)[:left].tobytes())
                continue
            while left:
                piece = noise[start % 65536:][:left]
                file.write(piece.tobytes())
                left -= len(piece)
                start += 104729
    return offset


def run(command):
    start = time.monotonic()
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return time.monotonic() - start, json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, default=8192)
    parser.add_argument("--layers", type=int, default=28)
    parser.add_argument("--depth", type=int, default=32)
    parser.add_argument("--new-tokens", type=int, default=16)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--no-cold", action="store_true", help="leave out the run without a cache")
    parser.add_argument("--keep", type=pathlib.Path)
    parser.add_argument("--binary", default=str(ROOT / ".build" / "release" / "reelscribe"))
    options = parser.parse_args()
    work = options.keep or pathlib.Path(tempfile.mkdtemp())
    try:
        model = work / f"random-{options.layers}-{options.depth}"
        if not (model / "model.safetensors").exists():
            model.mkdir(parents=True, exist_ok=True)
            write_checkpoint(model, options.layers, options.depth)
        seconds = -(-options.tokens // PER_PAIR)
        clip = work / f"clip-{seconds}.mp4"
        if not clip.exists():
            subprocess.run(["ffmpeg", "-hide_banner", "-loglevel", "error", "-y", "-f", "lavfi", "-i",
                            f"testsrc2=size=448x252:rate=8:duration={seconds}", "-c:v", "libx264", "-preset", "veryfast",
                            "-pix_fmt", "yuv420p", str(clip)], check=True)
        cache = work / "cache"
        shutil.rmtree(cache, ignore_errors=True)
        command = [options.binary, "ask", str(clip), "What happens in this video?", "--model", str(model),
                   "--max-new-tokens", str(options.new_tokens)]
        if options.threads:
            command += ["--threads", str(options.threads)]
        cached = command + ["--cache-dir", str(cache)]
        lines = [("without", command)] * (not options.no_cold) + [("first", cached), ("second", cached)]
        runs = [(name, *run(line)) for name, line in lines]
        documents = [document for _, _, document in runs]
        timings = [document.pop("timing") for document in documents]
        same = all(document == documents[0] for document in documents)
        print(json.dumps({
            "benchmark": "index", "layers": options.layers, "depth": options.depth,
            "visual_tokens": documents[0]["usage"]["visual_tokens"],
            "generated_tokens": documents[0]["usage"]["generated_tokens"],
            "checkpoint_bytes": (model / "model.safetensors").stat().st_size,
            "index_bytes": sum(file.stat().st_size for file in cache.iterdir()),
            "seconds": {name: round(seconds, 2) for name, seconds, _ in runs},
            "stages": {name: timing for (name, _, _), timing in zip(runs, timings)},
            "first_by_second": round(runs[-2][1] / runs[-1][1], 1), "same_answers": same}, indent=2))
        return 0 if same else 1
    finally:
        if not options.keep:
            shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
