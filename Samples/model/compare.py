#!/usr/bin/env python3
"""Asks the same questions of the same clips through the tool and through the Qwen2-VL class of transformers.

usage: compare.py REELSCRIBE DATASET_FOLDER [--model DIR] [--clips 50] [--questions 3]

The class gets its own resizing and patches: frames come from the tool's trace (--with-frames), everything behind them is
transformers'. Both run in 32-bit arithmetic, greedy. Positions follow the rule `max` on both sides, since transformers 5
counts on from the clip differently. The tool's patches are also held against those that training would have made of the
same frames (Pillow's resizing). Prints one line of JSON for each difference and a summary; exit code 1 with any.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file

import network
from network import Qwen2VLForConditionalGeneration


def positions_of(prefix, pairs, rows, columns, total):
    """M-RoPE positions [3, 1, total] of a prompt with one clip behind `prefix` tokens."""
    visual = pairs * rows * columns
    t, h, w = torch.meshgrid(torch.arange(pairs), torch.arange(rows), torch.arange(columns), indexing="ij")
    following = prefix + max(pairs, rows, columns)
    return torch.cat([
        torch.arange(prefix).expand(3, -1), prefix + torch.stack([t.flatten(), h.flatten(), w.flatten()]),
        (following + torch.arange(total - prefix - visual)).expand(3, -1)], dim=1)[:, None]


def resized(frames):
    """U8 [T, H, W, 3] as sampled -> U8 [pairs, 2, h, w, 3] by the resampling of torchvision, as in the reference."""
    from torchvision.transforms import InterpolationMode
    from torchvision.transforms.functional import resize

    width, height = network.frame_size(frames.shape[2], frames.shape[1])
    if frames.shape[0] % 2:
        frames = torch.cat([frames, frames[-1:]])
    small = resize(frames.permute(0, 3, 1, 2), [height, width], InterpolationMode.BICUBIC, antialias=True)
    return small.permute(0, 2, 3, 1).reshape(-1, 2, height, width, 3)


def trained_on(frames):
    """The patch rows that training makes of sampled frames; see scenes.Camera."""
    size = network.frame_size(frames.shape[2], frames.shape[1])
    small = [np.asarray(Image.fromarray(f.numpy()).resize(size, Image.BICUBIC)) for f in frames]
    small += small[-1:] * (len(small) % 2)
    return network.patches(torch.from_numpy(np.stack(small)).reshape(-1, 2, size[1], size[0], 3)).flatten(0, 1)


@torch.no_grad()
def answer(model, tokenizer, frames, question, most=40):
    pairs = resized(frames)
    rows, columns = pairs.shape[2] // network.PATCH, pairs.shape[3] // network.PATCH
    tokens = len(pairs) * rows * columns // 4
    text = (f"<|im_start|>system\n{network.language.PROMPTS['system']}<|im_end|>\n<|im_start|>user\n<|vision_start|>"
            + "<|video_pad|>" * tokens + f"<|vision_end|>{question}<|im_end|>\n<|im_start|>assistant\n")
    ids = tokenizer.encode(text).ids
    prefix = ids.index(tokenizer.token_to_id("<|video_pad|>"))
    made, gaps = [], []
    while len(made) < most:
        all_ids = torch.tensor([ids + made])
        out = model(
            input_ids=all_ids, pixel_values_videos=network.patches(pairs).flatten(0, 1),
            video_grid_thw=torch.tensor([[len(pairs), rows, columns]]), attention_mask=torch.ones_like(all_ids),
            position_ids=positions_of(prefix, len(pairs), rows // 2, columns // 2, all_ids.shape[1]))
        best = out.logits[0, -1].topk(2)
        gaps.append(float(best.values[0] - best.values[1]))
        made.append(int(best.indices[0]))
        if made[-1] == tokenizer.token_to_id("<|im_end|>"):
            break
    return made, gaps


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reelscribe")
    parser.add_argument("dataset", type=pathlib.Path)
    parser.add_argument("--model", default=str(network.HERE))
    parser.add_argument("--clips", type=int, default=50)
    parser.add_argument("--questions", type=int, default=3)
    options = parser.parse_args()
    tokenizer = network.load_tokenizer()
    model = Qwen2VLForConditionalGeneration.from_pretrained(options.model, dtype=torch.float32).eval()
    asked = {}
    for line in map(json.loads, (options.dataset / "dataset.jsonl").read_text().splitlines()):
        if "question" in line:
            asked.setdefault(line["video"], []).append(line["question"])
    clips = list(asked)[:options.clips]
    same = total = 0
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        trace = f"{folder}/trace.safetensors"
        for clip in clips:
            for question in asked[clip][:options.questions]:
                subprocess.run(
                    [options.reelscribe, "trace", options.dataset / clip, "--model", options.model, "--prompt", question,
                     "--sampling", "pts", "--with-frames", "--max-new-tokens", "40", "--output", trace,
                     "--progress", "none"], check=True, stdout=subprocess.DEVNULL)
                tensors = load_file(trace)
                gap = (tensors["pixel_values"] - trained_on(tensors["frames_rgb"])).abs().max()
                worst = max(worst, float(gap) * 255 * min(network.STD64))
                theirs, gaps = answer(model, tokenizer, tensors["frames_rgb"], question)
                ours = tensors["generated_ids"].tolist()
                total += 1
                same += ours == theirs
                if ours != theirs:
                    at = next((i for i, (a, b) in enumerate(zip(ours, theirs)) if a != b), min(len(ours), len(theirs)) - 1)
                    print(json.dumps({"clip": clip, "question": question, "reelscribe": tokenizer.decode(ours),
                                      "transformers": tokenizer.decode(theirs), "gap": round(gaps[at], 5)}))
    print(json.dumps({"clips": len(clips), "questions": total, "same": same, "pixel_levels_apart": round(worst, 2)}))
    sys.exit(same != total)


if __name__ == "__main__":
    main()
