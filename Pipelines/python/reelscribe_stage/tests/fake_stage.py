"""A stage that does what a test tells it to, through the `video` of each job.

It speaks the protocol of `reelscribe stage` and knows nothing else. `FAKE_LOG`, if set, gets a line
for each process that starts and each job that is read.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

VERSION = "9.9.9"


def log(*words: object) -> None:
    if path := os.environ.get("FAKE_LOG"):
        with open(path, "a") as file:
            print(os.getpid(), *words, file=file)


def write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def answer(document: dict[str, Any]) -> None:
    write(json.dumps({**document, "tool": {"name": "reelscribe", "version": VERSION}}) + "\n")


def error(job: dict[str, Any], code: str) -> None:
    answer(
        {
            "schema": "reelscribe/error@1",
            **{key: job[key] for key in ("id", "meta") if key in job},
            "error": {
                "code": code,
                "stage": "open",
                "message": code,
                "hint": None,
                "retryable": False,
            },
        }
    )


def first_time(path: str) -> bool:
    try:
        Path(path).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def misbehave(name: str, job: dict[str, Any]) -> bool:
    """Does what the video's name says; whether an ordinary answer follows."""
    what, _, argument = name.partition(":")
    if what == "once":
        marker, _, rest = argument.partition(":")
        return misbehave(rest, job) if first_time(marker) else True
    if what == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif what == "exit":
        sys.exit(int(argument))
    elif what == "hand-back":
        error(job, "interrupted")
        sys.exit(143)
    elif what == "hang":
        time.sleep(1000)
    elif what == "sleep":
        time.sleep(float(argument))
    elif what == "close-output":
        os.close(1)
        time.sleep(1000)
    elif what == "orphan":
        # Something it started keeps its pipes open after its own death.
        if os.fork() == 0:
            time.sleep(20)
            os._exit(0)
        os.kill(os.getpid(), signal.SIGKILL)
    elif what == "garbage":
        write(argument + "\n")
    elif what == "torn":
        write('{"schema": "reelscribe/summ')
        os.kill(os.getpid(), signal.SIGKILL)
    elif what == "foreign":
        answer({"schema": "reelscribe/summary@1", "id": "no such job"})
    elif what == "twice":
        answer({"schema": "reelscribe/answer@1", "id": job["id"], "question_index": 0})
    elif what == "noise":
        sys.stderr.write("noise " * 50_000)
        sys.stderr.flush()
    elif what == "big":
        job["padding"] = "x" * int(argument)
    elif what == "missing":
        error(job, "input.not_found")
        return False
    return True


def main() -> None:
    log("start")
    if code := os.environ.get("FAKE_EXIT"):
        print("no such model", file=sys.stderr)
        sys.exit(int(code))
    if os.environ.get("FAKE_DEAD"):
        os.kill(os.getpid(), signal.SIGABRT)
    for line in sys.stdin.buffer:
        try:
            job = json.loads(line)
            job.setdefault("id", hashlib.sha256(line.strip()).hexdigest()[:32])
            video = job["video"]
        except (ValueError, TypeError, KeyError, AttributeError):
            # As if no id could be read from it.
            error({}, "job.invalid")
            continue
        log("job", job["id"])
        if not misbehave(video, job):
            continue
        extra = {key: job[key] for key in ("meta", "padding") if key in job}
        if job.get("task") == "ask":
            for index, question in enumerate(job["questions"]):
                answer(
                    {
                        "schema": "reelscribe/answer@1",
                        "id": job["id"],
                        "question_index": index,
                        "question": question,
                    }
                )
        else:
            answer({"schema": "reelscribe/summary@1", "id": job["id"], **extra})
    log("end")
    sys.exit(int(os.environ.get("FAKE_LAST", "0")))


if __name__ == "__main__":
    main()
