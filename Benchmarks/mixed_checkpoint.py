"""Checkpoints in which single matrices keep other bits than `reelscribe model quantize` gives them. Needs numpy.

The matrices are those of `model quantize`, byte for byte; what it never stores in 4 bits is packed here, by the same rule.
The layout is told in Documentation/Models.md.
"""
import json
import pathlib
import shutil
import struct
import subprocess

import numpy

GROUP, ROWS = 64, 16
# How many steps the range of a group is cut into, in the order in which they are tried.
STEPS = (15, 14, 14.5, 15.5, 16, 17, 18, 19.5)


class File:
    """A safetensors file."""

    def __init__(self, path):
        self.bytes = numpy.memmap(path, numpy.uint8, "r")
        (size,) = struct.unpack("<Q", self.bytes[:8].tobytes())
        header = json.loads(self.bytes[8 : 8 + size].tobytes())
        header.pop("__metadata__", None)
        self.entries, self.start = header, 8 + size

    def __contains__(self, name):
        return name in self.entries

    def tensor(self, name):
        """Scalar type, shape and bytes."""
        entry = self.entries[name]
        first, end = entry["data_offsets"]
        return entry["dtype"], entry["shape"], self.bytes[self.start + first : self.start + end]

    def numbers(self, name):
        """A matrix `[rows, columns]` in 32 bits."""
        kind, shape, data = self.tensor(name)
        if kind == "BF16":
            values = (data.view(numpy.uint16).astype(numpy.uint32) << 16).view(numpy.float32)
        else:
            values = data.view({"F16": numpy.float16, "F32": numpy.float32}[kind]).astype(numpy.float32)
        return values.reshape(shape[0], -1)


class Mixtures:
    """Mixtures of what a checkpoint holds, of its copy in `int8` and of its copy in `int4`."""

    def __init__(self, program, model, folder):
        self.folder = pathlib.Path(folder)
        self.original = File(pathlib.Path(model) / "model.safetensors")
        self.copies = {}
        for kind in ("int8", "int4"):
            copy = self.folder / kind
            subprocess.run(
                [program, "model", "quantize", str(model), "--weights", kind, "--output", str(copy),
                 "--progress", "none"], check=True, stdout=subprocess.DEVNULL)
            self.copies[kind] = File(copy / "model.safetensors")
        self.packed = {}
        own = [name for name in self.matrices if self.kind("int4", name) == "int4"]
        smallest = min(own, key=lambda name: self.copies["int4"].tensor(name)[2].size)
        if not numpy.array_equal(self.pack(smallest), self.copies["int4"].tensor(smallest)[2]):
            raise SystemExit(f"{smallest}: 4 bits are packed in another way than `model quantize` does")

    @property
    def matrices(self):
        """Names of the matrices that can be in groups, the head by its own name where it is tied."""
        return [name for name, entry in self.copies["int8"].entries.items() if entry["dtype"] == "U8"]

    def kind(self, copy, name):
        """How a copy stores a matrix."""
        _, shape, _ = self.copies[copy].tensor(name)
        return {1088: "int8", 576: "int4"}[shape[-1]]

    def pack(self, name):
        """The bytes of a matrix in 4 bits."""
        if name not in self.packed:
            source = name if name in self.original else "model.embed_tokens.weight"
            self.packed[name] = packed(self.original.numbers(source))
        return self.packed[name]

    def write(self, formats):
        """Writes a checkpoint in which matrices have `formats`, by name, and all else is as stored; gives folder and bytes."""
        names = [name for name in self.original.entries if name not in formats]
        # Groups first: every tensor then lies where its numbers are aligned.
        parts = []
        for name, kind in formats.items():
            _, shape, data = self.copies["int8"].tensor(name)
            if kind == "int4":
                shape = shape[:2] + [576]
                stored = self.copies["int4"]
                data = stored.tensor(name)[2] if self.kind("int4", name) == "int4" else self.pack(name)
            parts.append((name, "U8", shape, data))
        parts += [(name, *self.original.tensor(name)) for name in names]
        header, offset = {}, 0
        for name, kind, shape, data in parts:
            header[name] = {"dtype": kind, "shape": shape, "data_offsets": [offset, offset + data.size]}
            offset += data.size
        text = json.dumps(header).encode()
        text += b" " * (-(len(text) + 8) % GROUP)
        place = self.folder / "mixture"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        for path in (self.folder / "int8").iterdir():
            if path.suffix != ".safetensors":
                (place / path.name).symlink_to(path.resolve())
        with open(place / "model.safetensors", "wb") as file:
            file.write(struct.pack("<Q", len(text)) + text)
            for *_, data in parts:
                file.write(data)
        return place, offset


def packed(matrix):
    """A matrix in groups of 4 bits: of eight cuts of the range of a group, the one with the least squares."""
    rows, columns = matrix.shape
    groups = -(-columns // GROUP)
    # The last number again in columns that there are not.
    matrix = numpy.pad(matrix, ((0, 0), (0, groups * GROUP - columns)), mode="edge")
    tiles = [pack_rows(matrix[first : first + ROWS], groups) for first in range(0, rows, ROWS)]
    return numpy.concatenate(tiles).reshape(-1)


def total(values):
    """Sums of groups in the order of the kernels: 16 places, then halves."""
    sums = values[..., 0:16]
    for first in range(16, GROUP, 16):
        sums = sums + values[..., first : first + 16]
    while sums.shape[-1] > 1:
        half = sums.shape[-1] // 2
        sums = sums[..., :half] + sums[..., half:]
    return sums[..., 0]


def halves(values):
    return values.astype(numpy.float16)


def pack_rows(matrix, groups):
    one = numpy.float32
    w = numpy.zeros((ROWS, groups * GROUP), one)
    w[: len(matrix)] = matrix
    w = w.reshape(ROWS, groups, GROUP)
    lowest = w.min(axis=-1)
    span = w.max(axis=-1) - lowest
    flat = span == 0
    span[flat] = 1
    least = numpy.full(span.shape, numpy.inf, one)
    scale, minimum = numpy.zeros(span.shape, numpy.float16), halves(lowest)
    levels = numpy.zeros(w.shape, one)
    for steps in STEPS:
        q = numpy.rint(numpy.clip((w - lowest[..., None]) * (one(steps) / span)[..., None], 0, 15))
        sq, sqq, sw, sqw = total(q), total(q * q), total(w), total(q * w)
        determinant = one(GROUP) * sqq - sq * sq
        fits = determinant > 0
        divisor = numpy.where(fits, determinant, one(1))
        best = halves(numpy.where(fits, (one(GROUP) * sqw - sq * sw) / divisor, span / one(steps)))
        offset = halves(numpy.where(fits, (sqq * sw - sq * sqw) / divisor, lowest))
        miss = best.astype(one)[..., None] * q + offset.astype(one)[..., None] - w
        error = total(miss * miss)
        better = (error < least) & ~flat
        least[better] = error[better]
        scale[better], minimum[better] = best[better], offset[better]
        levels[better] = q[better]
    blocks = numpy.zeros((groups, 576), numpy.uint8)
    # [groups, quads, rows, columns of a quad]
    quads = levels.astype(numpy.uint8).reshape(ROWS, groups, GROUP // 4, 4).transpose(1, 2, 0, 3)
    half = GROUP // 8
    blocks[:, :512] = (quads[:, :half] | quads[:, half:] << 4).reshape(groups, 512)
    blocks[:, 512:544] = numpy.ascontiguousarray(scale.T).view(numpy.uint8)
    blocks[:, 544:] = numpy.ascontiguousarray(minimum.T).view(numpy.uint8)
    return blocks
