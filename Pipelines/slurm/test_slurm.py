"""The job array, with us in the place of Slurm: the same variables and the same signals."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest
from cases import Case, real, reelscribe

FOLDER = Path(__file__).parent
SHARDS = 4

pytestmark = pytest.mark.skipif(
    reelscribe("run", "merge") is None,
    reason="reelscribe is not built (or REELSCRIBE names none that has `run` and `merge`)",
)


def task(
    case: Case, folder: Path, index: int, scontrol: Path | None = None, **variables: str
) -> subprocess.Popen[str]:
    program = reelscribe("run", "merge")
    assert program is not None
    environment = {
        **os.environ,
        "REELSCRIBE": program,
        "SLURM_JOB_ID": str(1000 + index),
        "SLURM_ARRAY_TASK_ID": str(index),
        "SLURM_ARRAY_TASK_COUNT": str(SHARDS),
        "SLURM_CPUS_PER_TASK": "1",
        **variables,
    }
    if scontrol is not None:
        environment["PATH"] = f"{scontrol}:{environment['PATH']}"
    words = ["bash", str(FOLDER / "reelscribe.sbatch"), str(case.manifest), str(folder)]
    return subprocess.Popen(
        [*words, "--no-timing"], env=environment, stderr=subprocess.PIPE, text=True
    )


def merged(case: Case, folder: Path) -> tuple[int, list[str]]:
    program = reelscribe("merge")
    assert program is not None
    output = folder / "results.jsonl"
    done = subprocess.run(
        ["bash", str(FOLDER / "merge.sbatch"), str(case.manifest), str(folder), str(output)],
        env={**os.environ, "REELSCRIBE": program},
    )
    return done.returncode, output.read_text().splitlines()


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return real(tmp_path, "run")


def undisturbed(case: Case, folder: Path) -> list[str]:
    """What one process writes, in the order of the manifest."""
    output = folder / "undisturbed.jsonl"
    words = [case.setup.program, "run", "--input", str(case.manifest), "--output", str(output)]
    done = subprocess.run([*words, "--no-timing", "--threads", "1"], capture_output=True)
    assert done.returncode == 3
    return output.read_text().splitlines()


def test_shards_merge_to_what_one_process_writes(case: Case, tmp_path: Path) -> None:
    parts = tmp_path / "parts"
    for index in range(1, SHARDS + 1):
        running = task(case, parts, index)
        assert running.wait() == 0, running.stderr and running.stderr.read()
    sizes = [len(path.read_text().splitlines()) for path in sorted(parts.glob("part-*.jsonl"))]
    assert len(sizes) == SHARDS
    assert min(sizes) > 0
    status, lines = merged(case, parts)
    assert status == 0
    assert lines == undisturbed(case, tmp_path)


def test_tasks_that_are_stopped_or_killed_go_on(case: Case, tmp_path: Path) -> None:
    parts = tmp_path / "parts"
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "scontrol").write_text(f'#!/bin/sh\necho "$@" >> {tools}/asked\n')
    (tools / "scontrol").chmod(0o755)

    def part_grows(index: int, running: subprocess.Popen[str]) -> None:
        path = parts / f"part-{index:05}.jsonl"
        while running.poll() is None and not (path.exists() and path.stat().st_size > 0):
            time.sleep(0.01)

    # The limit of time: Slurm tells the script, which hands it on and asks to be put in line again.
    first = task(case, parts, 1, tools)
    part_grows(1, first)
    first.send_signal(signal.SIGTERM)
    assert first.wait() == 143
    assert (tools / "asked").read_text() == "requeue 1001\n"
    # A machine that goes down.
    second = task(case, parts, 2, tools)
    part_grows(2, second)
    children = Path(f"/proc/{second.pid}/task/{second.pid}/children").read_text().split()
    second.kill()
    second.wait()
    for child in children:
        os.kill(int(child), signal.SIGKILL)
    status, lines = merged(case, parts)
    assert status == 65
    # An hour later all tasks run, the first two of them for the second time.
    for index in range(1, SHARDS + 1):
        assert task(case, parts, index, tools).wait() == 0
    status, lines = merged(case, parts)
    assert status == 0
    assert lines == undisturbed(case, tmp_path)
    jobs = Counter(json.loads(line)["id"] for line in lines if "question_index" not in line)
    assert set(jobs.values()) == {1}


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"SLURM_ARRAY_TASK_ID": "0"}, "use --array=1-4"),
        ({"SLURM_ARRAY_TASK_ID": "5"}, "use --array=1-4"),
        ({"SLURM_ARRAY_TASK_ID": ""}, "--array=1-N"),
        ({"SLURM_ARRAY_TASK_ID": "3", "SHARDS": "2"}, "--array=1-2"),
    ],
)
def test_a_task_that_is_no_shard_is_refused(
    variables: dict[str, str], said: str, case: Case, tmp_path: Path
) -> None:
    running = task(case, tmp_path / "parts", 1, None, **variables)
    _, error = running.communicate()
    assert running.returncode != 0
    assert said in error
    assert not (tmp_path / "parts").exists()


def test_scripts_are_sound_bash() -> None:
    for script in FOLDER.glob("*.sbatch"):
        subprocess.run(["bash", "-n", str(script)], check=True)
        if shutil.which("shellcheck"):
            subprocess.run(["shellcheck", str(script)], check=True)
