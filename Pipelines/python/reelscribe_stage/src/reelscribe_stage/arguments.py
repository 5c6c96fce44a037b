"""The command line that programs around a stage have in common."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .stage import Limits, Stage


@dataclass(frozen=True, slots=True)
class StageSetup:
    """How each worker starts its stage. It can be pickled, and so sent to workers."""

    program: str = "reelscribe"
    #: Compute threads of each stage, the cores that one worker takes.
    threads: int = 1
    #: Further options of `reelscribe stage`.
    options: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)

    @property
    def command(self) -> list[str]:
        return [self.program, "stage", "--threads", str(self.threads), *self.options]

    def stage(self) -> Stage:
        return Stage(self.command, self.limits)


class StageArguments(argparse.ArgumentParser):
    """A parser that knows the manifest, the output, and what a stage needs.

    Whatever stands behind `--` goes to `reelscribe stage` as it is.
    """

    def __init__(self, description: str) -> None:
        super().__init__(
            description=description,
            epilog="Whatever stands behind -- are options of `reelscribe stage`: "
            "-- --model Qwen/Qwen2-VL-7B-Instruct --no-timing",
        )
        limits = Limits()
        self.add_argument("manifest", type=Path, help="a job a line, as `reelscribe run` reads it")
        # Not a path: an engine may write to s3://...
        self.add_argument("--output", "-o", required=True, help="where results go")
        self.add_argument(
            "--program", default="reelscribe", help="reelscribe, the same path on every machine"
        )
        self.add_argument(
            "--threads", type=int, default=1, help="compute threads of a worker (default: 1)"
        )
        self.add_argument(
            "--in-flight",
            type=int,
            default=limits.in_flight,
            help="jobs that a worker has in hand at once (default: %(default)s)",
        )
        self.add_argument(
            "--silence",
            type=float,
            default=limits.silence,
            help="seconds without an answer after which a stage counts as hung; more than the "
            "longest job takes (default: %(default)g)",
        )
        self.add_argument(
            "--attempts",
            type=int,
            default=limits.attempts,
            help="stages that a job may take down before it gets an error document "
            "(default: %(default)s)",
        )

    def parse(self, words: Sequence[str]) -> tuple[argparse.Namespace, StageSetup]:
        own, options = list(words), []
        if "--" in own:
            at = own.index("--")
            own, options = own[:at], own[at + 1 :]
        read = self.parse_args(own)
        try:
            limits = Limits(in_flight=read.in_flight, silence=read.silence, attempts=read.attempts)
        except ValueError as error:
            self.error(str(error))
        if read.threads < 1:
            self.error("--threads is at least 1")
        return read, StageSetup(read.program, read.threads, tuple(options), limits)


def exit_status(jobs: int, failed: int) -> int:
    """What `reelscribe` itself would exit with: 0 for all done, 3 and 4 for some and all failed."""
    return 0 if failed == 0 else 4 if failed >= jobs else 3
