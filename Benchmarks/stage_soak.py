#!/usr/bin/env python3
"""Runs many short jobs through one `reelscribe stage` and prints a line of JSON.

What it measures, and what it demands (exit code 1 where that is not met):

- memory: resident memory of the stage and of its nursery after --settle jobs and at the end; at most 5 % more.
- throughput: jobs a second of `reelscribe summarize` on the same clips in one process, decoding there, and of the stage;
  the stage at least 95 %. Processor seconds of both, children included, are given beside, as they are worth more than
  wall time on a machine that is not idle.

Needs the built program; no further packages.
"""

import argparse
import json
import os
import pathlib
import resource
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent


def memory(process):
    """Resident bytes of a process."""
    with open(f"/proc/{process}/status") as lines:
        for line in lines:
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    return 0


def children(process):
    found = []
    for task in os.listdir(f"/proc/{process}/task"):
        with open(f"/proc/{process}/task/{task}/children") as text:
            found += [int(word) for word in text.read().split()]
    return found


def processor_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def timed(body):
    """What `body` gives, and the wall and processor seconds it and its children took."""
    wall, processor = time.monotonic(), processor_seconds()
    result = body()
    return result, time.monotonic() - wall, processor_seconds() - processor


def run_stage(arguments, clips, jobs, settle):
    command = [arguments.reelscribe, "stage", *arguments.options]
    stage = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
    marks = {}
    failed = sent = 0
    seen = set()

    def send():
        nonlocal sent
        job = {"id": str(sent), "video": clips[sent % len(clips)], "task": "summarize"}
        stage.stdin.write(json.dumps(job) + "\n")
        sent += 1

    # Always a few jobs ahead, as an engine would; never so many that both sides wait on full pipes.
    while sent < min(8, jobs):
        send()
    for done in range(1, jobs + 1):
        document = json.loads(stage.stdout.readline())
        if document["schema"] != "reelscribe/summary@1":
            failed += 1
        seen.add(document["id"])
        if sent < jobs:
            send()
        if done in (settle, jobs):
            nursery = [memory(child) for child in children(stage.pid)]
            marks[done] = {"stage": memory(stage.pid), "nursery": max(nursery, default=0)}
    stage.stdin.close()
    status = stage.wait()
    if status or len(seen) != jobs:
        sys.exit(f"the stage ended with {status} after {len(seen)} of {jobs} jobs")
    return marks, failed


def run_summarize(arguments, clips, jobs):
    videos = [clips[number % len(clips)] for number in range(jobs)]
    command = [arguments.reelscribe, "summarize", *arguments.options, *videos]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reelscribe", default=str(ROOT / ".build/release/reelscribe"))
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--settle", type=int, default=50, help="jobs after which memory is measured first")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of the comparison, the fastest of which counts")
    parser.add_argument("--round-jobs", type=int, default=60, help="jobs of one round of the comparison")
    parser.add_argument("options", nargs="*", default=[], help="options of the model, behind --")
    arguments = parser.parse_args()
    arguments.options = arguments.options or ["--max-new-tokens", "32"]
    clips = [str(path) for path in sorted((ROOT / "Samples").iterdir()) if path.suffix in (".mp4", ".mov", ".mkv")]

    (marks, failed), wall, processor = timed(
        lambda: run_stage(arguments, clips, arguments.jobs, arguments.settle)
    )
    first, last = marks[arguments.settle], marks[arguments.jobs]
    growth = {name: last[name] / max(1, first[name]) - 1 for name in first}

    best = {}
    for _ in range(arguments.rounds):
        for name, body in (
            ("summarize", lambda: run_summarize(arguments, clips, arguments.round_jobs)),
            ("stage", lambda: run_stage(arguments, clips, arguments.round_jobs, arguments.round_jobs)),
        ):
            _, seconds, processor_time = timed(body)
            known = best.get(name, (seconds, processor_time))
            best[name] = (min(seconds, known[0]), min(processor_time, known[1]))
    throughput = best["summarize"][0] / best["stage"][0]
    print(
        json.dumps(
            {
                "jobs": arguments.jobs,
                "failed": failed,
                "seconds": round(wall, 1),
                "processor_seconds": round(processor, 1),
                "memory_mb": {str(arguments.settle): mb(first), str(arguments.jobs): mb(last)},
                "growth": {name: round(value, 4) for name, value in growth.items()},
                "round_jobs": arguments.round_jobs,
                "wall_seconds": {name: round(value[0], 2) for name, value in best.items()},
                "processor_seconds_round": {name: round(value[1], 2) for name, value in best.items()},
                "throughput_of_stage": round(throughput, 3),
                "cpus": os.cpu_count(),
            }
        )
    )
    return failed > 0 or max(growth.values()) > 0.05 or throughput < 0.95


def mb(marks):
    return {name: round(value / 1e6, 1) for name, value in marks.items()}


if __name__ == "__main__":
    sys.exit(main())
