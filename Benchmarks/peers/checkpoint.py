#!/usr/bin/env python3
"""Writes the checkpoint that all sides of compare.py run: random weights of the 2B shape, and the same numbers as GGUF.

One folder gets random-LAYERS-DEPTH (safetensors, BF16) and random-LAYERS-DEPTH-gguf: the language model once a type, and the
vision tower. F16 and BF16 are written here, with the tensor names and the metadata of llama.cpp's converter; the others are
made from BF16 by llama.cpp's own quantizer. The tower is F16, and Q8_0 too where the language model is asked for in that type.
What is there already is kept. Prints a line of JSON a file.

usage: Benchmarks/peers/checkpoint.py [--layers N] [--depth N] [--types bf16,f16,q8_0,q4_0,q4_k_m] FOLDER
Needs numpy and gguf, and llama-cpp-python for the types that are not 16 bits: the Python of setup.sh, .build/peers/llama/bin/python.
Disk: 4.4 GB for safetensors and about 13 GB for all types.
"""
import argparse
import json
import os
import pathlib
import sys

import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import random_checkpoint

WRITTEN = ("bf16", "f16")
# The numbers of llama.cpp's llama_ftype.
FILE_TYPES = {"f16": 1, "q4_0": 2, "q8_0": 7, "q4_k_m": 15, "bf16": 32}

LAYER_NAMES = {
    "input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output", "post_attention_layernorm": "ffn_norm", "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down"}
BLOCK_NAMES = {"norm1": "ln1", "norm2": "ln2", "attn.proj": "attn_out", "mlp.fc1": "ffn_up", "mlp.fc2": "ffn_down"}
WHOLE_NAMES = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "visual.merger.ln_q": "v.post_ln",
               "visual.merger.mlp.0": "mm.0", "visual.merger.mlp.2": "mm.2"}


class Safetensors:
    """Tensors of a BF16 file, mapped: 16-bit numbers whose bits are the upper half of a 32-bit one."""

    def __init__(self, path):
        with open(path, "rb") as file:
            size = int.from_bytes(file.read(8), "little")
            self.header = json.loads(file.read(size))
        self.data = numpy.memmap(path, numpy.uint16, "r", 8 + size)

    def __getitem__(self, name):
        begin, end = self.header[name]["data_offsets"]
        return self.data[begin // 2:end // 2].reshape(self.header[name]["shape"])


def converted(bits, kind):
    """The numbers of 16-bit patterns of BF16, as what is written to the file; a few rows at a time, as tables are large."""
    if kind == "bf16":
        return bits
    if kind == "q8_0":
        import gguf
        return gguf.quants.quantize(converted(bits, "f32"), gguf.GGMLQuantizationType.Q8_0)
    result = numpy.empty(bits.shape, {"f16": numpy.float16, "f32": numpy.float32}[kind])
    for start in range(0, len(bits), 4096):
        rows = bits[start:start + 4096].astype(numpy.uint32) << 16
        result[start:start + 4096] = rows.view(numpy.float32)
    return result


def language_tensors(source):
    """Names in GGUF and bits of the language model's tensors."""
    for name in source.header:
        if name.startswith("visual."):
            continue
        base, kind = name.rsplit(".", 1)
        if base in WHOLE_NAMES:
            yield f"{WHOLE_NAMES[base]}.{kind}", source[name]
        else:
            _, _, layer, part = base.split(".", 3)
            yield f"blk.{layer}.{LAYER_NAMES[part]}.{kind}", source[name]


def vision_tensors(source):
    """The same for the tower: three tensors for queries, keys and values, and one kernel a frame of a pair."""
    for name in source.header:
        if not name.startswith("visual."):
            continue
        base, kind = name.rsplit(".", 1)
        if base in WHOLE_NAMES:
            yield f"{WHOLE_NAMES[base]}.{kind}", source[name]
        elif base == "visual.patch_embed.proj":
            for tap, suffix in enumerate(("", ".1")):
                yield f"v.patch_embd.weight{suffix}", numpy.ascontiguousarray(source[name][:, :, tap])
        else:
            _, _, block, part = base.split(".", 3)
            if part == "attn.qkv":
                for letter, third in zip("qkv", numpy.split(source[name], 3)):
                    yield f"v.blk.{block}.attn_{letter}.{kind}", third
            else:
                yield f"v.blk.{block}.{BLOCK_NAMES[part]}.{kind}", source[name]


def write(writer, tensors, kind):
    """Matrices in one type, vectors in 32 bits, as llama.cpp's converter does."""
    import gguf
    def stored_as(bits):
        # The kernels of the first layer are 14 numbers wide, which no block divides.
        return "f32" if bits.ndim == 1 else "f16" if kind == "q8_0" and bits.ndim > 2 else kind

    tensors = [(name, bits, stored_as(bits)) for name, bits in tensors]
    for name, bits, stored in tensors:
        size = {"f32": bits.size * 4, "q8_0": bits.size * 34 // 32}.get(stored, bits.size * 2)
        writer.add_tensor_info(name, bits.shape, numpy.dtype(numpy.float32), size,
                               gguf.GGMLQuantizationType[stored.upper()])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for _, bits, stored in tensors:
        writer.write_tensor_data(converted(bits, stored))
    writer.close()


def add_tokenizer(writer, folder, vocabulary):
    """The sample model's tokenizer, filled up to the rows of the embedding with tokens that stand for nothing."""
    import gguf
    described = json.loads((folder / "tokenizer.json").read_text())
    tokens = [f"[PAD{index}]" for index in range(vocabulary)]
    kinds = [gguf.TokenType.UNUSED] * vocabulary
    for token, index in described["model"]["vocab"].items():
        tokens[index], kinds[index] = token, gguf.TokenType.NORMAL
    for added in described["added_tokens"]:
        kind = gguf.TokenType.CONTROL if added["special"] else gguf.TokenType.USER_DEFINED
        tokens[added["id"]], kinds[added["id"]] = added["content"], kind
    merges = [pair if isinstance(pair, str) else " ".join(pair) for pair in described["model"]["merges"]]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges(merges)
    generation = json.loads((folder / "generation_config.json").read_text())
    writer.add_eos_token_id(generation["eos_token_id"][0])
    writer.add_bos_token_id(generation["bos_token_id"])
    writer.add_pad_token_id(generation["pad_token_id"])
    writer.add_add_bos_token(False)


def write_language(path, folder, source, kind):
    import gguf
    config = json.loads((folder / "config.json").read_text())
    writer = gguf.GGUFWriter(path, "qwen2vl")
    writer.add_name(folder.name)
    writer.add_file_type(FILE_TYPES[kind])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(config["rope_theta"])
    writer.add_rope_dimension_sections(config["rope_scaling"]["mrope_section"] + [0])
    add_tokenizer(writer, folder, config["vocab_size"])
    write(writer, language_tensors(source), kind)


def write_vision(path, folder, source, kind):
    import gguf
    config = json.loads((folder / "config.json").read_text())["vision_config"]
    preprocessor = json.loads((folder / "preprocessor_config.json").read_text())
    writer = gguf.GGUFWriter(path, "clip")
    writer.add_name(folder.name)
    writer.add_file_type(FILE_TYPES[kind])
    writer.add_clip_has_vision_encoder(True)
    writer.add_clip_projector_type("qwen2vl_merger")
    writer.add_vision_image_size(560)  # a placeholder, as sizes are those of the picture
    writer.add_vision_patch_size(config["patch_size"])
    writer.add_vision_spatial_merge_size(config["spatial_merge_size"])
    writer.add_vision_embedding_length(config["embed_dim"])
    writer.add_vision_feed_forward_length(config["mlp_ratio"] * config["embed_dim"])
    writer.add_vision_block_count(config["depth"])
    writer.add_vision_projection_dim(config["hidden_size"])
    writer.add_vision_head_count(config["num_heads"])
    writer.add_vision_attention_layernorm_eps(1e-6)
    writer.add_vision_image_mean(preprocessor["image_mean"])
    writer.add_vision_image_std(preprocessor["image_std"])
    write(writer, vision_tensors(source), kind)


def quantize(source, path, kind, threads):
    import llama_cpp
    params = llama_cpp.llama_model_quantize_default_params()
    params.nthread = threads
    params.ftype = FILE_TYPES[kind]
    status = llama_cpp.llama_model_quantize(os.fsencode(source), os.fsencode(path), params)
    if status != 0:
        raise SystemExit(f"checkpoint.py: llama_model_quantize ended with {status} for {kind}")


def made(path, write):
    """The file, written under another name first, so that a run that was broken off leaves no half of it."""
    if not path.exists():
        part = path.with_name(path.name + ".part")
        write(part)
        os.replace(part, path)
    print(json.dumps({"file": path.name, "bytes": path.stat().st_size}), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--layers", type=int, default=28)
    parser.add_argument("--depth", type=int, default=32)
    parser.add_argument("--types", default="bf16,f16,q8_0,q4_0,q4_k_m")
    parser.add_argument("--threads", type=int, default=2, help="of the quantizer")
    options = parser.parse_args()
    kinds = options.types.split(",") if options.types else []
    unknown = [kind for kind in kinds if kind not in FILE_TYPES]
    if unknown:
        parser.error(f"--types has {', '.join(unknown)}; known are {', '.join(FILE_TYPES)}")
    folder = random_checkpoint.at(options.folder, options.layers, options.depth)
    if not kinds:
        return 0
    target = folder.with_name(folder.name + "-gguf")
    target.mkdir(exist_ok=True)
    source = Safetensors(folder / "model.safetensors")
    files = {kind: target / f"language-{kind}.gguf" for kind in FILE_TYPES}
    for kind in ["f16"] + ["q8_0"] * ("q8_0" in kinds):
        made(target / f"mmproj-{kind}.gguf", lambda path: write_vision(path, folder, source, kind))
    if set(kinds) - set(WRITTEN):
        kinds = ["bf16"] + [kind for kind in kinds if kind != "bf16"]
    for kind in kinds:
        if kind in WRITTEN:
            made(files[kind], lambda path: write_language(path, folder, source, kind))
        else:
            made(files[kind], lambda path: quantize(files["bf16"], path, kind, options.threads))
    return 0


if __name__ == "__main__":
    sys.exit(main())
