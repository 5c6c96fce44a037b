"""Manifests: a job a line, as `reelscribe run` and `reelscribe stage` read them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .jsontext import JSONTextError, members, string

#: White space around a line, which does not count.
_BLANK = b" \t\r\n"


def stable_id(line: bytes) -> str:
    """The id of a job whose line names none: the same that `reelscribe` itself gives it.

    The first 32 hexadecimal digits of the SHA-256 of the line without the white space around it.
    """
    return hashlib.sha256(line.strip(_BLANK)).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Job:
    """One line of a manifest, and the key of its result."""

    #: The job's own `id` where it has a sound one, else `stable_id` of the line.
    id: str
    #: The line as it stands, without its end. It may be no valid job; the stage says so.
    line: bytes
    #: Where it stands in the manifest, from 1; 0 where that is not known.
    number: int = 0

    @classmethod
    def of(cls, line: bytes | str, number: int = 0) -> Job:
        """Reads what is needed to match a line with its answers.

        A bad line is the stage's to judge. Only what is several lines, or an empty one, raises
        `ValueError`, as a stage has no answer to it.
        """
        raw = line.encode("utf-8", "surrogateescape") if isinstance(line, str) else line
        raw = raw.strip(_BLANK)
        if not raw or b"\n" in raw:
            raise ValueError("a job is one line that is not empty")
        own = string(_members(raw).get("id"))
        return cls(own or stable_id(raw), raw, number)

    @property
    def meta(self) -> str | None:
        """The JSON text of `meta`, with every digit as it was written."""
        return _members(self.line).get("meta")

    @property
    def video(self) -> str | None:
        return string(_members(self.line).get("video"))

    def key(self, options: Iterable[str] = ()) -> str:
        """Differs where anything in the line, or in the options of the stage, differs: what was
        made of another is no result of this one."""
        digest = hashlib.sha256(self.line)
        for option in options:
            digest.update(b"\0" + option.encode("utf-8", "surrogateescape"))
        return digest.hexdigest()[:32]


def _members(line: bytes) -> dict[str, str]:
    try:
        return members(line.decode("utf-8"))
    except (UnicodeDecodeError, JSONTextError):
        return {}


class DuplicateID(ValueError):
    """Two lines of a manifest have one id, so their results could not be told apart."""

    def __init__(self, first: Job, second: Job) -> None:
        super().__init__(
            f"line {second.number}: the id {second.id!r} was used by line {first.number}: "
            "give each job an id of its own, or none"
        )
        self.first = first
        self.second = second


def read_jobs(lines: Iterable[bytes]) -> Iterator[Job]:
    """The jobs in `lines`; blank ones are passed over.

    A line that is there twice, byte for byte and without an id, is one job: it has one id.
    """
    seen: dict[str, Job] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip(_BLANK):
            continue
        job = Job.of(line, number)
        first = seen.setdefault(job.id, job)
        if first is job:
            yield job
        elif first.line != job.line:
            raise DuplicateID(first, job)


def read_manifest(path: str | os.PathLike[str]) -> Iterator[Job]:
    """The jobs of a manifest file."""
    with open(path, "rb") as file:
        yield from read_jobs(file)
