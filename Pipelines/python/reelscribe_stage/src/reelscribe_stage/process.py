"""One life of a stage process: its pipes, read and written without ever blocking on one of them."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import IO

#: A document longer than this is a fault. The longest real ones, of a day of video, have a few MB.
LONGEST_LINE = 256 << 20
_CHUNK = 1 << 16
_KEPT_STDERR = 8192


class StageProcess:
    """A started `reelscribe stage`.

    Everything happens in the caller's thread, in `wait`: jobs are written as far as the process
    takes them and answers are read as far as they are there, so that neither side can block the
    other. A thread would have to be guarded against the forks that engines make.
    """

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> None:
        """Raises `OSError` where the command cannot be started."""
        # A session of its own, so that `kill` reaches the decoders that the stage has started. When
        # the caller dies, whatever the way, the pipes close and the stage ends by itself.
        self._child = subprocess.Popen(
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
            env=None if environment is None else {**os.environ, **environment},
        )
        self.started = time.monotonic()
        self._unsent: deque[memoryview] = deque()
        self._partial = bytearray()
        self._lines: deque[bytes] = deque()
        self._stderr = bytearray()
        self._selector = selectors.DefaultSelector()
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        assert self._child.stderr is not None
        self._stdin: IO[bytes] = self._child.stdin
        self._stdout: IO[bytes] = self._child.stdout
        self._errors: IO[bytes] = self._child.stderr
        for pipe in (self._stdin, self._stdout, self._errors):
            os.set_blocking(pipe.fileno(), False)
        self._selector.register(self._stdout, selectors.EVENT_READ)
        self._selector.register(self._errors, selectors.EVENT_READ)

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def is_running(self) -> bool:
        return self._child.poll() is None

    @property
    def has_ended(self) -> bool:
        """Whether nothing can come any more: standard output is closed, and all of it was read."""
        return self._stdout.closed and not self._lines

    @property
    def stderr_tail(self) -> str:
        """The last lines that the process wrote to standard error."""
        return self._stderr.decode("utf-8", "replace").strip()

    def send(self, line: bytes) -> None:
        """Queues one line; `wait` writes it."""
        self._unsent.append(memoryview(line + b"\n"))
        self._watch_stdin()

    def close_stdin(self) -> None:
        """Says that no job follows. What is queued and unwritten is dropped."""
        self._unsent.clear()
        self._drop(self._stdin)

    def next_line(self) -> bytes | None:
        """A line that has come, without its end."""
        return self._lines.popleft() if self._lines else None

    def wait(self, seconds: float) -> None:
        """Writes and reads what can be, waiting at most that long for the first chance to."""
        ready = self._selector.select(max(0.0, seconds)) if self._selector.get_map() else []
        if not ready and not self.is_running:
            # Something that it started may hold its output open for ever.
            self._drop(self._stdout)
        for key, _ in ready:
            if key.fileobj is self._stdin:
                self._write()
            elif key.fileobj is self._stdout:
                self._read_answers()
            else:
                self._read_errors()

    def finish(self, seconds: float) -> int | None:
        """Closes standard input and waits for the end; None where it does not come in time."""
        self.close_stdin()
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if not self._open_pipes():
                break
            self.wait(min(left, 0.1))
            if not self.is_running:
                break
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._child.wait(max(0.05, deadline - time.monotonic()))
        return None

    def end(self, seconds: float) -> int:
        """Ends the process: politely, then with SIGTERM, then with SIGKILL."""
        status = self.finish(seconds)
        if status is None:
            self._signal(signal.SIGTERM)
            status = self.finish(min(seconds, 5))
        if status is None:
            return self.kill()
        self._close()
        return status

    def kill(self) -> int:
        """Kills the process and everything it started, at once. Gives its exit status."""
        self._signal(signal.SIGKILL)
        status = self._child.wait()
        # What it managed to say before, for the message.
        while self._errors in self._open_pipes() and self._read_errors():
            pass
        self._close()
        return status

    # Pipes

    def _open_pipes(self) -> list[object]:
        return [key.fileobj for key in (self._selector.get_map() or {}).values()]

    def _watch_stdin(self) -> None:
        if not self._stdin.closed and self._stdin not in self._open_pipes():
            self._selector.register(self._stdin, selectors.EVENT_WRITE)

    def _write(self) -> None:
        while self._unsent:
            part = self._unsent[0]
            try:
                written = os.write(self._stdin.fileno(), part)
            except BlockingIOError:
                return
            except OSError:
                # It has closed its input. Its output tells whether it is alive.
                self._drop(self._stdin)
                return
            if written < len(part):
                self._unsent[0] = part[written:]
            else:
                self._unsent.popleft()
        self._selector.unregister(self._stdin)

    def _read_answers(self) -> None:
        chunk = self._read(self._stdout)
        if chunk is None:
            return
        *whole, rest = chunk.split(b"\n")
        if whole:
            self._lines.append(bytes(self._partial) + whole[0])
            self._lines.extend(whole[1:])
            self._partial.clear()
        self._partial += rest
        if len(self._partial) > LONGEST_LINE:
            # Never a document; what reads it will say so.
            self._lines.append(bytes(self._partial[:100]))
            self._drop(self._stdout)

    def _read_errors(self) -> bool:
        chunk = self._read(self._errors)
        if chunk:
            self._stderr += chunk
            del self._stderr[:-_KEPT_STDERR]
        return bool(chunk)

    def _read(self, pipe: IO[bytes]) -> bytes | None:
        try:
            chunk = os.read(pipe.fileno(), _CHUNK)
        except BlockingIOError:
            return None
        except OSError:
            chunk = b""
        if not chunk:
            self._drop(pipe)
            return None
        return chunk

    def _drop(self, pipe: IO[bytes]) -> None:
        if pipe in self._open_pipes():
            self._selector.unregister(pipe)
        with contextlib.suppress(OSError):
            pipe.close()

    def _signal(self, number: signal.Signals) -> None:
        # Once its end was collected, its number may be another's.
        if self._child.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._child.pid, number)

    def _close(self) -> None:
        for pipe in (self._stdin, self._stdout, self._errors):
            self._drop(pipe)
        self._selector.close()
