"""``labctl serve --watched``: a parent that starts the station again when it dies or stands still (F25)."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from types import FrameType

from labctl.cli.app import EXIT_OK, EXIT_USAGE
from labctl.cli.heartbeat import ALIVE, STOPPING, Ear
from labctl.cli.output import say
from labctl.clock import link_now_s, link_pause

SILENCE_S = 10.0
"""Link seconds without a heartbeat after which the station is taken for dead (F25)."""
FIRST_BEAT_S = 60.0
"""Link seconds until the first one: a slow computer imports for a while."""
LEAVE_S = 60.0
"""Link seconds that a station may take to end when asked: it closes files, nothing else."""
LOOK_S = 0.5
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
GOOD_LIFE_S = 600.0
"""A life this long was a good one: the pause before the next start is short again."""


class Watcher:
    """Keeps one station alive until it leaves by itself or is asked to."""

    def __init__(self, words: Sequence[str], *, silence_s: float = SILENCE_S) -> None:
        """Name the station's command line."""
        self._words = list(words)
        self._silence_s = silence_s
        self._leaving = False
        self._child: subprocess.Popen[bytes] | None = None
        self.starts = 0

    def run(self) -> int:
        """Start the station as often as needed; returns its last exit code."""
        ear = Ear()
        pause_s = FIRST_PAUSE_S
        try:
            with self._asked_to_leave():
                while True:
                    began_s = link_now_s()
                    code = self._life(ear)
                    if self._leaving or code in (EXIT_OK, EXIT_USAGE):
                        return EXIT_OK if self._leaving and code < 0 else code
                    if link_now_s() - began_s > GOOD_LIFE_S:
                        pause_s = FIRST_PAUSE_S
                    say(
                        f"the station ended with exit code {code}; it is started again in {pause_s:g} s",
                        stderr=True,
                    )
                    link_pause(pause_s)
                    pause_s = min(LONGEST_PAUSE_S, pause_s * 2)
        finally:
            ear.close()

    def _life(self, ear: Ear) -> int:
        """Start the station once and watch it; returns its exit code."""
        self.starts += 1
        child = subprocess.Popen(self._words, env=ear.environment(), creationflags=_flags())
        self._child = child
        until_s = link_now_s() + FIRST_BEAT_S
        asked_s: float | None = None
        try:
            while child.poll() is None:
                words = ear.hear(LOOK_S)
                now_s = link_now_s()
                if words and ALIVE in words:
                    until_s = now_s + self._silence_s
                if words and STOPPING in words:
                    asked_s = asked_s or now_s
                if self._leaving and asked_s is None:
                    asked_s = now_s
                    _ask_to_leave(child)
                if now_s > (until_s if asked_s is None else asked_s + LEAVE_S):
                    say("the station gives no sign of life; it is ended and started again", stderr=True)
                    child.kill()
            return child.wait()
        finally:
            if child.poll() is None:
                child.kill()
                child.wait()
            self._child = None

    @contextlib.contextmanager
    def _asked_to_leave(self) -> Iterator[None]:
        """Let the first SIGTERM or Ctrl-C end the station in good order."""

        def on_signal(number: int, frame: FrameType | None) -> None:
            self._leaving = True

        before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _ask_to_leave(child: subprocess.Popen[bytes]) -> None:
    if sys.platform == "win32":
        child.send_signal(signal.CTRL_BREAK_EVENT)
    else:
        child.terminate()


def _flags() -> int:
    if sys.platform == "win32":
        return subprocess.CREATE_NEW_PROCESS_GROUP
    return 0
