"""The processes that a test has started, through whatever engine, and their violent ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_MARK = "REELSCRIBE_TEST_MARK"


@dataclass(frozen=True)
class Process:
    pid: int
    parent: int
    words: tuple[str, ...]

    @property
    def leads_a_group(self) -> bool:
        return os.getpgid(self.pid) == self.pid

    @property
    def written(self) -> int:
        """Bytes it has written so far, to anything."""
        lines = Path(f"/proc/{self.pid}/io").read_text().splitlines()
        return int(dict(line.split(": ") for line in lines)["wchar"])


class Run:
    """A program at work, with everything it has started."""

    def __init__(self, words: Sequence[str], log: Path, environment: dict[str, str]) -> None:
        self.mark = uuid.uuid4().hex
        self.log = log
        with log.open("wb") as file:
            self.program = subprocess.Popen(
                list(words),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                env={**os.environ, **environment, _MARK: self.mark},
            )

    @property
    def text(self) -> str:
        return self.log.read_text(errors="replace")

    def processes(self) -> Iterator[Process]:
        mark = f"{_MARK}={self.mark}".encode()
        for folder in Path("/proc").iterdir():
            if not folder.name.isdigit():
                continue
            try:
                if mark not in (folder / "environ").read_bytes().split(b"\0"):
                    continue
                state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
                words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
            except OSError:
                continue
            if state != "Z":
                yield Process(int(folder.name), int(parent), tuple(words))

    def stages(self, written: int = 0) -> list[Process]:
        """Stages that have written as much at least."""
        found = []
        for process in self.processes():
            try:
                if "stage" in process.words[:4] and process.leads_a_group:
                    found += [process] if process.written >= written else []
            except OSError:
                continue
        return found

    def until(self, condition: Callable[[], object], what: str, seconds: float = 400) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            ended = self.program.poll() is not None and what != "the end"
            if ended or time.monotonic() > deadline:
                raise AssertionError(f"waited in vain for {what}; the program said:\n{self.text}")
            time.sleep(0.02)

    def busy_stage(self) -> Process:
        """A stage that has answered some jobs, and is not at its end."""
        self.until(lambda: self.stages(written=300), "a stage that answers")
        return self.stages(written=300)[0]

    def kill_a_stage(self) -> None:
        """Kills a stage that has jobs in hand; the program's log must show that it had."""
        before = self.text.count("(SIGKILL)")
        for _ in range(20):
            # Between two blocks of jobs it has none, and its death is not worth a word.
            kill(self.busy_stage().pid)
            deadline = time.monotonic() + 5
            while time.monotonic() < deadline:
                if self.text.count("(SIGKILL)") > before:
                    return
                time.sleep(0.05)
        raise AssertionError(f"no stage was killed at work; the program said:\n{self.text}")

    def wait(self) -> int:
        self.until(lambda: self.program.poll() is not None, "the end", 600)
        return self.program.wait()

    def kill(self) -> None:
        """Kills the program alone; what it has started must end by itself."""
        self.program.kill()
        self.program.wait()

    def end(self) -> None:
        """Leaves nothing behind."""
        if self.program.poll() is None:
            self.kill()
        deadline = time.monotonic() + 20
        while (left := list(self.processes())) and time.monotonic() < deadline:
            time.sleep(0.1)
        for process in left:
            try:
                os.kill(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                continue


@contextmanager
def started(
    words: Sequence[str], log: Path, environment: dict[str, str] | None = None
) -> Iterator[Run]:
    run = Run(words, log, environment or {})
    try:
        yield run
    finally:
        run.end()


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


PYTHON = sys.executable
