"""A checkpoint of random weights in the shape of Qwen2-VL-2B-Instruct, for measurements that do not ask what a model says.

Needs numpy.
"""
import json
import os
import pathlib
import shutil

import numpy

MODEL = pathlib.Path(__file__).resolve().parent.parent / "Samples" / "model"


def at(folder, layers=28, depth=32):
    """The checkpoint with so many layers and blocks of vision inside a folder; written where it is not there yet."""
    place = pathlib.Path(folder) / f"random-{layers}-{depth}"
    if not (place / "model.safetensors").exists():
        place.mkdir(parents=True, exist_ok=True)
        write(place, layers, depth)
    return place


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


def write(folder, layers, depth):
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
    part = folder / "model.safetensors.part"
    with open(part, "wb") as file:
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
    os.replace(part, folder / "model.safetensors")  # a run that was broken off leaves no half of it
