"""A virtual bench in a process of its own, for tests and demonstrations.

``with running_bench("--seed", "7") as bench:`` starts ``labctl sim --json``, waits for its first line, and
ends it.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from labctl.adminlink import split_host_port
from labctl.errors import LinkClosed, LinkTimeout, RefusedError

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 20.0
REQUEST_TIMEOUT_S = 600.0
LINES_KEPT = 200
"""Lines of standard error kept for the report of a bench that fails."""


class RunningBench:
    """A bench process. ``first`` is the object of its first line: ports, station file, seed."""

    def __init__(self, process: subprocess.Popen[str], first: dict[str, Any], errors: deque[str]) -> None:
        self.process = process
        self.first = first
        self._errors = errors
        self._socket: socket.socket | None = None
        self._lines: IO[str] | None = None

    @property
    def station_file(self) -> Path:
        """Return the station file that the bench has written."""
        return Path(self.first["station_file"])

    def instrument(self, name: str) -> dict[str, Any]:
        """Return the entry of an instrument in the first line. Raises KeyError."""
        for entry in self.first["instruments"]:
            if entry["name"] == name:
                return dict(entry)
        raise KeyError(name)

    def error_text(self) -> str:
        """Return the last lines that the process wrote to standard error."""
        return "".join(self._errors)

    def admin(self, do: str, **fields: object) -> dict[str, Any]:
        """Send one admin request and return the reply. Raises RefusedError, LinkClosed, LinkTimeout."""
        if self._lines is None:
            address = split_host_port(self.first["admin"])
            self._socket = socket.create_connection(address, timeout=REQUEST_TIMEOUT_S)
            self._lines = self._socket.makefile("rw", encoding="utf-8", newline="\n")
        try:
            self._lines.write(json.dumps({"do": do, **fields}) + "\n")
            self._lines.flush()
            line = self._lines.readline()
        except TimeoutError as error:
            raise LinkTimeout("no reply", instrument="virtual bench", operation=do) from error
        except OSError as error:
            raise LinkClosed(str(error), instrument="virtual bench", operation=do) from error
        if not line:
            raise LinkClosed("the bench closed the admin link", instrument="virtual bench", operation=do)
        reply: dict[str, Any] = json.loads(line)
        if reply.get("ok") is not True:
            text = str(reply.get("error"))
            raise RefusedError(text, vendor_text=text, instrument="virtual bench", operation=do)
        return reply

    def hang_up(self) -> None:
        """Close this object's admin connection."""
        if self._lines is not None:
            self._lines.close()
            self._lines = None
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def kill(self) -> None:
        """End the process at once, as a power cut would (SIGKILL; TerminateProcess on Windows)."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """Ask the process to end and return its exit code."""
        if self.process.poll() is None:
            _interrupt(self.process)
            try:
                self.process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self.kill()
        return self.process.wait()


def _interrupt(process: subprocess.Popen[str]) -> None:
    """Send what Ctrl-C would; Windows can only break a whole console group, so the bench has one of its
    own."""
    if sys.platform == "win32":
        process.send_signal(signal.CTRL_BREAK_EVENT)
    else:
        process.send_signal(signal.SIGINT)


def _group_flags() -> int:
    if sys.platform == "win32":
        return subprocess.CREATE_NEW_PROCESS_GROUP
    return 0


class _Ear(threading.Thread):
    """Reads a stream to its end, so that the process never blocks on it; the first line goes into a queue."""

    def __init__(self, stream: IO[str], kept: deque[str]) -> None:
        super().__init__(name="bench output", daemon=True)
        self._stream = stream
        self._kept = kept
        self.first: queue.SimpleQueue[str] = queue.SimpleQueue()

    def run(self) -> None:
        """Read until the end; an empty first line says that there was none."""
        for number, line in enumerate(self._stream):
            if number == 0:
                self.first.put(line)
            self._kept.append(line)
        self.first.put("")
        self._stream.close()


def _first_line(process: subprocess.Popen[str], stdout: _Ear, errors: deque[str]) -> dict[str, Any]:
    """Wait for the first line, with a deadline on every platform."""
    try:
        line = stdout.first.get(timeout=START_TIMEOUT_S)
    except queue.Empty:
        raise LinkTimeout(
            "labctl sim has not said that it is ready", operation="start", elapsed_s=START_TIMEOUT_S
        ) from None
    if not line:
        process.wait()
        raise LinkClosed(
            f"labctl sim ended with exit code {process.returncode} before it was ready:\n{''.join(errors)}",
            operation="start",
        )
    first: dict[str, Any] = json.loads(line)
    return first


@contextmanager
def running_bench(
    *arguments: str, environment: Mapping[str, str] | None = None, folder: Path | None = None
) -> Iterator[RunningBench]:
    """Start ``python -m labctl sim --json ARGUMENTS`` and end it afterwards.

    Raises: LinkTimeout, LinkClosed with what it wrote to standard error when it does not become ready.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "labctl", "sim", "--json", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        cwd=folder,
        env=None if environment is None else {**os.environ, **environment},
        creationflags=_group_flags(),
    )
    assert process.stdout is not None and process.stderr is not None
    errors: deque[str] = deque(maxlen=LINES_KEPT)
    ears = (_Ear(process.stdout, deque(maxlen=LINES_KEPT)), _Ear(process.stderr, errors))
    for ear in ears:
        ear.start()
    bench: RunningBench | None = None
    try:
        bench = RunningBench(process, _first_line(process, ears[0], errors), errors)
        yield bench
    finally:
        if bench is not None:
            bench.hang_up()
            bench.stop()
        elif process.poll() is None:
            process.kill()
        process.wait()
        for ear in ears:
            ear.join(STOP_TIMEOUT_S)
