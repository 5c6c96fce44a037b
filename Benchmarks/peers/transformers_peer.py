#!/usr/bin/env python3
"""Measures transformers on one checkpoint, in f32 or bf16 (--type). compare.py starts it.

Prefill, decoding and the vision tower as in `reelscribe bench`; `ask` is one question about a video, prepared by qwen-vl-utils
and answered by generate(), greedy, with the prompt of `reelscribe ask`.
"""
import sys

import torch
import worker

worker.load_torchvision()


def positions(start, count):
    return torch.arange(start, start + count).expand(3, 1, count)


def prefill(model):
    for tokens in worker.PREFILL:
        ids = torch.tensor([worker.ids(tokens)])

        def run():
            state = model.model.language_model(input_ids=ids, position_ids=positions(0, tokens), use_cache=True)
            model.lm_head(state.last_hidden_state[:, -1:])

        worker.tell(f"prefill_{tokens}", tokens / worker.seconds(run), "tokens/s")


def decode(model):
    start, steps = worker.CONTEXT, worker.STEPS
    ids = torch.tensor([worker.ids(start + steps)])
    language = model.model.language_model
    cache = language(input_ids=ids[:, :start], position_ids=positions(0, start), use_cache=True).past_key_values

    def run():
        for step in range(start, start + steps):
            state = language(input_ids=ids[:, step:step + 1], position_ids=positions(step, 1), past_key_values=cache,
                             use_cache=True)
            model.lm_head(state.last_hidden_state)
        cache.crop(-steps)

    worker.tell("decode", steps / worker.seconds(run), "tokens/s")


def vision(model):
    tower = model.model.visual
    grid = torch.tensor([[1, worker.HEIGHT // 14, worker.WIDTH // 14]])
    rows = int(grid.prod())
    pixels = ((torch.arange(rows * 1176) % 251) / 125 - 1).reshape(rows, 1176).to(model.dtype)
    worker.tell("vision", rows / worker.seconds(lambda: tower(pixels, grid_thw=grid)), "patches/s")


def main():
    from transformers import Qwen2VLForConditionalGeneration
    options = worker.options(__doc__)
    torch.set_num_threads(options.threads)
    kinds = {"f32": torch.float32, "bf16": torch.bfloat16}
    model = Qwen2VLForConditionalGeneration.from_pretrained(options.model, dtype=kinds[options.type]).eval()
    with torch.inference_mode():
        return worker.main({
            "prefill": lambda: prefill(model), "decode": lambda: decode(model), "vision": lambda: vision(model),
            "ask": lambda: worker.ask(model, options)}, options.parts.split(","))


if __name__ == "__main__":
    sys.exit(main())
