"""Writes blocks.safetensors: random blocks of every type, and their numbers by the `gguf` Python package.

    pip install gguf==0.19.0 numpy && python make.py

A second reading of the format that owes nothing to ours. Seed and versions are in the file's metadata.
"""

import json
import struct
from importlib.metadata import version
from pathlib import Path

import gguf
import numpy as np

SEED = 20240917
BLOCKS = 6
# Where half-precision factors lie in a block; all other bytes are free.
FACTORS = {
    "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "Q4_K": [0, 2], "Q5_K": [0, 2],
    "Q6_K": [208],
}

random = np.random.default_rng(SEED)
tensors = {}
for name, places in FACTORS.items():
    kind = gguf.GGMLQuantizationType[name]
    count, size = gguf.GGML_QUANT_SIZES[kind]
    blocks = random.integers(0, 256, (BLOCKS, size), dtype=np.uint8)
    for place in places:
        factors = random.uniform(-0.1, 0.1, BLOCKS).astype(np.float16)
        factors[0] = np.float16(6e-8)  # the smallest subnormal
        blocks[:, place : place + 2] = factors.view(np.uint8).reshape(BLOCKS, 2)
    values = gguf.quants.dequantize(blocks.reshape(1, -1), kind).astype(np.float32).reshape(-1)
    assert values.size == BLOCKS * count and np.isfinite(values).all()
    tensors[name.lower() + ".values"] = ("F32", values)
    tensors[name.lower() + ".blocks"] = ("U8", blocks.reshape(-1))

header = {"__metadata__": {"gguf": version("gguf"), "numpy": np.__version__, "seed": str(SEED)}}
data = b""
for name, (scalar, array) in sorted(tensors.items(), key=lambda item: item[1][0] != "F32"):
    header[name] = {
        "dtype": scalar, "shape": list(array.shape), "data_offsets": [len(data), len(data) + array.nbytes]
    }
    data += array.tobytes()
text = json.dumps(header, separators=(",", ":")).encode()
text += b" " * (-len(text) % 8)
path = Path(__file__).parent / "blocks.safetensors"
path.write_bytes(struct.pack("<Q", len(text)) + text + data)
print(path, path.stat().st_size)
