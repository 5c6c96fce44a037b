#!/usr/bin/env python3
"""Kills a batch at random moments, lets it go on each time, and compares its results with an undisturbed run's.

usage: batch_kill.py [--jobs N] [--kills N] [--together N] [--seed N] [--tool PATH] [--keep DIR] FOLDER…

Every file below the folders becomes some of the jobs, whole and broken ones alike, each with another task; a few jobs are
lines that are none, or name files that are missing. Writes one line of JSON to standard output; ends with 1 where the
results differ, where one is missing or double, where the exit code is not that of the undisturbed run, or where no kill
was inside a job, so that nothing was tried.
Standard library only.
"""
import argparse
import json
import os
import pathlib
import platform
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time


def tasks(number):
    options = {"max-new-tokens": 6 + number % 5, "fps": 2, "end": 1 + number % 3, "max-frames": 4, "detail": "low"}
    kinds = [
        {"task": "summarize"},
        {"task": "ask", "questions": ["What is to be seen?"]},
        {"task": "ask", "questions": ["Who is there?", f"What happens {number}?", "Where is it?"]},
        {"task": "summarize", "meta": {"n": number, "list": [1.50, None]}},
    ]
    return {**kinds[number % len(kinds)], "options": options}


def manifest(folders, jobs):
    files = sorted(str(p) for folder in folders for p in pathlib.Path(folder).rglob("*") if p.is_file())
    if not files:
        sys.exit("batch_kill.py: there is no file below " + ", ".join(folders))
    lines = []
    for number in range(jobs):
        if number % 50 == 17:
            lines.append('{"id": "half of a li')
        elif number % 50 == 31:
            lines.append(json.dumps({"id": f"{number}", "video": f"/no/such/{number}.mp4", "task": "summarize"}))
        else:
            lines.append(json.dumps({"id": f"{number}", "video": files[number % len(files)], **tasks(number)}))
    return "".join(line + "\n" for line in lines)


def command(options, folder, name):
    return [options.tool, "run", "--input", str(folder / "jobs.jsonl"), "--output", str(folder / name), "--no-timing",
            "--together", str(options.together), "--log-level", "critical"]


def machine():
    model = platform.machine()
    with open("/proc/cpuinfo") as lines:
        for line in lines:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return {"cpu": model, "cores": os.cpu_count()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+")
    parser.add_argument("--jobs", type=int, default=300)
    parser.add_argument("--kills", type=int, default=25)
    parser.add_argument("--together", type=int, default=1, help="jobs that are open at once")
    parser.add_argument("--seed", type=int, default=None)
    root = pathlib.Path(__file__).resolve().parent.parent
    parser.add_argument("--tool", default=str(root / ".build/release/reelscribe"))
    parser.add_argument("--keep", help="leave the files there")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.randrange(1 << 32)
    chance = random.Random(seed)
    folder = pathlib.Path(options.keep or tempfile.mkdtemp(prefix="batch-kill-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        (folder / "jobs.jsonl").write_text(manifest(options.folders, options.jobs))
        began = time.monotonic()
        whole = subprocess.run(command(options, folder, "whole.jsonl"), stderr=subprocess.DEVNULL)
        seconds = time.monotonic() - began

        landed = in_job = repaired = 0
        for _ in range(options.kills):
            run = subprocess.Popen(command(options, folder, "killed.jsonl"), stderr=subprocess.PIPE)
            try:
                run.wait(chance.uniform(0.02, 2 * seconds / (options.kills + 1)))
            except subprocess.TimeoutExpired:
                os.kill(run.pid, signal.SIGKILL)
                landed += 1
            errors = run.communicate()[1].decode(errors="replace")
            repaired += "half-written" in errors
        last = subprocess.run(command(options, folder, "killed.jsonl"), stderr=subprocess.PIPE)
        repaired += b"half-written" in last.stderr

        expected = (folder / "whole.jsonl").read_bytes()
        results = (folder / "killed.jsonl").read_bytes()
        open_jobs = set()
        for line in (folder / "killed.jsonl.journal").read_text().splitlines()[1:]:
            note = json.loads(line)
            if note["event"] == "begun":
                in_job += bool(open_jobs)
                open_jobs = set()
            elif note["event"] == "started":
                open_jobs.add(note["job"])
            else:
                open_jobs.discard(note.get("job"))
        documents = [json.loads(line) for line in results.splitlines()]
        keys = [(d["id"], d.get("question_index"), d["error"]["message"] if "error" in d else "") for d in documents]
        valid = subprocess.run([options.tool, "validate", str(folder / "killed.jsonl")], stdout=subprocess.DEVNULL)
        report = {
            **machine(),
            "jobs": options.jobs, "together": options.together, "documents": len(documents), "doubled": len(keys) - len(set(keys)),
            "kills": landed, "kills_inside_a_job": in_job, "repairs": repaired,
            "equal_to_undisturbed": results == expected,
            "differing": sorted({d["id"] for d, e in zip(documents, map(json.loads, expected.splitlines())) if d != e}),
            "valid": valid.returncode == 0,
            "exit_undisturbed": whole.returncode, "exit_last": last.returncode,
            "undisturbed_seconds": round(seconds, 1), "seed": seed,
        }
        print(json.dumps(report))
        good = (in_job > 0 and report["equal_to_undisturbed"] and report["valid"] and not report["doubled"]
                and last.returncode == whole.returncode)
        return 0 if good else 1
    finally:
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
