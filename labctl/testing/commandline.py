"""Run ``labctl`` as a person or a script does: a process of its own, its exit code, its JSON."""

from __future__ import annotations

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
