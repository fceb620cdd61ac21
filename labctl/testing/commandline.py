"""Run ``labctl`` as a person or a script does: a process of its own, its exit code, its JSON."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping
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


def in_process(*words: str) -> Call:
    """Run ``labctl WORDS`` inside this process: the same words, exit code and texts, without the start-up time."""
    from labctl.cli.app import main

    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(words)
        except SystemExit as left:  # argparse's --help
            code = int(left.code or 0)
    return Call(code, out.getvalue(), err.getvalue())
