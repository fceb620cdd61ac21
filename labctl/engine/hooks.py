"""Named points of the engine at which a test may end this process as a power cut would.

Off by default; then a point costs one branch. ``LABCTL_KILL_AT=start.sent:2`` kills the process the second
time it passes the point ``start.sent``, ``start.sent:2:35`` some 35 ms after that; ``@FILE`` names a file that
says so and may change at any time. ``LABCTL_POINTS_TO=FILE`` notes each point passed, and the kill itself, with
its link time. Jump-mode tests set ``on_point`` instead and raise what they like.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from labctl.clock import link_now_s

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
"""Every point of a run without spectra; ``LABCTL_KILL_AT`` refuses unknown names: no test waits for a misspelt one."""
HANDOVER_POINTS: tuple[str, ...] = (
    "eis.queued",
    "eis.leads",
    "eis.joined",
    "eis.begin",
    "eis.measured",
    "eis.stored",
    "eis.end",
    "eis.returned",
)
"""Every further point of a run with spectra."""

on_point: Callable[[str], None] | None = None


def kill_this_process() -> None:
    """End this process at once: no cleanup, no buffers written."""
    if sys.platform == "win32":
        import ctypes

        ctypes.windll.kernel32.TerminateProcess(ctypes.windll.kernel32.GetCurrentProcess(), 9)
    else:
        os.kill(os.getpid(), signal.SIGKILL)


class _Points:
    """Notes each point passed; counts the passes of one of them and kills at the given one."""

    def __init__(self, setting: str, notes: str) -> None:
        self._file = Path(setting[1:]) if setting.startswith("@") else None
        self._notes = os.open(notes, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600) if notes else -1
        self._setting = self._name = ""
        self._left, self._delay_s = 0, 0.0
        if self._file is None:
            self._aim(setting)

    def _aim(self, setting: str) -> None:
        self._setting = setting
        self._name, count, delay_ms = (*setting.split(":"), "", "")[:3]
        self._left, self._delay_s = int(count or "1"), float(delay_ms or "0") / 1000.0
        known = (*POINTS, *HANDOVER_POINTS)
        if setting and self._name not in known:
            raise ValueError(f"LABCTL_KILL_AT names no point: {self._name!r}; known: {', '.join(known)}")

    def __call__(self, name: str) -> None:
        passed_s = link_now_s()
        self._note(f"{passed_s:.6f} {name}")
        if self._file is not None:
            try:
                setting = self._file.read_text(encoding="utf-8").strip()
            except FileNotFoundError:
                setting = ""
            if setting != self._setting:
                self._aim(setting)
        if name != self._name:
            return
        self._left -= 1
        if self._left == 0 and self._delay_s:
            threading.Timer(self._delay_s, self._kill, (name, passed_s)).start()
        elif self._left == 0:
            self._kill(name, passed_s)

    def _note(self, text: str) -> None:
        """Write a line past all buffers, so that it outlives this process."""
        if self._notes >= 0:
            os.write(self._notes, f"{text}\n".encode())

    def _kill(self, name: str, passed_s: float) -> None:
        now_s = link_now_s()
        self._note(f"{now_s:.6f} killed {name} {now_s - passed_s:.6f}")
        kill_this_process()


if os.environ.get("LABCTL_KILL_AT") or os.environ.get("LABCTL_POINTS_TO"):
    on_point = _Points(os.environ.get("LABCTL_KILL_AT", ""), os.environ.get("LABCTL_POINTS_TO", ""))


def point(name: str) -> None:
    """Pass a named point."""
    if on_point is not None:
        on_point(name)
