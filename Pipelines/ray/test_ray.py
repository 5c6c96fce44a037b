"""Ray itself, in local mode with two workers, some of which are killed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from cases import CASES, Case, fake

from processes import PYTHON, kill, started

PROGRAM = str(Path(__file__).with_name("reelscribe_ray.py"))
QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DEDUP_LOGS": "0",
    # A machine that does other work starts it late.
    "RAY_raylet_start_wait_time_s": "300",
}


def command(case: Case, output: Path) -> list[str]:
    words = [PYTHON, PROGRAM, *case.arguments, "--output", str(output), "--workers", "2"]
    return [*words, "--block-size", "8", *case.options]


def documents(output: Path) -> list[str]:
    return sorted(output.read_text().splitlines())


@pytest.mark.parametrize("kind", ["fake", "real"])
def test_a_stage_and_an_actor_are_killed(kind: str, tmp_path: Path) -> None:
    case = CASES[kind](tmp_path)
    output = tmp_path / "results.jsonl"
    with started(command(case, output), tmp_path / "log", QUIET) as run:
        run.kill_a_stage()
        # Another stage takes over, in the same actor; then an actor goes too.
        stage = run.busy_stage()
        before = {process.parent for process in run.stages()}
        kill(stage.parent)
        run.until(
            lambda: {process.parent for process in run.stages()} - before, "another actor's stage"
        )
        assert run.wait() == 3
    assert documents(output) == case.undisturbed()


def test_the_driver_is_killed_and_started_again(tmp_path: Path) -> None:
    case = fake(tmp_path)
    output = tmp_path / "results.jsonl"
    with started(command(case, output), tmp_path / "log", QUIET) as run:
        run.until(lambda: output.exists() and output.stat().st_size > 0, "the first results")
        run.kill()
        # Its stages end with it, at the latest after their jobs.
        run.until(lambda: not run.stages(), "the end")
    kept = len(output.read_text().splitlines())
    with started(command(case, output), tmp_path / "log", QUIET) as run:
        assert run.wait() == 3
        before = re.search(r"120 jobs, (\d+) of them done before", run.text)
        assert before is not None
        assert 0 < int(before[1]) <= kept < 121
    assert documents(output) == case.undisturbed()
    # A third time there is nothing to do, and no engine is started for it.
    with started(command(case, output), tmp_path / "log", QUIET) as run:
        assert run.wait() == 3
        assert "120 jobs, 120 of them done before" in run.text
        assert "Ray" not in run.text


def test_what_cannot_work_ends_with_a_sentence(tmp_path: Path) -> None:
    case = fake(tmp_path)
    Path(case.setup.program).write_text("#!/bin/sh\necho no such model >&2\nexit 78\n")
    with started(command(case, tmp_path / "results.jsonl"), tmp_path / "log", QUIET) as run:
        assert run.wait() == 78
        assert "ended with exit status 78; it said:\nno such model" in run.text


@pytest.mark.parametrize(
    ("lines", "status", "said"),
    [
        ([{"id": "a", "video": "v"}, {"id": "a", "video": "w"}], 65, "'a' was used by line 1"),
        (None, 66, "No such file"),
        ([], 0, "0 jobs"),
    ],
)
def test_manifests_without_work(
    lines: list[dict[str, str]] | None, status: int, said: str, tmp_path: Path
) -> None:
    manifest = tmp_path / "manifest.jsonl"
    if lines is not None:
        manifest.write_text("".join(json.dumps(line) + "\n" for line in lines))
    words = [PYTHON, PROGRAM, str(manifest), "--output", str(tmp_path / "results.jsonl")]
    with started(words, tmp_path / "log", QUIET) as run:
        assert run.wait() == status
        assert said in run.text
