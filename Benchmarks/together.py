#!/usr/bin/env python3
"""Jobs an hour of `reelscribe run --together 1` beside several jobs open at once, by turns.

usage: together.py [--together N,N…] [--runs N] [--jobs N] [--tokens N] [--layers N] [--depth N] [--work DIR] [--tool PATH]

Measures the sample model and, with --layers, a checkpoint of random weights of the 2B shape with so many layers (numpy is
needed for it; without --layers it is left out). Every job asks one question of a clip of Samples and gets --tokens tokens.
Writes a line of JSON a model to standard output: medians of seconds, how many times as many jobs an hour as one after the
other, and peak memory. Ends with 1 where a document differs from that of one job after the other.
"""
import argparse
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
CLIPS = ["sample-world.mp4", "shapes-and-cuts.mp4", "countdown-portrait.mov", "street-crossing.mkv"]


def manifest(jobs, tokens):
    options = {"max-new-tokens": tokens, "end": 2, "fps": 2, "detail": "low", "temperature": 1, "seed": 7}
    return "".join(
        json.dumps({"id": str(number), "video": str(ROOT / "Samples" / CLIPS[number % len(CLIPS)]), "task": "ask",
                    "questions": [f"What is to be seen, for the {number + 1}. time?"], "options": options}) + "\n"
        for number in range(jobs))


def run(options, model, folder, together):
    output, summary = folder / f"{together}.jsonl", folder / "summary.json"
    ended = subprocess.run(
        [options.tool, "run", "--model", str(model), "--input", str(folder / "jobs.jsonl"), "--output", str(output), "--force",
         "--no-timing", "--together", str(together), "--summary", str(summary), "--log-level", "critical"]
        + (["--weights", options.weights] if options.weights else []))
    if ended.returncode != 0:
        sys.exit(f"together.py: run --together {together} ended with {ended.returncode}")
    facts = json.loads(summary.read_text())
    return facts["elapsed"], facts["memory_peak"], facts["usage"]["generated_tokens"], output.read_bytes()


def measure(options, name, model, folder):
    widths = [1] + [n for n in options.together if n != 1]
    seconds, peaks, same = {n: [] for n in widths}, {n: 0 for n in widths}, True
    expected = None
    for turn in range(options.runs):
        for number in range(len(widths)):
            # Each round begins with another one.
            together = widths[(number + turn) % len(widths)]
            elapsed, peak, tokens, results = run(options, model, folder, together)
            expected = expected or results
            same = same and results == expected
            seconds[together].append(elapsed)
            peaks[together] = max(peaks[together], peak)
    medians = {n: statistics.median(seconds[n]) for n in widths}
    print(json.dumps({
        "cpu": platform.processor() or platform.machine(), "cores": os.cpu_count(), "model": name,
        "weights": options.weights or "bf16", "jobs": options.jobs, "generated_tokens": tokens, "runs": options.runs,
        "seconds": {n: round(medians[n], 2) for n in widths},
        "times_as_many_jobs": {n: round(medians[1] / medians[n], 2) for n in widths},
        "peak_mb": {n: round(peaks[n] / 1e6, 1) for n in widths}, "documents_equal": same}), flush=True)
    return same


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--together", default="4,8", type=lambda text: [int(n) for n in text.split(",")])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=16)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--weights", help="as of the run command")
    parser.add_argument("--layers", type=int, default=0, help="of a checkpoint of random weights; 0: none")
    parser.add_argument("--depth", type=int, default=4, help="blocks of its vision tower")
    parser.add_argument("--work", help="where that checkpoint is kept")
    parser.add_argument("--tool", default=str(ROOT / ".build/release/reelscribe"))
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="together-"))
    try:
        (folder / "jobs.jsonl").write_text(manifest(options.jobs, options.tokens))
        good = measure(options, "sample", ROOT / "Samples" / "model", folder)
        if options.layers:
            import random_checkpoint
            place = random_checkpoint.at(options.work or folder, options.layers, options.depth)
            good = measure(options, f"random-{options.layers}-{options.depth}", place, folder) and good
        return 0 if good else 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
