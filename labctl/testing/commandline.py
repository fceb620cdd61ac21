"""Run ``labctl`` as a person or a script does: a process of its own, its exit code, its JSON."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

CALL_TIMEOUT_S = 300.0


@dataclass(frozen=True, slots=True)
class Call:
    """How a call ended. A negative ``code`` is the signal that killed it (POSIX)."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Return what it printed on standard output, which must be one JSON document."""
        return json.loads(self.out)


def labctl(
    *words: str, environment: Mapping[str, str] | None = None, timeout_s: float = CALL_TIMEOUT_S
) -> Call:
    """Run ``labctl WORDS`` to its end."""
    done = subprocess.run(
        [sys.executable, "-m", "labctl", *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=None if environment is None else {**os.environ, **environment},
        timeout=timeout_s,
        check=False,
    )
    return Call(done.returncode, done.stdout, done.stderr)


def captured(main: Callable[[Sequence[str]], int], *words: str) -> Call:
    """Run a command line inside this process (``labctl.cli.app.main``): the same words, exit code and texts,
    without the start-up time.
    """
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(words)
        except SystemExit as left:  # argparse's --help
            code = int(left.code or 0)
    return Call(code, out.getvalue(), err.getvalue())


class Following:
    """A ``labctl`` process that goes on beside the test; ``wait_for`` reads what it prints."""

    def __init__(self, *words: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "labctl", *words],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, encoding="utf-8",
        )  # fmt: skip
        assert self.process.stdout is not None
        self._stream = self.process.stdout
        self.lines: list[str] = []

    def wait_for(self, word: str) -> str:
        """Return the first new line that holds ``word``. Raises: AssertionError when the output ends without it."""
        for line in self._stream:
            self.lines.append(line)
            if word in line:
                return line
        raise AssertionError(f"{word!r} never came:\n{''.join(self.lines)}")

    def interrupt(self) -> None:
        """Do what Ctrl-C does (POSIX; Windows can only break a whole console group)."""
        self.process.send_signal(signal.SIGINT)

    def hang_up(self) -> None:
        """Close the pipe that it prints into, as ``| head`` does."""
        self._stream.close()

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        self.process.kill()
        self.finish()

    def finish(self) -> Call:
        """Wait for its end and return what it printed since the start."""
        out, _ = self.process.communicate(timeout=CALL_TIMEOUT_S)
        return Call(self.process.returncode, "".join(self.lines) + (out or ""), "")
