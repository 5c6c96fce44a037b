"""Spark itself, in local mode with two workers, some of which are killed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pyarrow.parquet
import pytest
from cases import CASES, Case, fake

from processes import kill, started

PROGRAM = str(Path(__file__).with_name("reelscribe_spark.py"))


def command(case: Case, output: Path, wave: int = 1000) -> list[str]:
    submit = shutil.which("spark-submit")
    assert submit is not None
    # Two workers, and four attempts of each task, of which local mode has one otherwise.
    words = [submit, "--master", "local[2,4]", "--driver-memory", "1g"]
    local = f"spark.local.dir={output.parent}"
    for setting in ["spark.ui.enabled=false", "spark.log.level=WARN", local]:
        words += ["--conf", setting]
    words += [PROGRAM, *case.arguments, "--output", str(output)]
    return [*words, "--partitions", "4", "--wave", str(wave), *case.options]


def environment(folder: Path) -> dict[str, str]:
    return {"SPARK_LOCAL_IP": "127.0.0.1", "PYTHONWARNINGS": "ignore", "TMPDIR": str(folder)}


def rows(output: Path) -> list[dict[str, object]]:
    found: list[dict[str, object]] = pyarrow.parquet.read_table(output).to_pylist()
    return found


def documents(output: Path) -> list[str]:
    found = pyarrow.parquet.read_table(output)["documents"].to_pylist()
    return sorted(document for each in found for document in each)


@pytest.mark.parametrize("kind", ["fake", "real"])
def test_a_stage_and_a_python_worker_are_killed(kind: str, tmp_path: Path) -> None:
    case = CASES[kind](tmp_path)
    output = tmp_path / "results"
    with started(command(case, output), tmp_path / "log", environment(tmp_path)) as run:
        run.kill_a_stage()
        # Another stage takes over, in the same worker; then a worker goes too.
        worker = run.busy_stage().parent
        assert worker != os.getpid()
        kill(worker)
        assert run.wait() == 3
        assert "Lost task" in run.text
    assert documents(output) == case.undisturbed()
    found = rows(output)
    assert len({row["id"] for row in found}) == len(found)
    assert {row["id"] for row in found if row["failed"]} == case.failing
    assert all((row["error"] is not None) == row["failed"] for row in found)


def test_the_driver_is_killed_and_started_again(tmp_path: Path) -> None:
    case = fake(tmp_path)
    output = tmp_path / "results"
    with started(command(case, output, wave=40), tmp_path / "log", environment(tmp_path)) as run:
        run.until(lambda: "40 of 120 done" in run.text, "the first wave")
        run.busy_stage()
        # The program is a script around a JVM, which is the driver.
        for process in run.processes():
            if process.words[0].endswith("java"):
                kill(process.pid)
        run.kill()
        run.until(lambda: not run.stages(), "the end")
    with started(command(case, output, wave=40), tmp_path / "log", environment(tmp_path)) as run:
        assert run.wait() == 3
        assert "120 jobs, 40 of them done before" in run.text
    assert documents(output) == case.undisturbed()
    # The same ids with other options are other results.
    case.manifest.write_text(case.manifest.read_text().replace("sleep:0.05", "sleep:0.06"))
    with started(command(case, output), tmp_path / "log", environment(tmp_path)) as run:
        assert run.wait() == 65
        assert "made from another line" in run.text


def test_what_cannot_work_ends_with_a_sentence(tmp_path: Path) -> None:
    case = fake(tmp_path)
    Path(case.setup.program).write_text("#!/bin/sh\necho no such model >&2\nexit 78\n")
    output = tmp_path / "results"
    with started(command(case, output), tmp_path / "log", environment(tmp_path)) as run:
        assert run.wait() == 78
        _, _, said = run.text.rpartition("reelscribe_spark: ")
        reason = "ended with exit status 78; it said:\nno such model\n"
        assert said.startswith(f"{case.setup.program} stage --threads 1: {reason}")
