#!/usr/bin/env python3
"""What storing keys and values in fewer bits (--kv) does to a checkpoint's distributions.

    Benchmarks/kv_error.py --dataset questions.jsonl --limit 40

For each question of a dataset of `reelscribe eval`, the logits of all positions behind the video are traced with
--kv f32, f16 and int8. Told are, against f32: the mean and the largest KL divergence of the next token's distribution
in nats, how often the most likely token is the same, and how many greedy answers are the same, token for token.
"""
import argparse
import json
import pathlib
import struct
import subprocess
import sys
import tempfile

import numpy


def tensors(path):
    data = path.read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + size])
    kinds = {"F32": numpy.float32, "I64": numpy.int64, "F64": numpy.float64, "U8": numpy.uint8}
    return {
        name: numpy.frombuffer(
            data[8 + size + entry["data_offsets"][0] : 8 + size + entry["data_offsets"][1]], kinds[entry["dtype"]]
        ).reshape(entry["shape"])
        for name, entry in header.items()
        if name != "__metadata__"
    }


def log_softmax(logits):
    shifted = logits.astype(numpy.float64) - logits.max(axis=-1, keepdims=True)
    return shifted - numpy.log(numpy.exp(shifted).sum(axis=-1, keepdims=True))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reelscribe", default=".build/release/reelscribe")
    parser.add_argument("--dataset", required=True, type=pathlib.Path)
    parser.add_argument("--limit", type=int, default=40, help="questions")
    parser.add_argument("options", nargs="*", help="passed to reelscribe trace, behind --")
    arguments = parser.parse_args()
    lines = [json.loads(line) for line in arguments.dataset.read_text().splitlines()]
    questions = [line for line in lines if "question" in line][: arguments.limit]
    kinds = ("f16", "int8")
    divergences = {kind: [] for kind in kinds}
    agreements = {kind: [] for kind in kinds}
    answers = {kind: 0 for kind in kinds}
    with tempfile.TemporaryDirectory() as folder:
        for number, line in enumerate(questions):
            found = {}
            for kind in ("f32",) + kinds:
                output = pathlib.Path(folder) / f"{kind}.safetensors"
                subprocess.run(
                    [arguments.reelscribe, "trace", str(arguments.dataset.parent / line["video"]), "--prompt",
                     line["question"], "--all-logits", "--kv", kind, "--max-new-tokens", "24", "--output", str(output),
                     "--log-level", "error", *arguments.options],
                    check=True, stderr=subprocess.DEVNULL)
                found[kind] = tensors(output)
            exact = found["f32"]
            first = exact["input_ids"].size - int((exact["position_ids"][0][::-1] == exact["position_ids"][1][::-1]).argmin())
            right = log_softmax(exact["logits"][first:])
            for kind in kinds:
                other = log_softmax(found[kind]["logits"][first:])
                divergences[kind].append((numpy.exp(right) * (right - other)).sum(axis=-1))
                agreements[kind].append(right.argmax(axis=-1) == other.argmax(axis=-1))
                answers[kind] += numpy.array_equal(exact["generated_ids"], found[kind]["generated_ids"])
            print(f"\r{number + 1} of {len(questions)}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    print(f"{'kv':6} {'mean KL':>10} {'largest':>10} {'same top token':>15} {'same answer':>12}")
    for kind in kinds:
        divergence, agreement = numpy.concatenate(divergences[kind]), numpy.concatenate(agreements[kind])
        print(f"{kind:6} {divergence.mean():10.2e} {divergence.max():10.2e} {agreement.mean():14.3%} "
              f"{answers[kind]:5} of {len(questions)}")
    print(f"positions: {sum(part.size for part in agreements['int8'])}")


if __name__ == "__main__":
    main()
