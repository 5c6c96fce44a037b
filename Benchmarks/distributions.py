"""What a checkpoint says at each position, by `reelscribe trace`, and how far two such records are apart. Needs numpy."""
import json
import pathlib
import struct
import subprocess
import tempfile

import numpy

KINDS = {"F32": numpy.float32, "I64": numpy.int64, "F64": numpy.float64, "U8": numpy.uint8}


def tensors(path):
    """The tensors of a trace, by name."""
    data = path.read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + size])
    return {
        name: numpy.frombuffer(
            data[8 + size + entry["data_offsets"][0] : 8 + size + entry["data_offsets"][1]], KINDS[entry["dtype"]]
        ).reshape(entry["shape"])
        for name, entry in header.items()
        if name != "__metadata__"
    }


def questions(dataset, limit, evenly=True):
    """Videos with a question each, of a dataset of `reelscribe eval`: `limit` of them, evenly from all of it or the first."""
    lines = [json.loads(line) for line in dataset.read_text().splitlines()]
    lines = [line for line in lines if "question" in line]
    count = min(limit, len(lines))
    chosen = [lines[number * len(lines) // count if evenly else number] for number in range(count)]
    return [(dataset.parent / line["video"], line["question"]) for line in chosen]


def trace(program, video, question, *options, tokens=24):
    """The tensors of a run with the logits of all positions, greedy as every trace is."""
    with tempfile.TemporaryDirectory() as folder:
        output = pathlib.Path(folder) / "trace.safetensors"
        done = subprocess.run(
            [program, "trace", str(video), "--prompt", question, "--all-logits", "--max-new-tokens", str(tokens),
             "--output", str(output), "--log-level", "error", "--progress", "none", *options],
            stderr=subprocess.PIPE, text=True)
        if done.returncode:
            raise SystemExit(done.stderr)
        return tensors(output)


def behind_video(trace):
    """The first position behind the visual input: its tokens are the most frequent id."""
    ids, counts = numpy.unique(trace["input_ids"], return_counts=True)
    if counts.max() != len(trace["vision_embeds"]):
        raise SystemExit("some token of the text is more frequent than those of the video")
    return int(numpy.flatnonzero(trace["input_ids"] == ids[counts.argmax()])[-1]) + 1


def log_softmax(logits):
    shifted = logits.astype(numpy.float64) - logits.max(axis=-1, keepdims=True)
    return shifted - numpy.log(numpy.exp(shifted).sum(axis=-1, keepdims=True))


class Comparison:
    """Distributions of the next token against the exact ones, position for position."""

    def __init__(self):
        self.divergences, self.agreements = [], []

    def add(self, exact, other):
        """Takes logits `[positions, vocabulary]`."""
        right, found = log_softmax(exact), log_softmax(other)
        self.divergences.append((numpy.exp(right) * (right - found)).sum(axis=-1))
        self.agreements.append(right.argmax(axis=-1) == found.argmax(axis=-1))

    @property
    def positions(self):
        return sum(part.size for part in self.agreements)

    @property
    def mean(self):
        """KL divergence in nats; below the precision of the sums it can be a little less than nothing."""
        return max(numpy.concatenate(self.divergences).mean(), 0)

    @property
    def largest(self):
        return max(numpy.concatenate(self.divergences).max(), 0)

    @property
    def agreement(self):
        """Share of the positions at which the most likely token is the same."""
        return numpy.concatenate(self.agreements).mean()
