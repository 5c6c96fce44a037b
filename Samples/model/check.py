#!/usr/bin/env python3
"""Holds the training passes of network.py against the Qwen2-VL class of transformers. usage: check.py

Random weights, clips of several shapes, one question each: positions must be equal, hidden states the same to rounding.
"""
import random

import torch

import network
import train
import scenes


def main():
    torch.set_num_threads(1)
    tokenizer = network.load_tokenizer()
    model = network.new_model(tokenizer, seed=3).eval()
    for p in model.parameters():
        if p.dim() == 1:
            torch.nn.init.normal_(p, mean=0.5, std=0.3)
    teller = train.Teller(tokenizer)
    worst = 0.0
    for index, aspect in enumerate(scenes.world.ASPECTS):
        rng = random.Random(index)
        pairs = rng.randint(2, 9)
        frames, _, branches = scenes.clip_example(rng, aspect, pairs, 3)
        frames = torch.from_numpy(frames)
        grid = frames.shape[2] // network.PATCH, frames.shape[3] // network.PATCH
        rows = network.patches(frames)
        prompt, answer = branches[0].prompt, branches[0].answer
        grid_thw = torch.tensor([[pairs, *grid]])
        with torch.no_grad():
            tokens = network.see(model.model.visual, rows, grid).reshape(1, -1, network.HIDDEN)
            theirs = model.model.visual(rows.flatten(0, 1), grid_thw=grid_thw)
            theirs = getattr(theirs, "pooler_output", theirs)
            theirs = (torch.cat(theirs) if isinstance(theirs, (tuple, list)) else theirs).reshape(tokens.shape)
            worst = max(worst, float((tokens - theirs).abs().max()))
            ids, positions, mask, _, first = train.lay_out(teller, [[teller.branch(prompt, answer)]], grid, pairs)
            ids[:, first:first + tokens.shape[1]] = tokenizer.token_to_id("<|video_pad|>")
            text = model.model.language_model
            x = text.embed_tokens(ids)
            x[:, first:first + tokens.shape[1]] = tokens
            ours, _ = network.think(text, x, positions, mask)
            out = text(inputs_embeds=x, position_ids=positions.transpose(0, 1), attention_mask=None, use_cache=False)
            worst = max(worst, float((ours - out.last_hidden_state).abs().max()))
    print(f"largest difference {worst:.2e}")
    assert worst < 2e-4


if __name__ == "__main__":
    main()
