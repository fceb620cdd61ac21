"""The whole run in one strip with a window that is dragged: context above, focus below."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter
from PySide6.QtWidgets import QWidget

from labctl.gui.plots.canvas import Canvas
from labctl.gui.plots.curve import EnvelopeCurve
from labctl.gui.plots.fields import test_time, voltage
from labctl.gui.plots.frame import PlotFrame
from labctl.gui.plots.layer import Height, Layer
from labctl.gui.plots.look import PlotLook

EDGE_PX = 6.0
LEAST_PX = 6.0
STEP_SHARE = 0.5


class WindowMark(Layer):
    """The 2 px window of what is shown below."""

    height = Height.CURSOR

    def __init__(self) -> None:
        """Nowhere yet."""
        super().__init__()
        self.begin, self.end = 0.0, 0.0

    def rect(self, canvas: Canvas) -> QRectF:
        """Return where it is; never narrower than can be seen and grabbed."""
        left, right = canvas.x_at(self.begin), canvas.x_at(self.end)
        least = canvas.look.px(LEAST_PX)
        if right - left < least:
            middle = (left + right) / 2
            left, right = middle - least / 2, middle + least / 2
        return QRectF(left, canvas.rect.top() + 1, right - left, canvas.rect.height() - 2)

    def draw(self, painter: QPainter, canvas: Canvas) -> None:
        """Draw the frame alone: what is in it stays readable."""
        if self.end > self.begin:
            painter.setPen(canvas.look.pen(canvas.look.focus, 2.0))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(self.rect(canvas))


class RunStrip(PlotFrame):
    """A small plot of a whole run. It is not zoomed: dragging moves the window, its edges widen it, a click centres."""

    window_changed = Signal(float, float)
    """A person moved the window: the range of x that the plot below shall show."""

    def __init__(
        self, curve: EnvelopeCurve, look: PlotLook, *, title: str = "", note: str = "",
        executor: Executor | None = None, name: str = "", parent: QWidget | None = None,
    ) -> None:  # fmt: skip
        """Take the curve; its gaps are shown as breaks without words."""
        super().__init__(
            test_time(), voltage(), look, title=title, header=True, x_title=False, executor=executor, name=name,
            parent=parent,
        )  # fmt: skip
        self.setMinimumHeight(72)
        curve.gap_words = None
        self.sheet.note = note
        self.sheet.y_title = False
        self.window_mark = WindowMark()
        self.window_end: float | None = None
        self.box.setMouseEnabled(x=False, y=False)
        self.add(curve, self.window_mark)
        self.box.grabber = self._grab_window
        self.range_changed.connect(self._hold)

    def _hold(self) -> None:
        self.paper.update()

    def set_window(self, begin: float, end: float) -> None:
        """Show what the plot below shows; emits nothing."""
        self.window_mark.begin, self.window_mark.end = begin, end
        self.paper.update()

    def _move(self, begin: float, end: float) -> None:
        self.set_window(begin, end)
        self.window_changed.emit(begin, end)

    def _grab_window(self, at: QPointF, press: bool) -> Callable[[QPointF], None] | None:
        """Return what a drag does: the nearer edge, the whole window, or a new centre."""
        mark = self.window_mark
        place = at.x() + self.places.plot.left()
        rect = mark.rect(self.canvas())
        begin, end = mark.begin, mark.end
        edge = self.look.px(EDGE_PX)
        inner = rect.width() > 3 * edge
        if inner and abs(place - rect.left()) <= edge:
            return lambda to: self._move(min(self._data_x(to.x()), end - (end - begin) * 0.01), end)
        if inner and abs(place - rect.right()) <= edge:
            return lambda to: self._move(begin, max(self._data_x(to.x()), begin + (end - begin) * 0.01))
        if rect.adjusted(-edge, 0, edge, 0).contains(QPointF(place, rect.center().y())):
            origin = self._data_x(at.x())
            return lambda to: self._move(
                begin + self._data_x(to.x()) - origin, end + self._data_x(to.x()) - origin
            )
        half = (end - begin) / 2
        return lambda to: self._move(self._data_x(to.x()) - half, self._data_x(to.x()) + half)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the window by half of itself with the arrows, widen and narrow it with + and -."""
        mark = self.window_mark
        span = mark.end - mark.begin
        moves = {
            Qt.Key.Key_Left: (-STEP_SHARE, -STEP_SHARE),
            Qt.Key.Key_Right: (STEP_SHARE, STEP_SHARE),
            Qt.Key.Key_Plus: (0.1, -0.1),
            Qt.Key.Key_Minus: (-0.125, 0.125),
        }
        move = moves.get(Qt.Key(event.key())) if event.key() in {int(key) for key in moves} else None
        if move is None or span <= 0:
            event.ignore()
            return
        self._move(mark.begin + move[0] * span, mark.end + move[1] * span)
        event.accept()
