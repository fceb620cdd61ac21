"""Watch the window's thread: how long one turn keeps it busy, and how long a key takes until its paint is done."""

from __future__ import annotations

import signal
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType

from PySide6.QtCore import (
    QAbstractEventDispatcher,
    QEvent,
    QMessageLogContext,
    QObject,
    QtMsgType,
    qInstallMessageHandler,
)
from PySide6.QtWidgets import QApplication

from labctl.clock import link_now_s

BUSY_MAX_S = 0.2
"""More thread time than this in one turn of the loop is a defect (operator-gui 8)."""
SAMPLE_S = 0.02
STACK = 7


@dataclass(frozen=True, slots=True)
class Turn:
    """One event that Qt handed out in the outermost turn: its thread time, its kind, and who took it."""

    busy_s: float
    kind: str
    name: str
    why: str = ""
    """What the thread did meanwhile, the most frequent stack last; empty where nobody sampled."""


class WatchedApplication(QApplication):
    """An application that times every event it hands out. Must be made before any other application."""

    def __init__(self, words: Sequence[str] = ("labctl",)) -> None:
        super().__init__(list(words))
        self.longest: list[Turn] = []
        self.key_to_paint_s: list[float] = []
        self.core_waits_s: list[float] = []
        """For each key how long of that this thread was ready to run and other work had the cores."""
        self.painted: QObject | None = None
        """Whose paint ends the wait for a key."""
        self.now: str = ""
        """Who takes the outermost event that is handed out now; for a sampler that asks why it takes long."""
        self.samples: list[str] = []
        """What a sampler saw in this turn."""
        self._depth = 0
        self._begin_s = 0.0
        self._key_s: float | None = None
        self._key_core_wait_s = 0.0
        dispatcher = QAbstractEventDispatcher.instance()
        if (
            dispatcher is not None
        ):  # a loop inside a turn (menu, file dialog) waits for a person: no busy turn
            dispatcher.awake.connect(self._breathe)

    def press_at(self, moment_s: float) -> None:
        """Say that a key left the keyboard at a moment of ``labctl.clock.link_now_s``; the next paint answers it."""
        self._key_s, self._key_core_wait_s = moment_s, core_wait_s()

    def over(self, limit_s: float = BUSY_MAX_S) -> list[Turn]:
        """Return the turns that kept the thread busy for longer."""
        return [turn for turn in self.longest if turn.busy_s > limit_s]

    def notify(self, receiver: QObject, event: QEvent) -> bool:
        """Hand an event out and look at the clock before and after."""
        if not isinstance(receiver, QObject) or not isinstance(event, QEvent):
            return False  # PySide gave a wrapper of what was at the same place in memory before
        kind = event.type()
        if self._depth == 0:
            self._begin_s = time.thread_time()
            self.now = _name(receiver)
            self.samples = []
        self._depth += 1
        try:
            return super().notify(receiver, event)
        finally:
            self._depth -= 1
            if self._depth == 0:
                self._keep(time.thread_time() - self._begin_s, kind.name, self.now)
            if kind == QEvent.Type.Paint and receiver is self.painted and self._key_s is not None:
                self.key_to_paint_s.append(link_now_s() - self._key_s)
                self.core_waits_s.append(core_wait_s() - self._key_core_wait_s)
                self._key_s = None

    @property
    def in_turn(self) -> bool:
        """Tell whether an event is being handed out."""
        return self._depth > 0

    @contextmanager
    def as_event(self, name: str) -> Iterator[None]:
        """Measure a call of the test's own as if it came with an event."""
        if self._depth == 0:
            self._begin_s, self.now, self.samples = time.thread_time(), name, []
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            if self._depth == 0:
                self._keep(time.thread_time() - self._begin_s, "call", name)

    def _breathe(self) -> None:
        """Count anew: the loop has asked the system for what comes next."""
        if self._depth:
            self._keep(time.thread_time() - self._begin_s, "in a loop of its own", self.now)
            self._begin_s, self.samples = time.thread_time(), []

    def _keep(self, busy_s: float, kind: str, name: str) -> None:
        if busy_s < BUSY_MAX_S / 10:
            return
        why = "\n".join(
            f"{times} x {stack}" for stack, times in reversed(Counter(self.samples).most_common(6))
        )
        self.longest.append(Turn(busy_s, kind, name, why))
        self.longest.sort(key=lambda turn: -turn.busy_s)
        del self.longest[50:]


def core_wait_s() -> float:
    """Return how long this thread has waited for a core since it began, as Linux counts it; 0 elsewhere."""
    try:
        return int(Path("/proc/thread-self/schedstat").read_text(encoding="ascii").split()[1]) / 1e9
    except OSError:
        return 0.0


def _name(receiver: QObject) -> str:
    return f"{type(receiver).__name__} {receiver.objectName()}".strip()


class Sampler:
    """Looks each 20 ms what the window's thread does, so that a slow turn can be told with its cause. Main thread only.

    By a signal, not from a second thread: that one would keep frames alive and end their painters in the wrong thread.
    """

    def __init__(self, app: WatchedApplication) -> None:
        self._app = app

    @contextmanager
    def running(self) -> Iterator[None]:
        """Sample as long as the block runs; where there is no such timer, nothing is sampled."""
        if sys.platform == "win32":
            yield
            return
        before = signal.signal(signal.SIGALRM, self._look)
        signal.setitimer(signal.ITIMER_REAL, SAMPLE_S, SAMPLE_S)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0.0)
            signal.signal(signal.SIGALRM, before)

    def _look(self, number: int, frame: FrameType | None) -> None:
        if not self._app.in_turn:
            return
        own: list[str] = []
        while frame is not None and len(own) < STACK:
            code = frame.f_code
            if not code.co_filename.endswith(("guiwatch.py", "guitrial.py")):
                own.append(f"{Path(code.co_filename).name}:{frame.f_lineno} {code.co_name}")
            frame = frame.f_back
        self._app.samples.append(" < ".join(own))


class Complaints:
    """What goes wrong where nobody catches it: exceptions in slots, virtual methods, threads; what Qt calls critical.

    ``found`` has what is a defect, in order; ``warnings`` counts what Qt only warns of.
    """

    def __init__(self) -> None:
        self.found: list[str] = []
        self.warnings: Counter[str] = Counter()

    @contextmanager
    def heard(self) -> Iterator[Complaints]:
        """Listen as long as the block runs."""
        hooks = sys.excepthook, sys.unraisablehook, threading.excepthook
        sys.excepthook = self._raised
        sys.unraisablehook = lambda told: self.take(told.exc_value, str(told.err_msg or told.object))
        threading.excepthook = lambda told: self.take(told.exc_value, str(told.thread))
        handler = self._told  # Qt keeps no reference of its own
        before = qInstallMessageHandler(handler)
        try:
            yield self
        finally:
            qInstallMessageHandler(before)
            sys.excepthook, sys.unraisablehook, threading.excepthook = hooks

    def take(self, error: BaseException | None, where: str) -> None:
        """Note an exception that nobody caught."""
        if error is not None:
            lines = traceback.format_exception(error)
            self.found.append(f"{where}: {''.join(lines[-12:])}".strip())

    def _raised(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        self.take(error, "exception")

    def _told(self, kind: QtMsgType, context: QMessageLogContext, text: str) -> None:
        if kind in (QtMsgType.QtCriticalMsg, QtMsgType.QtFatalMsg):
            self.found.append(f"Qt {kind.name}: {text}")
        elif kind is QtMsgType.QtWarningMsg:
            self.warnings[text] += 1
