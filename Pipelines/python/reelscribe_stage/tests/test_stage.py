from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reelscribe_stage import Job, JobResult, Limits, Stage, StageFailed

FAKE = [sys.executable, str(Path(__file__).with_name("fake_stage.py"))]
QUICK = Limits(silence=1, start=5, shutdown=5)


def job(id: str, video: str = "v", **more: object) -> Job:
    return Job.of(json.dumps({"id": id, "video": video, "task": "summarize", **more}))


def ordinary(count: int, prefix: str = "j") -> list[Job]:
    return [job(f"{prefix}{index}") for index in range(count)]


def ids(results: list[JobResult]) -> list[str]:
    return [result.id for result in results]


def code(result: JobResult) -> str | None:
    document = json.loads(result.documents[0])
    return str(document["error"]["code"]) if "error" in document else None


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 10
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with Stage(FAKE, QUICK, {"FAKE_LOG": str(tmp_path / "log")}) as stage:
        yield stage


def logged(tmp_path: Path, word: str) -> list[str]:
    lines = (tmp_path / "log").read_text().splitlines()
    return [line for line in lines if line.split()[1] == word]


def test_every_job_is_answered_in_order_by_one_process(stage: Stage, tmp_path: Path) -> None:
    results = list(stage.run(ordinary(50)))
    assert ids(results) == [f"j{index}" for index in range(50)]
    assert {(result.attempts, result.failed) for result in results} == {(1, False)}
    # The process is kept between runs, and ends in good order.
    assert ids(list(stage.run(ordinary(3, "k")))) == ["k0", "k1", "k2"]
    stage.close()
    assert len(logged(tmp_path, "start")) == 1
    assert len(logged(tmp_path, "end")) == 1


def test_no_jobs_start_no_process(stage: Stage, tmp_path: Path) -> None:
    assert list(stage.run([])) == []
    assert not (tmp_path / "log").exists()


def test_questions_are_collected_into_one_result(stage: Stage) -> None:
    asked = job("a", task="ask", questions=["x", "y", "z"])
    first, second = stage.run([asked, job("b")])
    assert [json.loads(text)["question_index"] for text in first.documents] == [0, 1, 2]
    assert ids([first, second]) == ["a", "b"]


def test_an_error_document_is_a_result(stage: Stage) -> None:
    failed, fine = stage.run([job("a", "missing"), job("b")])
    assert (failed.failed, code(failed), failed.attempts) == (True, "input.not_found", 1)
    assert not fine.failed
    assert stage.restarts == 0


def test_jobs_are_taken_only_as_there_is_room(stage: Stage) -> None:
    taken = 0

    def jobs() -> Iterator[Job]:
        nonlocal taken
        for each in ordinary(30):
            taken += 1
            yield each

    for count, _ in enumerate(stage.run(jobs()), start=1):
        assert taken - count <= QUICK.in_flight


@pytest.mark.parametrize(
    ("video", "said"),
    [
        ("crash", "SIGSEGV"),
        ("exit:70", "exit status 70"),
        ("exit:0", "exit status 0"),
        ("hang", "no answer for 1 seconds"),
        ("close-output", "SIG"),
        ("orphan", "SIGKILL"),
        ("torn", "SIGKILL"),
        ("garbage:warning: half a frame", "not a JSON object"),
        ('garbage:{"schema":"reelscribe/error@1"', "not a JSON object"),
        ("foreign", "'no such job'"),
        ("twice", "which the job does not have"),
    ],
)
def test_a_job_that_kills_its_process_twice_becomes_an_error_document(
    stage: Stage, tmp_path: Path, video: str, said: str
) -> None:
    if video == "close-output":
        stage.limits = Limits(silence=1, start=5, shutdown=0.3)
    jobs = [*ordinary(3), job("bad", video, meta={"n": [1]}), *ordinary(5, "k")]
    results = list(stage.run(jobs))
    assert sorted(ids(results)) == sorted(each.id for each in jobs)
    failed = [result for result in results if result.failed]
    assert ids(failed) == ["bad"]
    assert failed[0].attempts == 2
    document = json.loads(failed[0].documents[0])
    assert document["error"]["code"] == "internal"
    assert said in document["error"]["message"]
    assert document["meta"] == {"n": [1]}
    assert document["tool"]["version"] == "9.9.9"
    # What was in its company was tried alone, and never blamed.
    assert max(result.attempts for result in results if not result.failed) <= 2
    assert stage.restarts == 2


@pytest.mark.parametrize("fault", ["crash", "hang", "garbage:x", "torn", "exit:1"])
def test_a_job_that_kills_its_process_once_is_answered(
    stage: Stage, tmp_path: Path, fault: str
) -> None:
    jobs = [*ordinary(2), job("bad", f"once:{tmp_path / 'marker'}:{fault}"), *ordinary(6, "k")]
    results = list(stage.run(jobs))
    assert sorted(ids(results)) == sorted(each.id for each in jobs)
    assert not any(result.failed for result in results)
    assert next(result for result in results if result.id == "bad").attempts == 2
    assert stage.restarts == 1


def test_each_of_several_poison_jobs_is_found(stage: Stage) -> None:
    jobs = [job(f"p{index}", "crash") if index % 3 == 1 else job(f"j{index}") for index in range(9)]
    results = list(stage.run(jobs))
    assert sorted(ids(results)) == sorted(each.id for each in jobs)
    assert {result.id for result in results if result.failed} == {"p1", "p4", "p7"}


def test_killed_from_outside_at_many_moments_every_job_has_one_result(stage: Stage) -> None:
    jobs = [job(f"j{index}", "sleep:0.005") for index in range(200)]
    results = []
    for count, result in enumerate(stage.run(jobs), start=1):
        results.append(result)
        if count % 17 == 0 and stage.pid is not None:
            os.kill(stage.pid, signal.SIGKILL)
    assert sorted(ids(results)) == sorted(each.id for each in jobs)
    # A job is blamed only for deaths that it was alone in; these come too seldom for two.
    assert not any(result.failed for result in results)
    assert stage.restarts >= 8


def test_jobs_that_a_stage_hands_back_are_given_again_and_not_blamed(
    stage: Stage, tmp_path: Path
) -> None:
    marker = tmp_path / "marker"
    videos = [f"once:{marker}-{n}:hand-back" if n % 3 == 1 else "v" for n in range(12)]
    stage.limits = Limits(silence=1, start=5, shutdown=5, attempts=1)
    results = list(stage.run([job(f"j{n}", video) for n, video in enumerate(videos)]))
    assert sorted(ids(results)) == sorted(f"j{n}" for n in range(12))
    assert not any(result.failed for result in results)
    assert stage.restarts == 4


def test_a_death_between_two_runs_is_nobodys_fault(stage: Stage) -> None:
    list(stage.run(ordinary(1)))
    assert stage.pid is not None
    os.kill(stage.pid, signal.SIGKILL)
    pid = stage.pid
    assert until(lambda: not is_alive(pid))
    (result,) = stage.run(ordinary(1))
    assert result.attempts == 1


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"FAKE_EXIT": "78"}, "exit status 78; it said:\nno such model"),
        ({"FAKE_EXIT": "64"}, "exit status 64"),
        ({"FAKE_DEAD": "1"}, "does not even answer"),
    ],
)
def test_a_stage_that_cannot_work_blames_no_job(environment: dict[str, str], said: str) -> None:
    with Stage(FAKE, QUICK, environment) as stage, pytest.raises(StageFailed, match=said):
        list(stage.run(ordinary(5)))


def test_what_was_said_is_found_in_the_trace_of_an_engine() -> None:
    # Those of Ray and Spark, cut short.
    ray = (
        "Traceback (most recent call last):\nreelscribe_stage.stage.StageFailed: x: ended; it said:"
        "\nno such model\n\nThe above exception was the direct cause of the following exception:\n"
    )
    spark = 'File "stage.py"\nreelscribe_stage.stage.StageFailed: x: ended; it said:\nno such model'
    for trace in (ray, spark, spark + "\n\tat org.apache.spark.X\n", spark + "\n\n\tat java.Y"):
        assert StageFailed.said(trace) == "x: ended; it said:\nno such model"
    assert StageFailed.said("ValueError: x") is None


def test_a_command_that_is_not_there_is_named() -> None:
    with pytest.raises(StageFailed, match="'/no/such/reelscribe' cannot be started"):
        list(Stage(["/no/such/reelscribe", "stage"]).run(ordinary(1)))


def test_a_line_that_is_no_job_is_answered_like_any_other(stage: Stage) -> None:
    # The fake answers without an id, so it must be found out whose answer that is.
    bad = Job.of(b"{not json", 5)
    results = list(stage.run([*ordinary(3), bad, *ordinary(3, "k")]))
    assert len(results) == 7
    assert [code(result) for result in results if result.id == bad.id] == ["job.invalid"]
    assert sum(result.failed for result in results) == 1


def test_two_jobs_of_one_id_are_never_in_the_process_together(stage: Stage) -> None:
    results = list(stage.run([job("a"), job("a"), job("b"), job("a")]))
    assert ids(results) == ["a", "a", "b", "a"]


def test_large_jobs_and_answers_pass_both_ways_at_once(stage: Stage) -> None:
    # Pipes hold 64 KB: whoever writes without reading stands still here.
    jobs = [job(f"j{n}", "big:3000000", meta="m" * 2_000_000) for n in range(6)]
    results = list(stage.run(jobs))
    assert [len(result.documents[0]) > 5_000_000 for result in results] == [True] * 6


def test_a_noisy_stage_does_not_stand_still(stage: Stage) -> None:
    assert len(list(stage.run([job(f"j{n}", "noise") for n in range(5)]))) == 5


def test_a_slow_caller_is_not_taken_for_a_hung_stage(stage: Stage) -> None:
    results = []
    for result in stage.run([job(f"j{n}", "big:200000") for n in range(4)]):
        results.append(result)
        if len(results) == 1:
            time.sleep(1.5)
    assert [result.attempts for result in results] == [1] * 4


def test_a_long_job_counts_from_the_last_answer(stage: Stage) -> None:
    # 0.6 s each, 2.4 s together, at a limit of 1 s of silence.
    results = list(stage.run([job(f"j{n}", "sleep:0.6") for n in range(4)]))
    assert [result.attempts for result in results] == [1] * 4


def test_a_slow_start_is_no_hang() -> None:
    command = ["sh", "-c", 'sleep 1.5; exec "$0" "$@"', *FAKE]
    with Stage(command, Limits(silence=0.5, start=5)) as stage:
        (result,) = stage.run(ordinary(1))
    assert result.attempts == 1


def test_a_caller_that_stops_early_leaves_nothing_behind(stage: Stage) -> None:
    results = stage.run([job(f"j{n}", "sleep:0.1") for n in range(20)])
    next(results)
    pid = stage.pid
    assert pid is not None
    with pytest.raises(RuntimeError, match="not at its end"):
        list(stage.run(ordinary(1)))
    results.close()  # type: ignore[attr-defined]
    assert not is_alive(pid)
    # Nor an answer that the next run would stumble over.
    assert ids(list(stage.run(ordinary(2, "k")))) == ["k0", "k1"]


@pytest.mark.parametrize("how", ["close", "error", "dropped"])
def test_the_process_ends_with_its_owner(how: str) -> None:
    stage: Any = Stage(FAKE, QUICK)
    list(stage.run(ordinary(1)))
    pid = stage.pid
    if how == "close":
        stage.close()
    elif how == "error":
        with pytest.raises(ZeroDivisionError), stage:
            raise ZeroDivisionError
    else:
        del stage
        gc.collect()
    assert until(lambda: not is_alive(pid))


def test_the_process_ends_when_its_owner_is_killed() -> None:
    program = (
        "import sys, time\nfrom reelscribe_stage import *\n"
        'stage = Stage(sys.argv[1:])\nlist(stage.run([Job.of(b\'{"id":"a","video":"v"}\')]))\n'
        "print(stage.pid, flush=True)\ntime.sleep(100)\n"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", program, *FAKE], stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    pid = int(owner.stdout.readline())
    assert is_alive(pid)
    owner.kill()
    owner.wait()
    owner.stdout.close()
    assert until(lambda: not is_alive(pid))


def test_an_unclean_end_does_not_undo_what_was_answered() -> None:
    with Stage(FAKE, QUICK, {"FAKE_LAST": "70"}) as stage:
        assert len(list(stage.run(ordinary(3)))) == 3


@pytest.mark.parametrize("wrong", [{"in_flight": 0}, {"attempts": 0}, {"silence": -1.0}])
def test_limits_are_checked(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"not negative|at least 1"):
        Limits(**wrong)
