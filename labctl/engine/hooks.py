"""Named points of the engine at which a test may end this process as a power cut would.

Off by default; then a point costs one branch. ``LABCTL_KILL_AT=start.sent:2`` kills the process the second
time it passes the point ``start.sent``. Jump-mode tests set ``on_point`` instead and raise what they like.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable

POINTS: tuple[str, ...] = (
    "run.prepared",
    "start.intent",
    "start.sent",
    "start.confirmed",
    "block.fetched",
    "block.appended",
    "block.committed",
    "segment.over",
    "stop.intent",
    "stop.sent",
    "stop.confirmed",
    "drain.complete",
    "finish.begin",
    "finish.sealed",
    "finish.done",
)
"""Every point there is; ``point`` refuses others when a hook is set, so a test cannot wait for a misspelt
one.
"""

on_point: Callable[[str], None] | None = None


def kill_this_process() -> None:
    """End this process at once: no cleanup, no buffers written."""
    if sys.platform == "win32":
        import ctypes

        ctypes.windll.kernel32.TerminateProcess(ctypes.windll.kernel32.GetCurrentProcess(), 9)
    else:
        os.kill(os.getpid(), signal.SIGKILL)


class _KillAt:
    """Counts the passes of one point and kills at the given one."""

    def __init__(self, setting: str) -> None:
        self._name, _, count = setting.partition(":")
        self._left = int(count or "1")
        if self._name not in POINTS:
            raise ValueError(f"LABCTL_KILL_AT names no point: {self._name!r}; known: {', '.join(POINTS)}")

    def __call__(self, name: str) -> None:
        if name == self._name:
            self._left -= 1
            if self._left == 0:
                kill_this_process()


if os.environ.get("LABCTL_KILL_AT"):
    on_point = _KillAt(os.environ["LABCTL_KILL_AT"])


def point(name: str) -> None:
    """Pass a named point."""
    if on_point is not None:
        on_point(name)
