#!/usr/bin/env python3
"""Holds what `reelscribe plan` says against what `reelscribe summarize` does.

For each video and each set of options, `plan` runs first, then the summary itself, a process each; the tokens of the
document, the largest resident size that the system saw, and the seconds of the document are put beside what was foretold.
Texts that end before --max-new-tokens take less time than was foretold for the longest: the seconds of generation are
foretold for as many tokens as were generated. Prints a line of JSON a run, and a summary; exit status 1 where tokens differ at
all, memory by more than two per cent and 3 MB, or where a limit was passed. Time depends on what else the machine does: it is
told, and decides nothing.

usage: Benchmarks/plan.py VIDEO… [--model DIR] [--random LAYERS,BLOCKS] [--options 'OPTIONS']… [--new-tokens N]
                          [--threads N] [--keep DIR] [--binary PATH]
--random writes a checkpoint of random weights of the published 2B widths with so many layers and blocks of vision (needs
numpy); --options is repeatable, and '' is none. Without --model and --random the sample model runs.
"""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent


def run(command):
    """The document that a command writes, its wall seconds and its largest resident size."""
    began = time.monotonic()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(writing, 1)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        os.close(reading)
        os.execvp(command[0], command)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        text = pipe.read()
    _, status, used = os.wait4(child, 0)
    if status != 0:
        raise SystemExit(f"plan.py: {' '.join(command)}: status {os.waitstatus_to_exitcode(status)}")
    return json.loads(text), time.monotonic() - began, used.ru_maxrss * 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("videos", nargs="+")
    parser.add_argument("--model", default=str(ROOT / "Samples" / "model"))
    parser.add_argument("--random")
    parser.add_argument("--options", action="append")
    parser.add_argument("--new-tokens", type=int, default=32)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--keep", type=pathlib.Path)
    parser.add_argument("--binary", default=str(ROOT / ".build" / "release" / "reelscribe"))
    options = parser.parse_args()
    work = options.keep or pathlib.Path(tempfile.mkdtemp())
    failed, errors = 0, []
    try:
        model = options.model
        if options.random:
            import random_checkpoint
            layers, depth = map(int, options.random.split(","))
            model = str(random_checkpoint.at(work, layers, depth))
        for extra in options.options or [""]:
            for video in options.videos:
                shared = [video, "--model", model, "--max-new-tokens", str(options.new_tokens), "--compact"] + extra.split()
                if options.threads:
                    shared += ["--threads", str(options.threads)]
                plan, plan_wall, plan_peak = run([options.binary, "plan"] + shared)
                real, _, peak = run([options.binary, "summarize", "--repetitions", "keep", "--chapters", "off"] + shared)
                estimate, timing, usage = plan["estimate"], real["timing"], real["usage"]
                most = plan["usage"]["generated_tokens"] + plan.get("summing_up", {}).get("generated_tokens", 0)
                seconds = {**estimate, "generate": estimate["generate"] * usage["generated_tokens"] / most}
                stages = ("open", "decode", "preprocess", "vision", "prefill", "generate")
                told = sum(seconds[stage] for stage in stages)
                took = sum(timing[stage] for stage in stages)
                memory = plan["memory"]["peak"] / peak - 1
                # What sums up several windows depends on what they say.
                tokens = (usage["visual_tokens"] == plan["usage"]["visual_tokens"]
                          and (len(plan["windows"]) > 1 or usage["prompt_tokens"] == plan["usage"]["prompt_tokens"]))
                limit = plan["memory"]["limit"]
                off = abs(plan["memory"]["peak"] - peak)
                within = off <= max(0.02 * peak, 3e6) and tokens and peak <= limit
                failed += not within
                errors.append((abs(memory), abs(told / took - 1)))
                print(json.dumps({
                    "video": pathlib.Path(video).name, "options": extra, "windows": len(plan["windows"]),
                    "visual_tokens": usage["visual_tokens"], "prompt_tokens": usage["prompt_tokens"], "tokens_equal": tokens,
                    "peak_mb": {"told": round(plan["memory"]["peak"] / 1e6, 1), "real": round(peak / 1e6, 1),
                                "off": round(memory, 4)},
                    "told_mb": {name: round(value / 1e6, 1) for name, value in plan["memory"].items()
                                if name not in ("fits", "limit", "peak")},
                    "limit_mb": round(limit / 1e6, 1),
                    "adapted": [w["message"] for w in real["warnings"] if w["code"] == "limit.adapted"],
                    "seconds": {"told": round(told, 2), "real": round(took, 2), "off": round(told / took - 1, 3)},
                    "stages": {stage: [round(seconds[stage], 2), round(timing[stage], 2)] for stage in stages},
                    "plan": {"seconds": round(plan_wall, 2), "peak_mb": round(plan_peak / 1e6, 1)}}), flush=True)
        print(json.dumps({"benchmark": "plan", "runs": len(errors), "memory_or_tokens_off": failed,
                          "worst_memory": round(max(error for error, _ in errors), 4),
                          "worst_time": round(max(error for _, error in errors), 3), "cores": os.cpu_count()}))
        return 1 if failed else 0
    finally:
        if not options.keep:
            shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
