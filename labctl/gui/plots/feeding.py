"""Columns for the curves of a plot, asked in a worker: one batch under way, the newest wish wins, ten a second at most.

Nothing is asked while the plot is hidden. Answers come back to the GUI's thread by a queued signal.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor, Future

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from labctl.gui.plots.canvas import Canvas
from labctl.gui.plots.curve import Ask, EnvelopeCurve
from labctl.gui.plots.data import EnvelopeLike, Trace

MERGE_MS = 100
"""Data that arrive more often are drawn together (operator-gui.md 8)."""
Answered = tuple[EnvelopeCurve, Ask, EnvelopeLike, EnvelopeLike | None]


class Feeder(QObject):
    """Asks for the columns of visible curves and hands them over; without an executor it asks at once, here."""

    fed = Signal()
    """New columns are held; emitted in the GUI's thread."""
    _answered = Signal(object)

    def __init__(self, parent: QObject, executor: Executor | None) -> None:
        """Take where to work."""
        super().__init__(parent)
        self._executor = executor
        self._running = False
        self._again = False
        self._closed = False
        self._curves: Sequence[EnvelopeCurve] = ()
        self._canvas: Canvas | None = None
        self.asked = 0
        """Batches asked so far."""
        self._quiet = QTimer(self)
        self._quiet.setSingleShot(True)
        self._quiet.setInterval(MERGE_MS)
        self._quiet.timeout.connect(self._rested)
        self._waiting = False
        self._answered.connect(self._take, Qt.ConnectionType.QueuedConnection)

    def close(self) -> None:
        """Take no answer any more."""
        self._closed = True
        self._quiet.stop()

    @property
    def busy(self) -> bool:
        """Return whether a batch is under way."""
        return self._running

    def feed(self, curves: Sequence[EnvelopeCurve], canvas: Canvas) -> None:
        """Ask for what these curves need in this view; new data alone at most ten times a second."""
        self._curves, self._canvas = tuple(curves), canvas
        if self._running:
            self._again = True
            return
        if self._quiet.isActive() and not any(_uncovered(curve, canvas) for curve in curves):
            self._waiting = True
            return
        self._start()

    def _rested(self) -> None:
        if self._waiting and not self._running:
            self._start()

    def _start(self) -> None:
        canvas, self._waiting = self._canvas, False
        if canvas is None or self._closed:
            return
        wishes = [
            (curve, curve.trace, ask) for curve in self._curves if (ask := curve.wanted(canvas)) is not None
        ]
        if not wishes:
            return
        if any(curve.stale for curve, _, _ in wishes):
            self._quiet.start()
        for curve, _, _ in wishes:
            curve.stale = False
        self.asked += 1
        if self._executor is None:
            self._keep(_answer(wishes))
            self.fed.emit()
            return
        try:
            under_way = self._executor.submit(_answer, wishes)
        except RuntimeError:  # the window is closing: its worker takes nothing any more
            self.close()
            return
        self._running = True
        under_way.add_done_callback(self._done)

    def _done(self, future: Future[list[Answered]]) -> None:
        """Hand an answer over; runs in the worker."""
        if not self._closed and not future.cancelled():
            self._answered.emit(future)

    def _take(self, future: Future[list[Answered]]) -> None:
        self._running = False
        if self._closed:
            return
        self._keep(future.result())
        self.fed.emit()
        if self._again and self._canvas is not None:
            self._again = False
            self.feed(self._curves, self._canvas)

    @staticmethod
    def _keep(answers: list[Answered]) -> None:
        for curve, ask, envelope, whole in answers:
            if whole is not None:
                curve.whole = whole
            curve.take(ask, envelope)


def _uncovered(curve: EnvelopeCurve, canvas: Canvas) -> bool:
    """Return whether a curve has nothing as fine for part of the view: that cannot wait for the next tenth second."""
    return curve.whole is None or curve.wanted(canvas, anew=False) is not None


def _answer(wishes: Sequence[tuple[EnvelopeCurve, Trace, Ask]]) -> list[Answered]:
    """Ask the traces; the whole of a curve is asked once, for "fit" before anything else is known."""
    found: list[Answered] = []
    for curve, trace, ask in wishes:
        whole = trace.columns(float("-inf"), float("inf"), 64) if curve.whole is None else None
        found.append((curve, ask, trace.columns(ask.begin, ask.end, ask.width_px), whole))
    return found
