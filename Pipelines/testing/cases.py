"""Manifests for tests, for the real stage and for one that only speaks its protocol."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from reelscribe_stage import StageSetup, read_manifest

PIPELINES = Path(__file__).parents[1]
REPOSITORY = PIPELINES.parent
_FAKE = PIPELINES / "python" / "reelscribe_stage" / "tests" / "fake_stage.py"


def reelscribe(*commands: str) -> str | None:
    """The program, if it is there and has all of these commands: `REELSCRIBE`, or what was built
    here."""
    path = os.environ.get("REELSCRIBE") or str(REPOSITORY / ".build" / "release" / "reelscribe")
    program = shutil.which(path)
    if program is None:
        return None
    for command in commands:
        shown = subprocess.run([program, command, "--help"], capture_output=True, text=True)
        if f"reelscribe {command}" not in shown.stdout:
            return None
    return program


@dataclass(frozen=True)
class Case:
    """A manifest, the stage for it, and what must come out."""

    manifest: Path
    setup: StageSetup
    #: The ids of the jobs that fail in every run.
    failing: frozenset[str]

    @property
    def arguments(self) -> list[str]:
        return [str(self.manifest), "--program", self.setup.program]

    @property
    def options(self) -> list[str]:
        return ["--", *self.setup.options]

    def undisturbed(self) -> list[str]:
        """The documents of a run without any engine, sorted."""
        with self.setup.stage() as stage:
            results = list(stage.run(read_manifest(self.manifest)))
        assert {result.id for result in results if result.failed} == self.failing
        return sorted(document for result in results for document in result.documents)


def fake(folder: Path) -> Case:
    """Jobs that take 50 ms each, one that kills its stage, one that fails, and a bad line."""
    program = folder / "fake"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} {_FAKE} "$@"\n')
    program.chmod(0o755)
    jobs: list[dict[str, object]] = [
        {"id": f"j{number}", "video": "sleep:0.05", "task": "summarize", "meta": {"n": number}}
        for number in range(120)
    ]
    jobs[7]["video"] = "missing"
    jobs[31]["video"] = "crash"
    jobs[50] |= {"task": "ask", "questions": ["What?", "Where?"]}
    manifest = folder / "manifest.jsonl"
    _write(manifest, [json.dumps(job) for job in jobs])
    return Case(manifest, StageSetup(str(program)), frozenset({"j7", "j31"}))


def real(folder: Path, through: str = "stage") -> Case:
    """Jobs over the sample clips and what is none, for that command."""
    program = reelscribe(through)
    if program is None:
        pytest.skip(f"reelscribe is not built (or REELSCRIBE names none that has `{through}`)")
    (folder / "notes.txt").write_text("This is no video.\n")
    clips = sorted(
        path
        for path in (REPOSITORY / "Samples").iterdir()
        if path.suffix in {".mp4", ".mov", ".mkv"}
    )
    jobs: list[dict[str, object]] = []
    for number in range(90):
        clip = clips[number % len(clips)]
        job: dict[str, object] = {"id": f"j{number}", "video": str(clip), "meta": {"n": number}}
        if number % 5 == 4:
            job |= {"task": "ask", "questions": ["What moves?", f"What is at {number}?"]}
        else:
            job |= {"task": "summarize"}
        job["options"] = {"max-new-tokens": 4 + number % 7, "start": number % 4}
        jobs.append(job)
    jobs[10]["video"] = str(folder / "missing.mp4")
    jobs[40]["video"] = str(folder / "notes.txt")
    jobs[70]["options"] = {"no-such-option": 1}
    manifest = folder / "manifest.jsonl"
    _write(manifest, [json.dumps(job) for job in jobs])
    return Case(
        manifest, StageSetup(program, options=("--no-timing",)), frozenset({"j10", "j40", "j70"})
    )


def _write(path: Path, lines: Iterable[str]) -> None:
    path.write_text("".join(line + "\n" for line in lines))


CASES: dict[str, Callable[[Path], Case]] = {"fake": fake, "real": real}
