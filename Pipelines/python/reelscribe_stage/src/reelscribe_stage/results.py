"""A file of results that is complete after every crash: JSON Lines and a journal beside it."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType

from .documents import JobResult
from .manifest import Job

_HEADER = b'{"journal":"reelscribe-results@1"}\n'


class ResultsBusy(RuntimeError):
    """Another process writes to the same file."""


class ResultsDamaged(RuntimeError):
    """The file was changed by something else than this class."""


class ResultsConflict(ValueError):
    """The file holds a result of the same id, made from another line or with other options."""

    def __init__(self, job: Job, path: Path) -> None:
        super().__init__(
            f"{path} holds a result of job {job.id!r} that was made from another line or with "
            "other options: give another output, or the job another id"
        )


class ResultLog:
    """Documents, a line each, appended job by job; each job's are there once and as a whole.

    The documents of a job are on the disk before the journal, `PATH.keys`, says so. Whatever
    stands behind the journal's last word was cut off by a crash and is removed when the file is
    opened again. A lock keeps a second writer out.
    """

    def __init__(self, path: str | os.PathLike[str], options: Iterable[str] = ()) -> None:
        """`options` are those of the stage, as they are part of what a result is a result of.

        Raises `ResultsBusy`, `ResultsDamaged` and `OSError`.
        """
        self.path = Path(path)
        self._options = tuple(options)
        journal = self.path.with_name(self.path.name + ".keys")
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._journal = os.open(journal, flags, 0o666)
        self._file = -1
        try:
            try:
                fcntl.flock(self._journal, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ResultsBusy(f"another process writes to {self.path}") from None
            self._file = os.open(self.path, flags, 0o666)
            self._keys: dict[str, str] = {}
            self.failed = 0
            self._end = self._restore()
            _sync_folder(self.path.parent)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> ResultLog:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        for descriptor in (self._file, self._journal):
            if descriptor >= 0:
                os.close(descriptor)
        self._file = self._journal = -1

    def __len__(self) -> int:
        """Jobs that have a result."""
        return len(self._keys)

    def holds(self, job: Job) -> bool:
        """Whether the job has its result. Raises `ResultsConflict`."""
        known = self._keys.get(job.id)
        if known is not None and known != job.key(self._options):
            raise ResultsConflict(job, self.path)
        return known is not None

    def missing(self, jobs: Iterable[Job]) -> Iterator[Job]:
        """The jobs that have no result yet. Raises `ResultsConflict`."""
        return (job for job in jobs if not self.holds(job))

    def append(self, results: Iterable[JobResult]) -> None:
        """Writes results and waits until they are on the disk. A job that has one is passed over.

        Raises `OSError`; nothing of these results counts then.
        """
        text: list[str] = []
        entries: list[str] = []
        keys: dict[str, str] = {}
        end = self._end
        failed = 0
        for result in results:
            job = result.job
            if job.id in keys or self.holds(job):
                continue
            lines = "".join(document + "\n" for document in result.documents)
            end += len(lines.encode())
            text.append(lines)
            keys[job.id] = job.key(self._options)
            failed += result.failed
            entry = {"id": job.id, "key": keys[job.id], "failed": result.failed, "end": end}
            entries.append(json.dumps(entry) + "\n")
        if not entries:
            return
        try:
            _write(self._file, "".join(text).encode())
            _write(self._journal, "".join(entries).encode())
        except OSError:
            self._restore()
            raise
        self._keys.update(keys)
        self.failed += failed
        self._end = end

    def _restore(self) -> int:
        """Reads the journal, and cuts both files off behind the last result that is complete."""
        self._keys.clear()
        self.failed = 0
        end = 0
        with open(self._journal, "rb", closefd=False) as journal:
            journal.seek(0)
            read = journal.read()
        size = os.fstat(self._file).st_size
        if not read.startswith(_HEADER):
            # Only an empty file becomes ours: the header is on the disk before anything else is.
            if not _HEADER.startswith(read):
                raise ResultsDamaged(f"{self.path}.keys is another program's")
            if size > 0:
                raise ResultsDamaged(
                    f"{self.path} is there, but not its journal: give another output"
                )
            os.ftruncate(self._journal, 0)
            _write(self._journal, _HEADER)
            return 0
        whole = read[: read.rfind(b"\n") + 1]
        for number, line in enumerate(whole.splitlines()[1:], start=2):
            try:
                entry = json.loads(line)
                self._keys[str(entry["id"])] = str(entry["key"])
                self.failed += bool(entry["failed"])
                end = int(entry["end"])
            except (ValueError, TypeError, KeyError) as error:
                raise ResultsDamaged(f"{self.path}.keys, line {number}: {error!r}") from error
        if size < end:
            raise ResultsDamaged(f"{self.path} has {size} bytes, its journal says {end}")
        os.ftruncate(self._journal, len(whole))
        os.ftruncate(self._file, end)
        return end


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
    os.fsync(descriptor)


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
