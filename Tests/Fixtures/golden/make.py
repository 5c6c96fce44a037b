#!/usr/bin/env python3
"""Writes the golden fixtures: small random checkpoints, drawn inputs, and the tensors the reference makes of them.

usage: make.py                           write checkpoints/, cases/ and SHA256SUMS beside this script
       make.py --check                   run the pipeline again on what is there and compare
       make.py --against DIR [CASE…]     run the same pipeline on another set of cases of this layout (checkpoints/ and
                                         cases/NAME/case.json under DIR) and compare with its golden files

The reference is Hugging Face transformers (Qwen2VLForConditionalGeneration, 32-bit, eager attention) behind the sampling
and resizing of qwen-vl-utils; README.md names the versions. Nothing of ReelScribe is used here.
"""
import argparse
import hashlib
import io
import json
import math
import os
import re
import shlex
import sys

import numpy as np
import torch

# torchvision declares shapes for compiled operators that a CPU-only installation may lack; none of them is used here.
_register_fake = torch.library.register_fake
torch.library.register_fake = lambda name, *a, **k: (
    (lambda f: f) if isinstance(name, str) and name.startswith("torchvision::") else _register_fake(name, *a, **k))

import qwen_vl_utils.vision_process as utils  # noqa: E402
import tokenizers  # noqa: E402
import torchvision.transforms.functional as functional  # noqa: E402
import transformers  # noqa: E402
from PIL import Image, ImageDraw  # noqa: E402
from safetensors.torch import load, load_file, save  # noqa: E402
from transformers import (AutoTokenizer, Qwen2VLConfig, Qwen2VLForConditionalGeneration,  # noqa: E402
                          Qwen2VLImageProcessor, Qwen2VLVideoProcessor)

HERE = os.path.dirname(os.path.abspath(__file__))
FACTOR = 28
SMALLEST_GAP = 0.02
SPECIAL = [
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>", "<|object_ref_end|>", "<|box_start|>",
    "<|box_end|>", "<|quad_start|>", "<|quad_end|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>",
    "<|image_pad|>", "<|video_pad|>",
]
PATTERN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|"
           r"\s+(?!\S)|\s+")


# MARK: checkpoints

CHECKPOINTS = {
    # Published names, flat configuration, one f32 file, tied head. The vision heads of 12 leave a rest in every vector
    # width, and a repetition penalty of 1 leaves the logits alone.
    "plain": dict(seed=11, dtype=torch.float32, nested=False, tied=True, shards=1, rows=352, merges=68, penalty=1.0,
                  text=dict(hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=2,
                            num_key_value_heads=1, rms_norm_eps=1e-6),
                  sections=[4, 6, 6], vision=dict(depth=2, embed_dim=24, num_heads=2, mlp_ratio=4)),
    # Newer names, nested configuration, bf16 in two files, own head, merges written as pairs, another epsilon, text heads
    # of 24, and a repetition penalty in generation_config.json that holds where no option is given.
    "sharded": dict(seed=12, dtype=torch.bfloat16, nested=True, tied=False, shards=2, rows=320, merges=40, penalty=1.15,
                    text=dict(hidden_size=96, intermediate_size=96, num_hidden_layers=3, num_attention_heads=4,
                              num_key_value_heads=2, rms_norm_eps=1e-5),
                    sections=[2, 5, 5], vision=dict(depth=2, embed_dim=32, num_heads=2, mlp_ratio=4)),
}


def tokenizer_files(merges, as_pairs):
    """-> (tokenizer.json, tokenizer_config.json, {special name: id}): byte-level BPE learnt from the prompts below."""
    learner = tokenizers.Tokenizer(tokenizers.models.BPE())
    learner.pre_tokenizer = tokenizers.pre_tokenizers.Sequence([
        tokenizers.pre_tokenizers.Split(tokenizers.Regex(PATTERN), "isolated"),
        tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    texts = [p for c in CASES for p in c["prompts"]] + ["system user assistant", "You are a helpful assistant."]
    learner.train_from_iterator(texts * 3, tokenizers.trainers.BpeTrainer(
        vocab_size=256 + merges, min_frequency=2, show_progress=False,
        initial_alphabet=sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())))
    learnt = json.loads(learner.to_str())["model"]
    pairs = [m if isinstance(m, list) else m.split(" ") for m in learnt["merges"]]
    special = {name: len(learnt["vocab"]) + i for i, name in enumerate(SPECIAL)}
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    whole = {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [{"id": i, "content": n, **flags} for n, i in special.items()],
        "normalizer": {"type": "NFC"},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": PATTERN}, "behavior": "Isolated", "invert": False},
            {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}]},
        "post_processor": None,
        "decoder": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False},
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": "",
                  "end_of_word_suffix": "", "fuse_unk": False, "byte_fallback": False, "vocab": learnt["vocab"],
                  "merges": pairs if as_pairs else [" ".join(p) for p in pairs]},
    }
    settings = {
        "tokenizer_class": "Qwen2Tokenizer", "model_max_length": 32768, "errors": "replace", "add_prefix_space": False,
        "clean_up_tokenization_spaces": False, "split_special_tokens": False, "bos_token": None, "unk_token": None,
        "eos_token": "<|im_end|>", "pad_token": "<|endoftext|>", "additional_special_tokens": SPECIAL[1:],
        "added_tokens_decoder": {str(i): {"content": n, **flags} for n, i in special.items()},
    }
    return whole, settings, special


def configuration(spec, special):
    text = dict(spec["text"], vocab_size=spec["rows"], max_position_embeddings=32768, hidden_act="silu",
                bos_token_id=special["<|endoftext|>"], eos_token_id=special["<|im_end|>"], use_sliding_window=False)
    vision = dict(spec["vision"], hidden_size=spec["text"]["hidden_size"], patch_size=14, spatial_merge_size=2,
                  temporal_patch_size=2)
    ids = {f"{name}_token_id": special[f"<|{token}|>"] for name, token in (
        ("vision_start", "vision_start"), ("vision_end", "vision_end"), ("vision", "vision_pad"),
        ("image", "image_pad"), ("video", "video_pad"))}
    head = {"architectures": ["Qwen2VLForConditionalGeneration"], "model_type": "qwen2_vl",
            "tie_word_embeddings": spec["tied"], **ids}
    if spec["nested"]:
        rope = {"rope_type": "default", "type": "default", "rope_theta": 1000000.0, "mrope_section": spec["sections"]}
        return {**head, "dtype": "bfloat16",
                "text_config": {"model_type": "qwen2_vl_text", **text, "rope_parameters": rope},
                "vision_config": {"model_type": "qwen2_vl_vision", **vision, "in_channels": 3, "hidden_act": "quick_gelu"}}
    return {**head, "torch_dtype": "float32", **text, "rope_theta": 1000000.0,
            "rope_scaling": {"type": "mrope", "mrope_section": spec["sections"]},
            "vision_config": {**vision, "in_chans": 3, "spatial_patch_size": 14}}


def weights(spec, config, special):
    """Random tensors under the names and shapes that the reference model itself has, in the order of its layers."""
    with torch.device("meta"):
        shapes = {n: tuple(p.shape) for n, p in
                  Qwen2VLForConditionalGeneration(Qwen2VLConfig.from_dict(config)).state_dict().items()}
    random, out = np.random.default_rng(spec["seed"]), {}
    for name, shape in shapes.items():
        if name == "lm_head.weight" and spec["tied"]:
            continue
        noise = random.standard_normal(shape)
        if name.endswith("embed_tokens.weight") or name == "lm_head.weight":
            value = 0.05 * noise
            value[special["<|im_end|>"]] *= 1.7  # so that some continuation ends by itself
        elif re.search(r"norm\d?\.weight|layernorm\.weight|ln_q\.weight", name):
            value = 1 + 0.15 * noise
            if name.endswith("language_model.norm.weight"):
                value *= 6
        elif name.endswith(".bias"):
            value = 0.2 * noise
        else:
            value = (0.3 if "patch_embed" in name else 1.3) * noise / math.sqrt(math.prod(shape[1:]))
        if not spec["nested"]:
            name = name.replace("model.language_model.", "model.").replace("model.visual.", "visual.")
        out[name] = torch.from_numpy(value.astype(np.float32)).to(spec["dtype"])
    return out


def dump(value, indent=2):
    return (json.dumps(value, indent=indent, ensure_ascii=False) + "\n").encode()


def checkpoint_files(name):
    spec = CHECKPOINTS[name]
    whole, settings, special = tokenizer_files(spec["merges"], as_pairs=spec["nested"])
    if special["<|video_pad|>"] >= spec["rows"]:
        sys.exit(f"{name}: {special['<|video_pad|>'] + 1} tokens in {spec['rows']} rows")
    config = configuration(spec, special)
    tensors, files = weights(spec, config, special), {}
    if spec["shards"] == 1:
        files["model.safetensors"] = save(tensors, {"format": "pt"})
    else:
        # Cut in the middle of a layer: the files need not follow the layers.
        names, total = list(tensors), sum(t.nbytes for t in tensors.values())
        cut = next(i for i in range(len(names)) if 2 * sum(tensors[n].nbytes for n in names[:i]) > total)
        parts, where = [names[:cut], names[cut:]], {}
        for i, part in enumerate(parts):
            file = f"model-{i + 1:05d}-of-{len(parts):05d}.safetensors"
            files[file] = save({n: tensors[n] for n in part}, {"format": "pt"})
            where.update({n: file for n in part})
        files["model.safetensors.index.json"] = dump({"metadata": {"total_size": total}, "weight_map": where})
    stop = [special["<|im_end|>"], special["<|endoftext|>"]]
    files["config.json"] = dump(config)
    files["generation_config.json"] = dump({
        "bos_token_id": stop[1], "pad_token_id": stop[1], "eos_token_id": stop, "do_sample": True, "temperature": 0.01,
        "top_k": 1, "top_p": 0.001, "repetition_penalty": spec["penalty"]})
    files["preprocessor_config.json"] = dump({
        "min_pixels": 3136, "max_pixels": 12845056, "patch_size": 14, "temporal_patch_size": 2, "merge_size": 2,
        "image_mean": [0.48145466, 0.4578275, 0.40821073], "image_std": [0.26862954, 0.26130258, 0.27577711],
        "image_processor_type": "Qwen2VLImageProcessor", "processor_class": "Qwen2VLProcessor"})
    files["tokenizer.json"] = dump(whole, indent=None)
    files["tokenizer_config.json"] = dump(settings)
    return {f"checkpoints/{name}/{k}": v for k, v in files.items()}


# MARK: pictures

def picture(seed, width, height, time):
    """A gradient, a disc that moves, a bar, fine stripes and some noise: something for every part of the resampler."""
    random = np.random.default_rng([seed, int(time * 1000)])
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    base = np.stack([255 * x / (width - 1), 255 * y / (height - 1), 127 + 127 * np.cos((x + y) / 9 + seed)], -1)
    base[(x.astype(int) % 5 == seed % 5) & (y > 0.8 * height)] = 255
    image = Image.fromarray(np.rint(base / 8).astype(np.uint8) * 8 if seed % 2 else np.rint(base).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    r, cx = height // 5, int((0.2 + 0.1 * time * (1 + seed % 3)) * width) % width
    draw.ellipse([cx - r, height // 2 - r, cx + r, height // 2 + r], fill=(230 - 20 * seed % 200, 40, 30 * seed % 256))
    draw.rectangle([0, 0, int(width * (time % 3) / 3), 6], fill=(255, 255, 255))
    patch = random.integers(0, 256, (min(12, height), min(16, width), 3), dtype=np.uint8)
    image.paste(Image.fromarray(patch), (width // 3, height // 8))
    return image


def png(image):
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()


def video_pictures(folder, seed, width, height, count, fps, name="{:03d}.png", first=1):
    return {f"{folder}/{name.format(first + i)}": png(picture(seed, width, height, i / fps)) for i in range(count)}


def still_with_alpha(path, seed, width, height):
    """A picture with a hole: alpha is 0 or 255, so that compositing on white leaves nothing to round."""
    image = picture(seed, width, height, 1.0)
    alpha = Image.new("L", image.size, 255)
    ImageDraw.Draw(alpha).ellipse([width // 2, height // 4, width - 8, height - 10], fill=0)
    image.putalpha(alpha)
    return {path: png(image)}


CASES = [
    dict(name="video", checkpoint="plain", about="9 frames at 4 a second, of which the qwen rule takes 0 3 5 8; all logits",
         files=lambda p: video_pictures(f"{p}/frames", 1, 120, 100, 9, 4), inputs=[("video", "frames")],
         prompts=["What happens in the video?", "Describe the video.", "What moves?"],
         sampling="qwen", input_fps=4.0, min_pixels=3136, max_pixels=5000, all_logits=True),
    dict(name="odd-padded", checkpoint="sharded", about="5 frames taken by their time stamps, the last one repeated",
         files=lambda p: video_pictures(f"{p}/frames", 2, 66, 50, 5, 2), inputs=[("video", "frames")],
         prompts=["How many shapes are there?", "Which colour has the disc?", "Where is the disc?"],
         sampling="pts", input_fps=2.0, min_pixels=3136, max_pixels=4000),
    dict(name="image", checkpoint="plain", about="one image with transparent parts, enlarged to the default image budget",
         files=lambda p: still_with_alpha(f"{p}/hole.png", 3, 50, 40), inputs=[("image", "hole.png")],
         prompts=["What is in the picture?", "Describe the picture.", "Is there a hole?"], sampling="pts", input_fps=2.0,
         all_logits=True),
    dict(name="two-videos", checkpoint="sharded", about="two videos of different shape; names in natural order",
         files=lambda p: {**video_pictures(f"{p}/first", 4, 60, 68, 4, 2),
                          **video_pictures(f"{p}/second", 5, 118, 40, 4, 2, "f{}.png", 8)},
         inputs=[("video", "first"), ("video", "second")],
         prompts=["Which of the two is wider?", "What differs?", "Compare the two videos."],
         sampling="qwen", input_fps=2.0, min_pixels=3136, max_pixels=3300),
    dict(name="image-and-video", checkpoint="plain", about="an image before a video, with an own system prompt",
         files=lambda p: {f"{p}/still.png": png(picture(6, 62, 50, 0)), **video_pictures(f"{p}/frames", 7, 47, 90, 4, 2)},
         inputs=[("image", "still.png"), ("video", "frames")], system="You answer in 中文 👍🏽.\nShort.",
         prompts=[f"{a} — naïve, cafe\u0301, ½ m,  3 spaces\n\tand it'S 2024: 第3个镜头{b}"
                  for b in "?!." for a in ("Is the picture in the video", "Is it there", "Where is it")],
         sampling="qwen", input_fps=2.0, min_pixels=3136, max_pixels=4800),
    dict(name="long-max", checkpoint="sharded", about="5 pairs of 2x2 tokens: the text goes on after the time axis",
         files=lambda p: video_pictures(f"{p}/frames", 8, 78, 66, 10, 2, "f{}.png"), inputs=[("video", "frames")],
         prompts=[f"{a} {b}{c}" for c in ".?" for a in ("Summarize", "Describe", "Name", "What changes in", "Tell me about")
                  for b in ("the video", "all shapes", "the disc", "the bar")],
         other_rule="hf5", sampling="qwen", input_fps=2.0, min_pixels=3136, max_pixels=4000, without=["pixel_values"]),
    dict(name="long-hf5", checkpoint="sharded", about="the input of long-max under the position rule hf5",
         files=lambda p: {}, inputs=[("video", "../long-max/frames")], follows="long-max",
         prompts=[], sampling="qwen", input_fps=2.0, min_pixels=3136, max_pixels=4000, mrope="hf5",
         without=["pixel_values"]),
    dict(name="repetition-penalty", checkpoint="plain", about="penalty 1.3 by option, over prompt and output",
         files=lambda p: {}, inputs=[("video", "../odd-padded/frames")],
         prompts=["Count the shapes, count the shapes, count.", "Say it again, again and again.", "One two one two one."],
         sampling="pts", input_fps=2.0, min_pixels=3136, max_pixels=4000, penalty=1.3, tokens=16,
         without=["pixel_values"]),
    dict(name="stop-token", checkpoint="plain", about="generation ends with the end token before the limit", ends=True,
         files=lambda p: {}, inputs=[("image", "../image/hole.png")],
         prompts=[f"{a} {b}{c}" for c in ".?!" for a in ("Stop at", "Name", "Don't count", "Look at", "Find")
                  for b in ("the shadows", "one shape", "the disc", "the bar", "the stripes", "the end")],
         sampling="pts", input_fps=2.0, tokens=24, without=["pixel_values"]),
]


# MARK: the pipeline

def natural(name):
    return [int(p) if p.isdigit() else p for p in re.split(r"(\d+)", name)]


def read_rgb(path):
    """[H, W, 3] as 8-bit levels, transparent parts on white."""
    return np.array(utils.to_rgb(Image.open(path)))


def pts_instants(count, fps_in, fps, min_frames):
    """Indices by the rule of time stamps: the frame shown at each k/fps; spread evenly where those are too few."""
    duration = count / fps_in
    instants = [k / fps for k in range(math.ceil(duration * fps - 1e-9))]
    if len(instants) < min_frames:
        instants = [k * duration / min_frames for k in range(min_frames)]
    return [min(int(t * fps_in + 1e-9), count - 1) for t in instants]


def load_video(folder, case):
    """-> (frames of the model's size [T, 3, H, W], decoded indices, time stamps)"""
    names = sorted((n for n in os.listdir(folder) if n.endswith(".png")), key=natural)
    frames = torch.from_numpy(np.stack([read_rgb(os.path.join(folder, n)) for n in names])).permute(0, 3, 1, 2)
    taken = []

    def reader(element):
        if case["sampling"] == "qwen":
            count = utils.smart_nframes({"fps": case.get("fps", 2.0)}, len(names), case["input_fps"])
            taken.extend(torch.linspace(0, len(names) - 1, count).round().long().tolist())
        else:
            taken.extend(pts_instants(len(names), case["input_fps"], case.get("fps", 2.0), 4))
        return frames[taken], {}, 2.0

    utils.VIDEO_READER_BACKENDS["pictures"] = reader
    utils.FORCE_QWENVL_VIDEO_READER = "pictures"
    element = {"video": folder, **{k: case[k] for k in ("min_pixels", "max_pixels") if k in case}}
    return utils.fetch_video(element), taken, [i / case["input_fps"] for i in taken]


def load_image(path, case):
    """One image takes the resampler of the videos, with the budget of images."""
    image = torch.from_numpy(read_rgb(path)).permute(2, 0, 1)
    size = utils.smart_resize(image.shape[1], image.shape[2], FACTOR, case.get("min_pixels"), case.get("max_pixels"))
    return functional.resize(image, list(size), functional.InterpolationMode.BICUBIC, antialias=True)


def positions(kinds, grids, ids, model, rule):
    """[3, L]: time, height and width of every prompt token."""
    config = model.config
    pads = {"image": config.image_token_id, "video": config.video_token_id}
    if rule == "hf5":
        kind_ids = torch.zeros_like(ids)
        kind_ids[ids == pads["image"]], kind_ids[ids == pads["video"]] = 1, 2
        by_kind = {k: torch.tensor([g for kind, g in zip(kinds, grids) if kind == k]) for k in pads}
        found, _ = model.model.get_rope_index(
            ids[None], mm_token_type_ids=kind_ids[None],
            image_grid_thw=by_kind["image"] if len(by_kind["image"]) else None,
            video_grid_thw=by_kind["video"] if len(by_kind["video"]) else None)
        return found[:, 0]
    rows, following, item, i = [], 0, 0, 0
    while i < len(ids):
        if ids[i] not in pads.values():
            rows.append((following,) * 3)
            following, i = following + 1, i + 1
            continue
        t, h, w = grids[item][0], grids[item][1] // 2, grids[item][2] // 2
        rows += [(following + a, following + b, following + c) for a in range(t) for b in range(h) for c in range(w)]
        following, i, item = following + max(t, h, w), i + t * h * w, item + 1
    return torch.tensor(rows).T


class Reference:
    def __init__(self, folder):
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.model = Qwen2VLForConditionalGeneration.from_pretrained(
            folder, dtype=torch.float32, attn_implementation="eager").eval()
        with open(os.path.join(folder, "preprocessor_config.json")) as f:
            settings = json.load(f)
        keep = {k: settings[k] for k in ("patch_size", "temporal_patch_size", "merge_size", "image_mean", "image_std")}
        self.images = Qwen2VLImageProcessor(**keep, do_resize=False)
        self.videos = Qwen2VLVideoProcessor(**keep, do_resize=False, do_sample_frames=False)
        with open(os.path.join(folder, "generation_config.json")) as f:
            self.generation = json.load(f)

    def inputs(self, root, case):
        """Everything before the prompt: rows and grids of each visual input, and the frames taken."""
        out = []
        for kind, path in case["inputs"]:
            if kind == "video":
                video, indices, times = load_video(os.path.normpath(os.path.join(root, path)), case)
                got = self.videos(videos=[video], return_tensors="pt")
                out.append((kind, got["pixel_values_videos"], got["video_grid_thw"][0].tolist(), indices, times))
            else:
                got = self.images(images=[load_image(os.path.normpath(os.path.join(root, path)), case)], return_tensors="pt")
                out.append((kind, got["pixel_values"], got["image_grid_thw"][0].tolist(), [0], [0.0]))
        return out

    @torch.no_grad()
    def run(self, inputs, case, prompt):
        """-> (tensors of the trace, smallest gap between the two best logits, whether an end token came)"""
        kinds, rows, grids = [i[0] for i in inputs], [i[1] for i in inputs], [i[2] for i in inputs]
        visual = "".join("<|vision_start|>" + f"<|{kind}_pad|>" * (math.prod(grid) // 4) + "<|vision_end|>"
                         for kind, grid in zip(kinds, grids))
        system = case.get("system") or "You are a helpful assistant."
        text = (f"<|im_start|>system\n{system}<|im_end|>\n<|im_start|>user\n{visual}{prompt}<|im_end|>\n"
                "<|im_start|>assistant\n")
        ids = torch.tensor(self.tokenizer(text, add_special_tokens=False).input_ids)
        place = positions(kinds, grids, ids, self.model, case.get("mrope", "max"))
        arguments = {}
        for kind, values, sizes in (("image", "pixel_values", "image_grid_thw"),
                                    ("video", "pixel_values_videos", "video_grid_thw")):
            chosen = [i for i, k in enumerate(kinds) if k == kind]
            if chosen:
                arguments[values] = torch.cat([rows[i] for i in chosen])
                arguments[sizes] = torch.tensor([grids[i] for i in chosen])
        embeds = []
        for r, g in zip(rows, grids):
            got = self.model.model.visual(r, grid_thw=torch.tensor([g]))
            embeds.append(got if isinstance(got, torch.Tensor) else got.pooler_output)

        # Greedy, each step over the whole sequence: slow and plain, and no cache whose positions could differ.
        penalty = case.get("penalty") or self.generation.get("repetition_penalty", 1.0)
        stop, following = set(self.generation["eos_token_id"]), int(place.max()) + 1
        sequence, all_places, gap, prompt_logits, generated = ids, place, math.inf, None, []
        for _ in range(case.get("tokens", 12)):
            kind_ids = torch.zeros_like(sequence)
            kind_ids[sequence == self.model.config.image_token_id] = 1
            kind_ids[sequence == self.model.config.video_token_id] = 2
            logits = self.model(input_ids=sequence[None], position_ids=all_places[:, None], mm_token_type_ids=kind_ids[None],
                                attention_mask=torch.ones_like(sequence)[None], use_cache=False, **arguments).logits[0]
            if prompt_logits is None:
                prompt_logits = logits
            scores, seen = logits[-1].clone(), torch.unique(sequence)
            scores[seen] = torch.where(scores[seen] < 0, scores[seen] * penalty, scores[seen] / penalty)
            best = torch.topk(scores, 2)
            gap = min(gap, float(best.values[0] - best.values[1]))
            generated.append(int(best.indices[0]))
            if generated[-1] in stop:
                break
            sequence = torch.cat([sequence, best.indices[:1]])
            all_places = torch.cat([all_places, torch.full((3, 1), following)], 1)
            following += 1
        tensors = {
            "frame_indices": torch.tensor([f for i in inputs for f in i[3]], dtype=torch.int64),
            "frame_timestamps": torch.tensor([t for i in inputs for t in i[4]], dtype=torch.float64),
            "pixel_values": torch.cat(rows), "grid_thw": torch.tensor(grids), "input_ids": ids, "position_ids": place,
            "vision_embeds": torch.cat(embeds), "logits": prompt_logits, "generated_ids": torch.tensor(generated),
        }
        return {k: v.contiguous() for k, v in tensors.items()}, gap, generated[-1] in stop


# MARK: writing

def trace_arguments(case, prompt):
    base = f"cases/{case['name']}"
    out = ["trace", *(os.path.normpath(f"{base}/{path}") for _, path in case["inputs"]),
           "--model", f"checkpoints/{case['checkpoint']}", "--prompt", prompt]
    for option, value in (("--system", case.get("system")), ("--sampling", case["sampling"]),
                          ("--input-fps", None if case["input_fps"] == 2 else f"{case['input_fps']:g}"),
                          ("--mrope", case.get("mrope", "max")), ("--max-new-tokens", case.get("tokens", 12)),
                          ("--min-pixels", case.get("min_pixels")), ("--max-pixels", case.get("max_pixels")),
                          ("--repetition-penalty", case.get("penalty"))):
        if value is not None:
            out += [option, str(value)]
    return out + (["--all-logits"] if case.get("all_logits") else []) + ["--output"]


def golden_files(case, root, reference, chosen_prompts):
    inputs = reference.inputs(f"{root}/cases/{case['name']}", case)
    for kind, _, grid, _, _ in inputs:
        if grid[1] * grid[2] * 14 * 14 < 3136:
            sys.exit(f"{case['name']}: a {kind} of grid {grid}: the library's own processor would enlarge it once more")
    prompts = [chosen_prompts[case["follows"]]] if "follows" in case else case["prompts"]
    for prompt in prompts:
        tensors, gap, ended = reference.run(inputs, case, prompt)
        if "other_rule" in case:  # both rules must be clear, and must not agree, or the cases would prove nothing
            other, other_gap, other_ended = reference.run(inputs, {**case, "mrope": case["other_rule"]}, prompt)
            if torch.equal(other["generated_ids"], tensors["generated_ids"]) or other_ended:
                continue
            gap = min(gap, other_gap)
        if gap > SMALLEST_GAP and ended == case.get("ends", False) and (not ended or len(tensors["generated_ids"]) > 2):
            break
    else:
        sys.exit(f"{case['name']}: no prompt gives a clear continuation that {'ends' if case.get('ends') else 'goes on'}")
    chosen_prompts[case["name"]] = prompt
    if not case.get("all_logits"):
        tensors["logits"] = tensors["logits"][-1:].contiguous()
    for name in case.get("without", []):
        del tensors[name]
    arguments = trace_arguments(case, prompt)
    description = {
        "name": case["name"], "about": case["about"], "checkpoint": f"checkpoints/{case['checkpoint']}",
        "inputs": [{"kind": k, "path": os.path.normpath(f"cases/{case['name']}/{p}")} for k, p in case["inputs"]],
        "system": case.get("system"), "prompt": prompt, "sampling": case["sampling"], "input_fps": case["input_fps"],
        "min_pixels": case.get("min_pixels"), "max_pixels": case.get("max_pixels"), "mrope": case.get("mrope", "max"),
        "max_new_tokens": case.get("tokens", 12), "repetition_penalty": case.get("penalty"),
        "trace_args": arguments, "command": shlex.join(["reelscribe", *arguments, "trace.safetensors"]),
        "facts": {"grid_thw": tensors["grid_thw"].tolist(), "prompt_tokens": len(tensors["input_ids"]),
                  "generated": len(tensors["generated_ids"]), "ends_with_stop_token": ended,
                  "smallest_logit_gap": round(gap, 4)},
    }
    print(f"{case['name']}: {prompt!r} {tensors['generated_ids'].tolist()} {description['facts']}", file=sys.stderr)
    return {f"cases/{case['name']}/case.json": dump(description),
            f"cases/{case['name']}/golden.safetensors": save(tensors)}


def write_all(root):
    def put(files):
        for path, data in files.items():
            path = os.path.join(root, path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as f:
                f.write(data)
        written.update(files)

    written, chosen = {}, {}
    for name in CHECKPOINTS:
        put(checkpoint_files(name))
    references = {name: Reference(f"{root}/checkpoints/{name}") for name in CHECKPOINTS}
    for case in CASES:
        put(case["files"](f"cases/{case['name']}"))
    for case in CASES:
        put(golden_files(case, root, references[case["checkpoint"]], chosen))
    sums = "".join(f"{hashlib.sha256(data).hexdigest()}  {path}\n" for path, data in sorted(written.items()))
    put({"SHA256SUMS": sums.encode()})
    return sum(map(len, written.values()))


# MARK: comparing

def compare(want, got):
    """Lines of what differs; the limits are those of README.md."""
    faults, notes = [], []
    for name, a in want.items():
        b = got.get(name)
        if b is not None and name == "logits" and len(a) == 1:
            b = b[-1:]
        if b is None or a.shape != b.shape or a.dtype != b.dtype:
            faults.append(f"{name}: missing, or of another type or shape")
        elif name in ("vision_embeds", "logits"):
            error = float(torch.linalg.norm(a - b) / torch.linalg.norm(a))
            notes.append(f"{name} {error:.1e}")
            if not error <= 1e-4:
                faults.append(f"{name}: relative error {error:.2e}")
        elif not torch.equal(a, b):
            faults.append(f"{name}: differs in {int((a != b).sum())} of {a.numel()} values")
    return faults, notes


def against(root, names):
    names, failed, references = names or sorted(os.listdir(f"{root}/cases")), 0, {}
    for name in names:
        with open(f"{root}/cases/{name}/case.json", encoding="utf-8") as f:
            told = json.load(f)
        where = f"{root}/{told['checkpoint']}"
        reference = references.setdefault(where, None) or Reference(where)
        references[where] = reference
        decoding = told.get("decoding", told)
        case = {k: told[k] for k in ("sampling", "input_fps", "mrope", "system", "fps", "min_pixels", "max_pixels")
                if told.get(k) is not None}
        case.update(inputs=[(i["kind"], i["path"]) for i in told["inputs"]], tokens=decoding["max_new_tokens"],
                    penalty=decoding.get("repetition_penalty"))
        got, _, _ = reference.run(reference.inputs(root, case), case, told["prompt"])
        want = load_file(f"{root}/cases/{name}/golden.safetensors")
        want.pop("frames_rgb", None)
        faults, notes = compare(want, got)
        print(f"{'FAIL' if faults else 'ok  '} {name}: {len(want)} tensors, relative error of {', '.join(notes)}")
        for fault in faults:
            print(f"     {fault}")
        failed += bool(faults)
    print(f"{len(names) - failed} passed, {failed} failed")
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--against", metavar="DIR")
    parser.add_argument("cases", nargs="*", metavar="CASE")
    arguments = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    if arguments.against:
        return against(arguments.against, arguments.cases)
    if arguments.check:
        return against(HERE, arguments.cases)
    print(f"{write_all(HERE)} bytes", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
