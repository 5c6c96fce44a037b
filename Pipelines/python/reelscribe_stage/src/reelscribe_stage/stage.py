"""A stage that outlives its processes: jobs in, every job's result out, exactly once."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import time
import weakref
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType

from .documents import BrokenDocument, Document, JobResult, error_document, questions_of
from .manifest import Job
from .process import StageProcess

log = logging.getLogger("reelscribe_stage")

#: Exit codes that say that the command, its model or its surroundings are wrong. They would be
#: wrong for every job, so no job is blamed.
_WRONG_SETUP = frozenset({64, 73, 78, 126, 127})
#: Ended by SIGINT and SIGTERM, in good order.
_ASKED_TO_END = frozenset({130, 143})


class StageFailed(RuntimeError):
    """The stage itself does not work, whatever the job."""

    @classmethod
    def said(cls, trace: str) -> str | None:
        """What an error of this kind said, in the trace that an engine has made of it.

        Engines wrap what a worker raises in errors of their own that are some hundred lines long.
        """
        _, is_ours, rest = trace.rpartition(f"{cls.__name__}: ")
        return rest.partition("\n\n")[0].partition("\n\tat ")[0].strip() if is_ours else None


@dataclass(frozen=True, slots=True)
class Limits:
    """How long to wait, how much to have in flight, and when to give a job up."""

    #: Jobs handed to the process at once. More than one, so that it can decode the next video while
    #: the model works on this one.
    in_flight: int = 4
    #: Seconds without any answer, while a job is in the process, after which it counts as hung. It
    #: must exceed what the longest job takes.
    silence: float = 3600
    #: Seconds more for the first answer of a process, which loads the model first.
    start: float = 600
    #: Seconds for the end after the last job, before it is forced.
    shutdown: float = 30
    #: Processes that a job may take down before it gets an error document instead.
    attempts: int = 2

    def __post_init__(self) -> None:
        if self.in_flight < 1 or self.attempts < 1:
            raise ValueError("in_flight and attempts are at least 1")
        if min(self.silence, self.start, self.shutdown) < 0:
            raise ValueError("times are not negative")


@dataclass(slots=True)
class _Task:
    """A job that has no result yet."""

    job: Job
    questions: int | None
    #: How many processes got it; of these, how many died over it.
    attempts: int = 0
    deaths: int = 0
    documents: dict[int | None, Document] = field(default_factory=dict)

    def add(self, document: Document) -> bool:
        """Takes an answer; says whether it was the last one."""
        index = document.question_index
        if index in self.documents:
            raise BrokenDocument("the same answer twice")
        if index is not None and not 0 <= index < (self.questions or 0):
            raise BrokenDocument(f"an answer to question {index}, which the job does not have")
        self.documents[index] = document
        # Whatever has no index speaks for the whole job.
        return index is None or len(self.documents) == self.questions

    def result(self) -> JobResult:
        documents = [self.documents[index] for index in sorted(self.documents, key=_last_if_none)]
        return JobResult(
            self.job,
            tuple(document.placed(self.job) for document in documents),
            any(document.is_error for document in documents),
            self.attempts,
        )


def _last_if_none(index: int | None) -> tuple[bool, int]:
    return (index is None, index or 0)


class Stage:
    """Runs jobs through `reelscribe stage` processes, one at a time, that are started when needed.

    >>> with Stage(["reelscribe", "stage"]) as stage:
    ...     for result in stage.run(read_manifest("videos.jsonl")):
    ...         print(*result.documents, sep="\\n")

    A process that dies, hangs or talks nonsense is replaced and the jobs it had are given again,
    now one at a time, so that it becomes plain which of them it dies of. A job that does so
    `Limits.attempts` times gets an error document with the code `internal`.

    The object keeps its process between calls of `run`. It is not for use by two threads at once.
    """

    def __init__(
        self,
        command: Sequence[str] = ("reelscribe", "stage"),
        limits: Limits | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """`environment` is added to this process's own."""
        if isinstance(command, str) or not command:
            raise ValueError("the command is a list of words, at least one")
        self._command = list(command)
        self._environment = dict(environment or {})
        self.limits = limits or Limits()
        #: Processes replaced because they died, hung or talked nonsense.
        self.restarts = 0
        self._version: str | None = None
        self._process: StageProcess | None = None
        # Whether this process has shown that it works.
        self._has_answered = False
        self._collect: weakref.finalize[[StageProcess, int], Stage] | None = None
        self._is_running = False

    # Its life

    def __enter__(self) -> Stage:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self.close()
        else:
            self.kill()

    def close(self) -> None:
        """Ends the process in good order: it is told that no job follows, and waited for."""
        if (process := self._forget()) is not None:
            status = process.end(self.limits.shutdown)
            if status != 0:
                log.warning("the stage ended with %s", _describe(status))

    def kill(self) -> None:
        """Ends the process at once; what was in it is lost."""
        if (process := self._forget()) is not None:
            process.kill()

    @property
    def pid(self) -> int | None:
        """The process that works now, if there is one."""
        return self._process.pid if self._process else None

    def _forget(self) -> StageProcess | None:
        process, self._process = self._process, None
        if self._collect is not None:
            self._collect.detach()
            self._collect = None
        return process

    def _started(self) -> StageProcess:
        if self._process is None:
            self._process = self._start()
            self._has_answered = False
            # An engine may drop the object without closing it.
            self._collect = weakref.finalize(self, _kill, self._process, os.getpid())
        return self._process

    def _start(self) -> StageProcess:
        try:
            return StageProcess(self._command, self._environment)
        except OSError as error:
            raise StageFailed(f"{self._command[0]!r} cannot be started: {error}") from error

    # Jobs

    def run(self, jobs: Iterable[Job]) -> Iterator[JobResult]:
        """The result of every job, each as soon as it is there.

        Jobs are taken from the iterable only as the process has room for them; meanwhile nothing
        else happens, so taking one should not block. A process answers in the order of the jobs;
        around a death the order may differ. Where the caller stops early, the process is killed
        with what it had in hand.

        Raises `StageFailed` where not even a fresh process answers.
        """
        if self._is_running:
            raise RuntimeError("the last run is not at its end: read or close it first")
        self._is_running = True
        work = _Work(self, iter(jobs))
        is_done = False
        try:
            while (result := work.next()) is not None:
                paused = time.monotonic()
                yield result
                work.not_waiting(time.monotonic() - paused)
            is_done = True
        finally:
            self._is_running = False
            if not is_done:
                self.kill()

    def _check(self) -> None:
        """Makes sure that a fresh process answers a line, if only that it is no job.

        Raises `StageFailed` with what the process said where it does not.
        """
        process = self._start()
        try:
            process.send(b"{}")
            deadline = time.monotonic() + self.limits.start + self.limits.silence
            while (line := process.next_line()) is None:
                if process.has_ended or time.monotonic() > deadline:
                    raise StageFailed(self._say("does not even answer a line", process))
                process.wait(min(1.0, deadline - time.monotonic()))
            try:
                self._version = Document.of(line).version
            except BrokenDocument as error:
                raise StageFailed(
                    self._say(f"answers what is no document: {error}", process)
                ) from error
        finally:
            process.kill()

    def _say(self, fault: str, process: StageProcess) -> str:
        said = process.stderr_tail
        return f"{' '.join(self._command)}: {fault}" + (f"; it said:\n{said}" if said else "")


class _Work:
    """The state of one `Stage.run`."""

    def __init__(self, stage: Stage, jobs: Iterator[Job]) -> None:
        self.stage = stage
        self.limits = stage.limits
        self.jobs = jobs
        self.has_more = True
        #: In the process now, by id, in the order they were given.
        self.given: dict[str, _Task] = {}
        #: Were in a process when it died, so each is tried alone.
        self.suspects: deque[_Task] = deque()
        #: Taken from the iterable while a job of the same id was in the process.
        self.held: _Task | None = None
        self.done: deque[JobResult] = deque()
        #: When the last answer came, or the process got something to do.
        self.waiting_since = time.monotonic()

    def next(self) -> JobResult | None:
        """The next result; None after the last."""
        while not self.done:
            self.give()
            if not self.given:
                return None
            process = self.stage._started()
            process.wait(min(1.0, max(0.0, self.deadline(process) - time.monotonic())))
            self.take(process)
            if self.given and process.has_ended:
                self.bury(None)
            elif self.given and time.monotonic() > self.deadline(process):
                self.bury(f"no answer for {self.limits.silence:g} seconds")
        return self.done.popleft()

    def not_waiting(self, seconds: float) -> None:
        """The caller was busy that long, in which answers may have come unseen."""
        self.waiting_since += seconds

    def deadline(self, process: StageProcess) -> float:
        first = process.started + self.limits.start
        since = self.waiting_since if self.stage._has_answered else max(self.waiting_since, first)
        return since + self.limits.silence

    # Giving jobs

    def give(self) -> None:
        """Fills the process up, unless a suspect must have it alone."""
        if not self.given:
            self.waiting_since = time.monotonic()
            if self.suspects:
                self.hand(self.suspects.popleft())
                return
        elif self.suspects or any(task.deaths for task in self.given.values()):
            return
        while len(self.given) < self.limits.in_flight and (task := self.take_job()) is not None:
            self.hand(task)

    def take_job(self) -> _Task | None:
        if self.held is None and self.has_more:
            job = next(self.jobs, None)
            if job is None:
                self.has_more = False
            else:
                self.held = _Task(job, questions_of(job))
        if self.held is None or self.held.job.id in self.given:
            return None
        task, self.held = self.held, None
        return task

    def hand(self, task: _Task) -> None:
        if not self.given and (process := self.stage._process) and not process.is_running:
            # It ended while it had nothing to do, which is no job's fault.
            self.stage._forget()
            log.warning("the stage ended (%s) with no job in hand", _describe(process.kill()))
        task.attempts += 1
        task.documents.clear()
        self.given[task.job.id] = task
        self.stage._started().send(task.job.line)

    # Taking answers

    def take(self, process: StageProcess) -> None:
        try:
            while (line := process.next_line()) is not None:
                document = Document.of(line)
                if document.code == "interrupted":
                    # Handed back, as someone has asked the process to end.
                    continue
                task = self.task_of(document)
                self.waiting_since = time.monotonic()
                self.stage._has_answered = True
                self.stage._version = document.version or self.stage._version
                if task.add(document):
                    del self.given[task.job.id]
                    self.done.append(task.result())
        except BrokenDocument as error:
            self.bury(f"it wrote {error}")

    def task_of(self, document: Document) -> _Task:
        task = self.given.get(document.id or "")
        if task is None and document.is_error and len(self.given) == 1:
            # A line so bad that the stage and we read different ids in it. Alone it is plain whose
            # answer this is; in company it will be, as each is tried alone after this fault.
            task = next(iter(self.given.values()))
        if task is None:
            raise BrokenDocument(f"an answer to {document.id!r}, which it was not given")
        return task

    # Deaths

    def bury(self, fault: str | None) -> None:
        """Ends a process that failed, and decides what becomes of the jobs it had."""
        process = self.stage._forget()
        if process is None:
            return
        status = process.kill() if fault else process.end(self.limits.shutdown)
        how = fault or _describe(status)
        tasks = list(self.given.values())
        self.given.clear()
        self.stage.restarts += 1
        log.warning(
            "the stage failed (%s) with jobs %s; it said: %s",
            how,
            ", ".join(task.job.id for task in tasks),
            process.stderr_tail[-500:] or "nothing",
        )
        if fault is None and status in _WRONG_SETUP:
            raise StageFailed(self.stage._say(f"ended with {how}", process))
        if fault is None and status in _ASKED_TO_END and self.stage._has_answered:
            # It was asked to end, which is no job's fault.
            self.suspects.extendleft(reversed(tasks))
            return
        for task in tasks:
            task.deaths += 1
        if len(tasks) == 1 and tasks[0].deaths >= self.limits.attempts:
            self.stage._check()
            self.done.append(self.given_up(tasks[0], how))
        else:
            self.suspects.extendleft(reversed(tasks))

    def given_up(self, task: _Task, how: str) -> JobResult:
        times = (
            "once" if task.deaths == 1 else "twice" if task.deaths == 2 else f"{task.deaths} times"
        )
        document = error_document(
            task.job,
            message=f"the stage failed {times} while it had this job: {how}",
            hint="try the video alone with reelscribe; if that fails too, report it",
            version=self.stage._version,
        )
        return JobResult(task.job, (document,), True, task.attempts)


def _kill(process: StageProcess, owner: int) -> None:
    # A fork of the owner has the object too, but the process is not its own.
    if os.getpid() == owner:
        process.kill()


def _describe(status: int) -> str:
    if status >= 0:
        return f"exit status {status}"
    with contextlib.suppress(ValueError):
        return signal.Signals(-status).name
    return f"signal {-status}"
