#!/usr/bin/env python3
"""Writes the untrained sample checkpoint: a complete, tiny Qwen2-VL model with random weights.

usage: make_untrained.py [--output DIR] [--seed N]      (default: the folder of this script, seed 1)

Everything a published checkpoint folder has is here - weights, configuration, tokenizer, processor and generation
settings - so every stage of the program runs on it exactly as on a real model. It has learnt nothing: the text it writes
is words without sense, and `"reelscribe": {"kind": "untrained"}` in config.json makes the program say so.

Only Python's standard library is used, and no function whose last bit depends on the machine's mathematics library, so
the same seed gives the same bytes everywhere.
"""
import argparse
import json
import os
import random
import re
import struct
import sys
from collections import Counter
from itertools import product

HIDDEN, MLP, LAYERS, HEADS, KV_HEADS, HEAD = 128, 192, 3, 4, 2, 32
SECTIONS = [4, 6, 6]  # the published [16, 24, 24] scaled to half a head of 16 frequencies
WIDTH, DEPTH, VISION_HEADS, VISION_MLP = 32, 2, 2, 4
PATCH, TEMPORAL, MERGE, CHANNELS = 14, 2, 2, 3
ROWS = 704  # rows of the embedding; those after the last token are padding, all zero

SPECIAL = [
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>", "<|object_ref_end|>", "<|box_start|>",
    "<|box_end|>", "<|quad_start|>", "<|quad_end|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>",
    "<|image_pad|>", "<|video_pad|>",
]
PATTERN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|"
           r"\s+(?!\S)|\s+")
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{% if loop.first and message['role'] != 'system' %}"
    "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n"
    "{% endif %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% elif part['type'] == 'video' %}<|vision_start|><|video_pad|><|vision_end|>"
    "{% else %}{{ part['text'] }}{% endif %}{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}")


# MARK: text to learn the merges from

def sentences():
    """Sentences about scenes, composed from lists: enough of English for common words to become one token."""
    who = ["a man", "a woman", "a child", "two people", "a group of people", "a dog", "a cat", "a red car", "a bird",
           "the camera", "a cyclist", "the person", "a small boat", "the player", "a train"]
    does = ["walks", "runs", "turns", "stops", "moves slowly", "stands still", "looks around", "appears", "leaves",
            "picks up a cup", "opens the door", "speaks to the camera", "crosses the street", "sits down", "waits"]
    where = ["in the background", "on the left side", "on the right side", "near the window", "at the table", "in a park",
             "on the road", "in front of a building", "beside the water", "under a bright sky", "inside the room",
             "at the beginning", "at the end", "for a few seconds", "across the picture"]
    for a, b, c in product(who, does, where):
        yield f"{a} {b} {c}."
        yield f"{a[0].upper()}{a[1:]} {b}, then {c} the scene changes."
    shape = ["circle", "square", "triangle", "line", "number", "digit", "light", "shadow", "title", "text"]
    colour = ["red", "green", "blue", "yellow", "white", "black", "orange", "dark", "bright", "grey"]
    for a, b, c in product(colour, shape, where):
        yield f"The {a} {b} is visible {c}. There are other {b}s."
    for question in ("What happens in the video?", "Describe this video in detail.", "Summarize the video.",
                     "Which colour is the largest shape?", "How many people are there?", "When does the scene change?",
                     "Describe what happens between these times.", "These are summaries of the parts of one video.",
                     "Write one summary of the whole.", "Answer with yes or no.", "You are a helpful assistant.",
                     "Is there any text on the screen? If so, what does it say?", "system user assistant",
                     "The video shows, the first shot, the second shot, the last shot, between, before, after, while."):
        for _ in range(60):
            yield question


def byte_characters():
    """The printable stand-in of each byte value, as every byte-level BPE of this family has it."""
    kept = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table, other = {b: chr(b) for b in kept}, 0
    for b in range(256):
        if b not in table:
            table[b] = chr(256 + other)
            other += 1
    return table


def learn_merges():
    """Byte-pair merges of the sentences, until each of their words is one token: always the commonest pair, ties to the
    pair that sorts first."""
    table = byte_characters()
    words = Counter()
    for line in sentences():
        words.update(re.findall(r" ?[A-Za-z]+|[^A-Za-z\s]+|\s", line))
    pieces = {w: [table[b] for b in w.encode()] for w in words}
    merges = []
    while True:
        pairs = Counter()
        for w, n in words.items():
            p = pieces[w]
            for pair in zip(p, p[1:]):
                pairs[pair] += n
        if not pairs:
            return merges
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        joined = best[0] + best[1]
        for w, p in pieces.items():
            i = 0
            while i < len(p) - 1:
                if p[i] == best[0] and p[i + 1] == best[1]:
                    p[i:i + 2] = [joined]
                i += 1


def tokenizer():
    """-> (tokenizer.json, tokenizer_config.json, vocabulary in order of id, id of each special token)"""
    table = byte_characters()
    vocabulary = sorted(table.values())
    merges = learn_merges()
    for a, b in merges:
        if a + b not in vocabulary:
            vocabulary.append(a + b)
    first = len(vocabulary)
    special = {name: first + i for i, name in enumerate(SPECIAL)}
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    whole = {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [{"id": i, "content": name, **flags} for name, i in special.items()],
        "normalizer": {"type": "NFC"},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": PATTERN}, "behavior": "Isolated", "invert": False},
            {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}]},
        "post_processor": None,
        "decoder": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False},
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
                  "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
                  "vocab": {t: i for i, t in enumerate(vocabulary)}, "merges": [f"{a} {b}" for a, b in merges]},
    }
    settings = {
        "tokenizer_class": "Qwen2Tokenizer", "model_max_length": 32768, "errors": "replace", "add_prefix_space": False,
        "clean_up_tokenization_spaces": False, "split_special_tokens": False, "bos_token": None, "unk_token": None,
        "eos_token": "<|im_end|>", "pad_token": "<|endoftext|>", "additional_special_tokens": SPECIAL[1:],
        "added_tokens_decoder": {str(i): {"content": name, **flags} for name, i in special.items()},
        "chat_template": CHAT_TEMPLATE,
    }
    return whole, settings, vocabulary, special


# MARK: weights

class Noise:
    """Near-normal values from sums of uniform ones: exact arithmetic, so equal on every machine."""

    def __init__(self, seed):
        self.uniform = random.Random(seed).random

    def values(self, count, deviation, mean=0.0):
        u, scale = self.uniform, deviation * 1.7320508075688772  # four uniform values have a variance of 1/3
        return [mean + scale * (u() + u() + u() + u() - 2.0) for _ in range(count)]


def bf16(values):
    """Values as bfloat16 bytes, rounded to nearest, ties to even."""
    bits = struct.unpack(f"<{len(values)}I", struct.pack(f"<{len(values)}f", *values))
    return struct.pack(f"<{len(bits)}H", *((b + 0x7FFF + (b >> 16 & 1)) >> 16 for b in bits))


def embedding(noise, vocabulary):
    """One row a token. Rows of tokens that are a word with its space are long, all others short: the head is tied to the
    embedding, so a greedy continuation is made of whole words instead of stray bytes."""
    rows = []
    for i in range(ROWS):
        if i < len(vocabulary):
            word = re.fullmatch(r"Ġ[a-z]{2,}", vocabulary[i])
            rows += noise.values(HIDDEN, 0.05 if word else 0.012)
        else:
            rows += noise.values(HIDDEN, 0.012 if i < len(vocabulary) + len(SPECIAL) else 0.0)
    return rows


def tensors(noise, vocabulary):
    """Yields (name, shape, values) in the published naming, weights as [out, in]."""
    def linear(name, rows, columns, gain=1.0, bias=None):
        yield f"{name}.weight", [rows, columns], noise.values(rows * columns, gain / columns ** 0.5)
        if bias is not None:
            yield f"{name}.bias", [rows], noise.values(rows, bias)

    def norm(name, width, bias):
        yield f"{name}.weight", [width], noise.values(width, 0.1, 1.0)
        if bias:
            yield f"{name}.bias", [width], noise.values(width, 0.1)

    yield "model.embed_tokens.weight", [ROWS, HIDDEN], embedding(noise, vocabulary)
    for i in range(LAYERS):
        p = f"model.layers.{i}."
        yield from norm(p + "input_layernorm", HIDDEN, False)
        yield from linear(p + "self_attn.q_proj", HEADS * HEAD, HIDDEN, 1.4, 0.2)
        yield from linear(p + "self_attn.k_proj", KV_HEADS * HEAD, HIDDEN, 1.4, 0.2)
        yield from linear(p + "self_attn.v_proj", KV_HEADS * HEAD, HIDDEN, 1.4, 0.2)
        yield from linear(p + "self_attn.o_proj", HIDDEN, HEADS * HEAD, 1.4)
        yield from norm(p + "post_attention_layernorm", HIDDEN, False)
        yield from linear(p + "mlp.gate_proj", MLP, HIDDEN, 1.4)
        yield from linear(p + "mlp.up_proj", MLP, HIDDEN, 1.4)
        yield from linear(p + "mlp.down_proj", HIDDEN, MLP, 1.4)
    yield "model.norm.weight", [HIDDEN], noise.values(HIDDEN, 0.5, 6.0)

    pixels = CHANNELS * TEMPORAL * PATCH * PATCH
    yield ("visual.patch_embed.proj.weight", [WIDTH, CHANNELS, TEMPORAL, PATCH, PATCH],
           noise.values(WIDTH * pixels, 1.0 / pixels ** 0.5))
    for i in range(DEPTH):
        p = f"visual.blocks.{i}."
        yield from norm(p + "norm1", WIDTH, True)
        yield from linear(p + "attn.qkv", 3 * WIDTH, WIDTH, 1.2, 0.2)
        yield from linear(p + "attn.proj", WIDTH, WIDTH, 1.2, 0.2)
        yield from norm(p + "norm2", WIDTH, True)
        yield from linear(p + "mlp.fc1", VISION_MLP * WIDTH, WIDTH, 1.2, 0.2)
        yield from linear(p + "mlp.fc2", WIDTH, VISION_MLP * WIDTH, 1.2, 0.2)
    merged = WIDTH * MERGE * MERGE
    yield from norm("visual.merger.ln_q", WIDTH, True)
    yield from linear("visual.merger.mlp.0", merged, merged, 1.0, 0.2)
    yield from linear("visual.merger.mlp.2", HIDDEN, merged, 0.5, 0.2)


def safetensors(entries):
    header, body = {"__metadata__": {"format": "pt"}}, bytearray()
    for name, shape, values in entries:
        data = bf16(values)
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + bytes(body)


# MARK: configuration

def configuration(special):
    return {
        "architectures": ["Qwen2VLForConditionalGeneration"], "model_type": "qwen2_vl", "torch_dtype": "bfloat16",
        "reelscribe": {"kind": "untrained"},
        "hidden_size": HIDDEN, "intermediate_size": MLP, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
        "num_key_value_heads": KV_HEADS, "vocab_size": ROWS, "tie_word_embeddings": True, "rms_norm_eps": 1e-06,
        "max_position_embeddings": 32768, "rope_theta": 1000000.0,
        "rope_scaling": {"type": "mrope", "mrope_section": SECTIONS}, "hidden_act": "silu", "attention_dropout": 0.0,
        "initializer_range": 0.02, "use_cache": True, "sliding_window": 32768, "use_sliding_window": False,
        "max_window_layers": LAYERS,
        "bos_token_id": special["<|endoftext|>"], "eos_token_id": special["<|im_end|>"],
        "vision_start_token_id": special["<|vision_start|>"], "vision_end_token_id": special["<|vision_end|>"],
        "vision_token_id": special["<|vision_pad|>"], "image_token_id": special["<|image_pad|>"],
        "video_token_id": special["<|video_pad|>"],
        "vision_config": {
            "depth": DEPTH, "embed_dim": WIDTH, "mlp_ratio": VISION_MLP, "num_heads": VISION_HEADS,
            "in_chans": CHANNELS, "hidden_size": HIDDEN, "patch_size": PATCH, "spatial_patch_size": PATCH,
            "spatial_merge_size": MERGE, "temporal_patch_size": TEMPORAL},
    }


def generation(special):
    stop = [special["<|im_end|>"], special["<|endoftext|>"]]
    return {"bos_token_id": stop[1], "pad_token_id": stop[1], "eos_token_id": stop, "do_sample": False,
            "repetition_penalty": 1.05}


PREPROCESSOR = {
    "min_pixels": 3136, "max_pixels": 12845056, "patch_size": PATCH, "temporal_patch_size": TEMPORAL,
    "merge_size": MERGE, "image_mean": [0.48145466, 0.4578275, 0.40821073],
    "image_std": [0.26862954, 0.26130258, 0.27577711], "image_processor_type": "Qwen2VLImageProcessor",
    "processor_class": "Qwen2VLProcessor",
}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", default=os.path.dirname(os.path.abspath(__file__)))
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    whole, settings, vocabulary, special = tokenizer()
    if len(vocabulary) + len(SPECIAL) > ROWS:
        sys.exit(f"{len(vocabulary) + len(SPECIAL)} tokens do not fit {ROWS} rows")
    os.makedirs(arguments.output, exist_ok=True)

    def write(name, data):
        with open(os.path.join(arguments.output, name), "wb") as f:
            f.write(data)
        print(f"{name}: {len(data)} bytes", file=sys.stderr)

    def pretty(value):
        return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()

    write("model.safetensors", safetensors(tensors(Noise(arguments.seed), vocabulary)))
    write("tokenizer.json", (json.dumps(whole, ensure_ascii=False, separators=(",", ":")) + "\n").encode())
    write("tokenizer_config.json", pretty(settings))
    write("config.json", pretty(configuration(special)))
    write("generation_config.json", pretty(generation(special)))
    write("preprocessor_config.json", pretty(PREPROCESSOR))


if __name__ == "__main__":
    main()
