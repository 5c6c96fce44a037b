#!/usr/bin/env python3
"""Makes resize.safetensors: small pictures and what the reference's resampler makes of them.

usage: make.py [--random N] [OUTPUT]

For each case `N`: `N.rgb` U8 [H,W,3] (noise, gradients, or black and white, all from one seed) and `N.f32`
F32 [3,h,w], torch's antialiased bicubic interpolation in 32 bits, neither clamped nor rounded. Clamped and rounded
levels follow from it. Needs torch; its AVX2 code is asked for, whose order of operations is the one we follow.

--random N adds N cases of random sizes, for a longer comparison than the file in the repository can hold: give it
another OUTPUT, and that as REELSCRIBE_RESIZE_FIXTURE to `swift test -c release --filter ResamplerTests`.
"""
import json
import os
import pathlib
import random
import struct
import sys

os.environ["ATEN_CPU_CAPABILITY"] = "avx2"
import numpy as np  # noqa: E402
import torch  # noqa: E402

SEED = 20240917
# (width, height) in, (width, height) out: each axis alone, unchanged, enlarged, shrunk by whole and odd factors, with
# 1 to 45 taps (every remainder by four), widths around 16 and 64, and the smallest sizes there are.
CASES = [
    ((1, 1), (1, 1)), ((1, 1), (28, 28)), ((2, 3), (5, 4)), ((40, 30), (40, 30)), ((40, 30), (40, 13)),
    ((40, 30), (17, 30)), ((56, 28), (28, 14)), ((37, 23), (31, 20)), ((19, 47), (33, 17)), ((90, 17), (65, 16)),
    ((150, 33), (64, 9)), ((16, 300), (15, 28)), ((300, 16), (28, 15)), ((7, 5), (66, 3)), ((128, 72), (42, 28)),
]


def picture(rng, kind, width, height):
    if kind == 0:
        return rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    if kind == 1:
        return (rng.integers(0, 2, (height, width, 3)) * 255).astype(np.uint8)
    y, x = np.mgrid[0:height, 0:width]
    planes = [x * 255 // max(width - 1, 1), y * 255 // max(height - 1, 1), (x * 3 + y * 5) % 256]
    return np.stack(planes, axis=-1).astype(np.uint8)


def main(arguments):
    extra = 0
    if arguments[:1] == ["--random"]:
        extra, arguments = int(arguments[1]), arguments[2:]
    output = pathlib.Path(arguments[0] if arguments else pathlib.Path(__file__).parent / "resize.safetensors")
    rng, sizes = np.random.default_rng(SEED), random.Random(SEED)
    cases = list(CASES)
    for _ in range(extra):
        top = sizes.choice((40, 300, 900))
        # Targets are two wide at least: torch goes another way for one column, and ours are never below a patch.
        cases.append(tuple((sizes.randint(n, top), sizes.randint(n, top)) for n in (1, 2)))
    tensors = {}
    for number, (source, target) in enumerate(cases):
        rgb = picture(rng, number % 3, *source)
        planes = torch.from_numpy(rgb).permute(2, 0, 1)[None].to(torch.float32)
        result = torch.nn.functional.interpolate(
            planes, size=target[::-1], mode="bicubic", antialias=True, align_corners=False)[0]
        tensors[f"{number}.rgb"] = ("U8", rgb)
        tensors[f"{number}.f32"] = ("F32", result.contiguous().numpy())
    header, body = {"__metadata__": {"torch": torch.__version__, "capability":
                                     torch.backends.cpu.get_cpu_capability(), "seed": str(SEED)}}, b""
    for name, (kind, array) in tensors.items():
        header[name] = {"dtype": kind, "shape": list(array.shape),
                        "data_offsets": [len(body), len(body) + array.nbytes]}
        body += array.tobytes()
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    output.write_bytes(struct.pack("<Q", len(text)) + text + body)
    print(f"{output}: {len(cases)} cases, {output.stat().st_size} bytes, {header['__metadata__']}")


if __name__ == "__main__":
    main(sys.argv[1:])
