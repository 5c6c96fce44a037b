#!/usr/bin/env python3
"""Writes cuts.json: which tokens the reference's logits processors keep, and what they make of the logits.

Runs the processors of Hugging Face transformers (5.23, torch 2.13 on a CPU) in the order of its generate():
repetition penalty, temperature, top-k, top-p. Logits are given by their bit patterns. Half of the cases draw their
logits from few values, so that ties stand at the boundaries.

usage: make.py > cuts.json
"""
import json

import numpy as np
import torch
from transformers.generation.logits_process import (
    RepetitionPenaltyLogitsProcessor, TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper)

rng = np.random.default_rng(20240914)
cases = []
for number in range(120):
    vocabulary = int(rng.integers(1, 40))
    logits = (rng.standard_normal(vocabulary) * 4).astype(np.float32)
    if number % 2:
        logits = np.round(logits / 3).astype(np.float32) * 3
    prompt = rng.integers(0, vocabulary, int(rng.integers(0, 12))).tolist()
    penalty = float(rng.choice([1.0, 1.05, 1.3, 0.8]))
    temperature = float(rng.choice([1.0, 0.01, 0.5, 0.7, 1.5]))
    top_k = int(rng.choice([0, 1, 2, 5, 20, 100]))
    top_p = float(rng.choice([1.0, 0.001, 0.3, 0.5, 0.9, 0.95, 0.0]))
    scores = torch.from_numpy(logits)[None]
    ids = torch.tensor([prompt], dtype=torch.long)
    if penalty != 1.0 and prompt:
        scores = RepetitionPenaltyLogitsProcessor(penalty)(ids, scores)
    greedy = int(scores[0].argmax())
    if temperature != 1.0:
        scores = TemperatureLogitsWarper(temperature)(ids, scores)
    if top_k:
        scores = TopKLogitsWarper(top_k)(ids, scores)
    if top_p < 1.0:
        scores = TopPLogitsWarper(top_p)(ids, scores)
    kept = [i for i in range(vocabulary) if scores[0, i] > -float("inf")]
    cases.append({
        "logit_bits": logits.view(np.uint32).tolist(), "prompt": prompt, "repetition_penalty": penalty,
        "temperature": temperature, "top_k": top_k, "top_p": top_p, "greedy": greedy, "kept": kept,
        "probabilities": [round(float(p), 6) for p in scores[0].double().softmax(0)[kept]],
    })
print("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]")
