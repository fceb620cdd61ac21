"""The demo's virtual bench: a process of its own that ends with the demo."""

from __future__ import annotations

import json
import queue
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO, Any

from labctl.errors import LinkClosed, LinkTimeout

READY_TIMEOUT_S = 60.0
END_TIMEOUT_S = 20.0
ERROR_LINES_KEPT = 40


class DemoBench:
    """What the bench said in its first line, and where its files are."""

    def __init__(self, first: dict[str, Any]) -> None:
        self.first = first
        self.station_file = Path(str(first["station_file"]))

    @property
    def cells_file(self) -> Path:
        """Return the table of the cells that sit in the bench, as a person would register them."""
        return self.station_file.with_name("cells.csv")


class _Reader(threading.Thread):
    """Reads a stream to its end, so that the bench never blocks on it; keeps the newest lines."""

    def __init__(self, stream: IO[str]) -> None:
        super().__init__(name="demo bench output", daemon=True)
        self._stream = stream
        self.lines: deque[str] = deque(maxlen=ERROR_LINES_KEPT)
        self.first: queue.SimpleQueue[str] = queue.SimpleQueue()

    def run(self) -> None:
        """Read until the end; an empty text in ``first`` says that nothing (more) comes."""
        for line in self._stream:
            if not self.lines:
                self.first.put(line)
            self.lines.append(line)
        self.first.put("")
        self._stream.close()


def _apart() -> dict[str, Any]:
    """Return what keeps a terminal's Ctrl-C away from the bench: the demo ends it in its own time."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


@contextmanager
def demo_bench(arguments: Sequence[str]) -> Iterator[DemoBench]:
    """Start ``labctl sim --json ARGUMENTS``, wait until it serves, and end it afterwards.

    Raises: LinkTimeout, LinkClosed with what the bench wrote to standard error when it does not begin to
    serve.
    """
    process = subprocess.Popen(
        # The bench ends when our end of its standard input closes: also when this process is killed.
        [sys.executable, "-m", "labctl", "sim", "--json", "--end-with-stdin", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        **_apart(),
    )
    assert process.stdout is not None and process.stderr is not None
    output, errors = _Reader(process.stdout), _Reader(process.stderr)
    output.start()
    errors.start()
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield DemoBench(_first_line(process, output, errors))
    finally:
        _end(process)
        signal.signal(signal.SIGTERM, before)
        output.join(END_TIMEOUT_S)
        errors.join(END_TIMEOUT_S)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Turn a request to end this process into an interrupt, so that the bench is ended too."""
    raise KeyboardInterrupt


def _first_line(process: subprocess.Popen[str], output: _Reader, errors: _Reader) -> dict[str, Any]:
    try:
        line = output.first.get(timeout=READY_TIMEOUT_S)
    except queue.Empty:
        raise LinkTimeout(
            "the virtual bench has not said that it is ready", operation="start", elapsed_s=READY_TIMEOUT_S
        ) from None
    if not line:
        process.wait(END_TIMEOUT_S)
        errors.join(END_TIMEOUT_S)
        told = " ".join("".join(errors.lines).split()) or "it said nothing"
        raise LinkClosed(f"the virtual bench ended before it was ready: {told}", operation="start")
    first: dict[str, Any] = json.loads(line)
    return first


def _end(process: subprocess.Popen[str]) -> None:
    """Ask the process to end, then make it."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()
    if process.stdin is not None:
        process.stdin.close()
