#!/usr/bin/env python3
"""What `--prune` saves on a screen recording.

Draws a page of text-like lines on which a cursor moves now and then and one small region changes all the time, as a screen
recorder would store it (H.264, so that nothing is quite still), and asks one question about it with and without `--prune`, a
process each. Prints one JSON document with tokens, pairs of frames that went through the vision tower, and seconds; exit
status 1 where fewer than five times fewer visual tokens are read.

usage: Benchmarks/screen.py [--prune R] [--seconds N] [--size WxH] [--model DIR] [--detail LEVEL] [--threads N] [--keep DIR]
                            [--binary PATH]
Needs ffmpeg with libx264. Without --model the sample model answers: tokens are those of any model, seconds are not.
"""
import argparse
import json
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent


def page(width, height):
    """Boxes that look like a page: a bar, a column beside the text, lines of words."""
    source = random.Random(7)
    yield 0, 0, width, height // 14, "0x2b3a55"
    yield 0, height // 14, width // 6, height, "0xd9dee7"
    line = height // 36
    for top in range(height // 8, height * 9 // 10, 2 * line):
        left = width // 5
        while left < width * 4 // 5 - width // 40:
            word = source.randrange(width // 64, width // 16)
            yield left, top, word, line - 2, source.choice(["0x303030", "0x404040", "0x355c9a"])
            left += word + width // 90


def draw(path, seconds, width, height):
    boxes = ",".join(f"drawbox=x={x}:y={y}:w={w}:h={h}:color={colour}:t=fill"
                     for x, y, w, h, colour in page(width, height))
    # For four seconds of five the cursor rests.
    step = "(floor(t/5)+clip(mod(t,5)-4,0,1))"
    cursor = (f"x='{width}*(0.25+0.5*abs(sin(0.7*{step})))':y='{height}*(0.2+0.6*abs(cos(1.1*{step})))'")
    graph = (f"color=c=0xf6f6f6:s={width}x{height}:r=15:d={seconds},format=yuv420p,{boxes}[page];"
             f"testsrc=s={width // 10}x{height // 10}:r=5:d={seconds}[region];"
             f"color=c=black:s=12x20:r=15:d={seconds}[cursor];"
             f"[page][region]overlay=x={width * 17 // 20}:y={height * 4 // 5}[both];[both][cursor]overlay={cursor}:eval=frame")
    subprocess.run(["ffmpeg", "-hide_banner", "-loglevel", "error", "-y", "-filter_complex", graph, "-c:v", "libx264",
                    "-preset", "veryfast", "-crf", "23", "-g", "60", "-pix_fmt", "yuv420p", str(path)], check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prune", default="0.02")
    parser.add_argument("--seconds", type=int, default=90)
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--model", default=str(ROOT / "Samples" / "model"))
    parser.add_argument("--detail", default="medium")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--keep", type=pathlib.Path)
    parser.add_argument("--binary", default=str(ROOT / ".build" / "release" / "reelscribe"))
    options = parser.parse_args()
    width, height = map(int, options.size.split("x"))
    work = options.keep or pathlib.Path(tempfile.mkdtemp())
    try:
        work.mkdir(parents=True, exist_ok=True)
        clip = work / f"screen-{options.size}-{options.seconds}.mp4"
        if not clip.exists():
            draw(clip, options.seconds, width, height)
        shared = ["--model", options.model, "--detail", options.detail, "--progress", "none"]
        if options.threads:
            shared += ["--threads", str(options.threads)]
        runs = {}
        for name, extra in (("whole", []), ("pruned", ["--prune", options.prune])):
            ask = [options.binary, "ask", str(clip), "What changes on this page?", "--max-new-tokens", "16", "--compact"]
            plan = [options.binary, "plan", str(clip), "--cuts", "off", "--window", "1000000", "--compact"]
            answer, planned = (json.loads(subprocess.run(
                line + shared + extra, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout)
                for line in (ask, plan))
            runs[name] = {**answer["usage"], "pairs": sum(window["grid_thw"][0] for window in planned["windows"]),
                          "encoded_pairs": sum(window["encoded_pairs"] for window in planned["windows"]),
                          "seconds": {stage: answer["timing"][stage]
                                      for stage in ("preprocess", "vision", "prefill", "generate", "total")}}
        less = runs["whole"]["visual_tokens"] / runs["pruned"]["visual_tokens"]
        print(json.dumps({
            "benchmark": "screen", "clip": {"seconds": options.seconds, "size": options.size,
                                            "bytes": clip.stat().st_size},
            "prune": float(options.prune), "detail": options.detail, **runs,
            "fewer_visual_tokens": round(less, 2),
            "fewer_encoded_pairs": round(runs["whole"]["encoded_pairs"] / runs["pruned"]["encoded_pairs"], 2),
            "passed": less >= 5}, indent=2))
        return 0 if less >= 5 else 1
    finally:
        if not options.keep:
            shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
