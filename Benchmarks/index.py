#!/usr/bin/env python3
"""Times the second question about a video against the first: what an index saves.

Writes a checkpoint of random weights of the published 2B shape (4.4 GB, or less with --layers and --depth), renders a clip
of as many pairs of frames as the visual tokens ask for, and asks three times with a process each: without a cache, with an
empty one, and with what that left. Compares the answers byte by byte. Prints one JSON document; exit status 1 where an
answer differs.

usage: Benchmarks/index.py [--tokens N] [--layers N] [--depth N] [--new-tokens N] [--threads N] [--no-cold] [--keep DIR]
                           [--binary PATH]
Needs ffmpeg with libx264, numpy, and disk for the checkpoint and twice the prefix (57 KB a token).
"""
import argparse
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import random_checkpoint

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Visual tokens of a pair of 448×252 pictures at the default detail.
PER_PAIR = 112


def run(command):
    start = time.monotonic()
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return time.monotonic() - start, json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, default=8192)
    parser.add_argument("--layers", type=int, default=28)
    parser.add_argument("--depth", type=int, default=32)
    parser.add_argument("--new-tokens", type=int, default=16)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--no-cold", action="store_true", help="leave out the run without a cache")
    parser.add_argument("--keep", type=pathlib.Path)
    parser.add_argument("--binary", default=str(ROOT / ".build" / "release" / "reelscribe"))
    options = parser.parse_args()
    work = options.keep or pathlib.Path(tempfile.mkdtemp())
    try:
        model = random_checkpoint.at(work, options.layers, options.depth)
        seconds = -(-options.tokens // PER_PAIR)
        clip = work / f"clip-{seconds}.mp4"
        if not clip.exists():
            subprocess.run(["ffmpeg", "-hide_banner", "-loglevel", "error", "-y", "-f", "lavfi", "-i",
                            f"testsrc2=size=448x252:rate=8:duration={seconds}", "-c:v", "libx264", "-preset", "veryfast",
                            "-pix_fmt", "yuv420p", str(clip)], check=True)
        cache = work / "cache"
        shutil.rmtree(cache, ignore_errors=True)
        command = [options.binary, "ask", str(clip), "What happens in this video?", "--model", str(model),
                   "--max-new-tokens", str(options.new_tokens)]
        if options.threads:
            command += ["--threads", str(options.threads)]
        cached = command + ["--cache-dir", str(cache)]
        lines = [("without", command)] * (not options.no_cold) + [("first", cached), ("second", cached)]
        runs = [(name, *run(line)) for name, line in lines]
        documents = [document for _, _, document in runs]
        timings = [document.pop("timing") for document in documents]
        same = all(document == documents[0] for document in documents)
        print(json.dumps({
            "benchmark": "index", "layers": options.layers, "depth": options.depth,
            "visual_tokens": documents[0]["usage"]["visual_tokens"],
            "generated_tokens": documents[0]["usage"]["generated_tokens"],
            "checkpoint_bytes": (model / "model.safetensors").stat().st_size,
            "index_bytes": sum(file.stat().st_size for file in cache.iterdir()),
            "seconds": {name: round(seconds, 2) for name, seconds, _ in runs},
            "stages": {name: timing for (name, _, _), timing in zip(runs, timings)},
            "first_by_second": round(runs[-2][1] / runs[-1][1], 1), "same_answers": same}, indent=2))
        return 0 if same else 1
    finally:
        if not options.keep:
            shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
