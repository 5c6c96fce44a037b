from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reelscribe_stage import (
    Job,
    JobResult,
    ResultLog,
    ResultsBusy,
    ResultsConflict,
    ResultsDamaged,
    StageArguments,
    exit_status,
)


def result(id: str, *documents: str, failed: bool = False) -> JobResult:
    return JobResult(Job.of(f'{{"id":"{id}"}}'), documents or (f'{{"é":"{id}"}}',), failed, 1)


def test_results_are_kept_and_not_written_twice(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    with ResultLog(path) as log:
        log.append([result("a"), result("b", "{1}", "{2}"), result("a")])
        log.append([result("b"), result("c", failed=True)])
        log.append([])
    with ResultLog(path) as log:
        assert (len(log), log.failed) == (3, 1)
        jobs = [Job.of(f'{{"id":"{id}"}}') for id in "abcd"]
        assert [job.id for job in log.missing(jobs)] == ["d"]
        log.append([result("d")])
    assert path.read_text() == '{"é":"a"}\n{1}\n{2}\n{"é":"c"}\n{"é":"d"}\n'


@pytest.mark.parametrize("cut", range(1, 30, 4))
def test_what_a_crash_cut_off_is_removed(tmp_path: Path, cut: int) -> None:
    # Every length that the file of documents can have when the journal was not written any more.
    path = tmp_path / "results.jsonl"
    with ResultLog(path) as log:
        log.append([result("a")])
        before = path.read_bytes()
        journal = (tmp_path / "results.jsonl.keys").read_bytes()
        log.append([result("b", "{1111111111111}", "{2222222222222}")])
        both = path.read_bytes()
    path.write_bytes(both[: len(before) + cut])
    (tmp_path / "results.jsonl.keys").write_bytes(journal)
    with ResultLog(path) as log:
        assert len(log) == 1
        assert path.read_bytes() == before


@pytest.mark.parametrize("length", range(0, 36, 5))
def test_a_start_that_was_cut_off_is_made_again(tmp_path: Path, length: int) -> None:
    path, journal = tmp_path / "results.jsonl", tmp_path / "results.jsonl.keys"
    ResultLog(path).close()
    journal.write_bytes(journal.read_bytes()[:length])
    with ResultLog(path) as log:
        log.append([result("a")])
    with ResultLog(path) as log:
        assert len(log) == 1


@pytest.mark.parametrize("cut", range(1, 40, 4))
def test_a_torn_line_of_the_journal_does_not_count(tmp_path: Path, cut: int) -> None:
    path, journal = tmp_path / "results.jsonl", tmp_path / "results.jsonl.keys"
    with ResultLog(path) as log:
        log.append([result("a")])
        log.append([result("b")])
    journal.write_bytes(journal.read_bytes()[:-cut])
    with ResultLog(path) as log:
        assert len(log) == 1
        log.append([result("b")])
    assert path.read_text() == '{"é":"a"}\n{"é":"b"}\n'


def test_a_result_of_another_line_or_of_other_options_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    with ResultLog(path, ["--fps", "1"]) as log:
        log.append([result("a")])
        with pytest.raises(ResultsConflict, match="'a'"):
            log.holds(Job.of('{"id":"a","video":"other"}'))
    with ResultLog(path, ["--fps", "2"]) as log, pytest.raises(ResultsConflict):
        list(log.missing([result("a").job]))


def test_a_second_writer_is_kept_out(tmp_path: Path) -> None:
    with ResultLog(tmp_path / "results.jsonl"), pytest.raises(ResultsBusy):
        ResultLog(tmp_path / "results.jsonl")
    ResultLog(tmp_path / "results.jsonl").close()


def test_a_file_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    path.write_text("{}\n")
    with pytest.raises(ResultsDamaged, match="not its journal"):
        ResultLog(path)
    assert path.read_text() == "{}\n"
    other = tmp_path / "other.jsonl"
    other.with_name("other.jsonl.keys").write_text("dear diary\n")
    with pytest.raises(ResultsDamaged, match="another program"):
        ResultLog(other)


def test_a_file_that_was_shortened_or_a_spoilt_journal_is_refused(tmp_path: Path) -> None:
    path, journal = tmp_path / "results.jsonl", tmp_path / "results.jsonl.keys"
    with ResultLog(path) as log:
        log.append([result("a")])
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    with pytest.raises(ResultsDamaged, match="bytes"):
        ResultLog(path)
    path.write_bytes(whole)
    with journal.open("a") as file:
        file.write('{"id":"b"}\n')
    with pytest.raises(ResultsDamaged, match="line 3"):
        ResultLog(path)


def test_a_full_disk_leaves_only_whole_results(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        with ResultLog(path) as log:
            resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limits[1]))
            for number in range(6):
                log.append([result(f"j{number}", "{" + "x" * 300 + "}")])
            with pytest.raises(OSError, match=os.strerror(errno.EFBIG)):
                log.append([result("too much", "{" + "x" * 300 + "}")])
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            assert len(log) == 6
            log.append([result("more")])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert len(path.read_text().splitlines()) == 7


def test_killed_at_any_moment_each_result_is_whole_and_there_once(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    program = (
        "import sys\nfrom reelscribe_stage import *\n"
        'jobs = [Job.of(\'{"id":"j%d"}\' % n) for n in range(400)]\n'
        "with ResultLog(sys.argv[1]) as log:\n"
        "    print('ready', flush=True)\n"
        "    for job in log.missing(jobs):\n"
        "        log.append([JobResult(job, (job.id + ' 1', job.id + ' 2'), False, 1)])\n"
    )
    killed = 0
    while True:
        with subprocess.Popen(
            [sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE
        ) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"ready\n"
            if killed < 12:
                time.sleep(0.003 * (killed + 1))
                writer.kill()
            if writer.wait() == 0:
                break
            killed += 1
    assert killed >= 3
    expected = [f"j{number} {part}" for number in range(400) for part in (1, 2)]
    assert path.read_text().splitlines() == expected


def test_options_behind_the_dashes_belong_to_the_stage() -> None:
    read, setup = StageArguments("").parse(
        ["m.jsonl", "-o", "out", "--threads", "3", "--silence", "9", "--", "--fps", "1"]
    )
    assert (str(read.manifest), str(read.output)) == ("m.jsonl", "out")
    assert setup.command == ["reelscribe", "stage", "--threads", "3", "--fps", "1"]
    assert setup.limits.silence == 9


@pytest.mark.parametrize("wrong", [["--threads", "0"], ["--in-flight", "0"], ["--silence", "-1"]])
def test_wrong_limits_are_wrong_use(wrong: list[str]) -> None:
    with pytest.raises(SystemExit):
        StageArguments("").parse(["m.jsonl", "-o", "out", *wrong])


@pytest.mark.parametrize(("jobs", "failed", "status"), [(0, 0, 0), (3, 0, 0), (3, 1, 3), (3, 3, 4)])
def test_the_exit_status_is_that_of_reelscribe(jobs: int, failed: int, status: int) -> None:
    assert exit_status(jobs, failed) == status
