"""A measured curve of any length: strokes from minimum to maximum per column, gaps, back-filled and BAD points."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from pyqtgraph.Qt.internals import PrimitiveArray
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from labctl.gui.plots import geometry
from labctl.gui.plots.canvas import Canvas
from labctl.gui.plots.data import BACKFILLED, BAD, GAP, EnvelopeLike, Floats, Trace
from labctl.gui.plots.layer import Bounds, Height, Layer, LegendEntry, Side
from labctl.gui.plots.look import PlotLook
from labctl.gui.plots.markers import draw_label, draw_markers, spaced
from labctl.gui.plots.words import gap_text

MARGIN = 0.5
"""Columns are asked for half a window more on either side, so that a pan shows them at once."""
TALL_PX = 0.75
DENSE_SHARE = 0.25
DASHED_MAX = 1500
GAP_LABELS_MAX = 8
HOLLOW_EVERY_PX = 8.0
CHANGES_MAX = 16
"""Revisions whose changes are remembered: a second and a half of live rows."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Which columns are wanted; ``scale`` is columns for each unit of x."""

    begin: float
    end: float
    width_px: int
    scale: float


@dataclass(frozen=True, slots=True)
class Held:
    """Columns that were answered, and what was asked."""

    ask: Ask
    envelope: EnvelopeLike
    marked: bool
    """Whether any column is back-filled or BAD: looked up once, not at each paint."""


class EnvelopeCurve(Layer):
    """A curve of a trace. ``live`` marks the newest value; ``predicted`` is drawn wide and behind, without marks."""

    def __init__(
        self, trace: Trace, *, name: str = "", colour: str | None = None, index: int = 0, side: Side = Side.LEFT,
        width_px: float | None = None, dash: tuple[float, ...] = (), predicted: bool = False, live: bool = False,
        live_text: Callable[[float], str] | None = None, gap_words: Callable[[float], str] | None = gap_text,
    ) -> None:  # fmt: skip
        """Take a trace. ``colour`` None = the look's n-th curve colour (so that it follows the theme)."""
        super().__init__(name, side)
        self.trace = trace
        self.colour, self.index = colour, index
        self.width_px, self.dash = width_px, dash
        self.predicted, self.live = predicted, live
        self.live_text, self.gap_words = live_text, gap_words
        self.height = Height.PREDICTED if predicted else Height.CURVE
        self.lined = True
        """Whether the line is drawn; gaps, marks and the live end always are."""
        self.held: Held | None = None
        self.whole: EnvelopeLike | None = None
        self.stale = True
        self.revision = 0
        self._changes: deque[tuple[int, float]] = deque(maxlen=CHANGES_MAX)
        self._bad: tuple[Floats, Floats] = (np.zeros(0), np.zeros(0))

    # -- data ---------------------------------------------------------------------------------------------------------

    def data_changed(self) -> None:
        """Say that the trace has new rows; the frame asks again at most ten times a second."""
        self.stale = True
        self.touch()

    def set_trace(self, trace: Trace) -> None:
        """Show another trace."""
        self.trace, self.held, self.whole = trace, None, None
        self.data_changed()

    def set_bad(self, x: Floats, y: Floats) -> None:
        """Give the readings that are BAD: crosses, never joined."""
        self._bad = (np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64))
        self.touch()

    def wanted(self, canvas: Canvas, *, anew: bool = True) -> Ask | None:
        """Return what must be asked for this view, None when what is held serves it; ``anew`` = new rows count too."""
        begin, end = canvas.data_range()
        span = end - begin
        if not np.isfinite(span) or span <= 0:
            return None
        scale = canvas.columns / span
        held = self.held
        if held is not None and not (anew and self.stale):
            near = 0.62 < held.ask.scale / scale < 1.6
            if near and held.ask.begin <= begin and end <= held.ask.end:
                return None
        if anew and held is not None and self.wanted(canvas, anew=False) is None:
            return held.ask  # the same question again, so that what did not change can be told
        wide = span * (1 + 2 * MARGIN)
        return Ask(begin - MARGIN * span, end + MARGIN * span, max(1, round(wide * scale)), scale)

    def take(self, ask: Ask, envelope: EnvelopeLike) -> None:
        """Keep an answer."""
        same = self.held is not None and self.held.ask == ask
        changed_x = first_change(self.held.envelope, envelope) if self.held and same else -np.inf
        self.held = Held(ask, envelope, has_marks(envelope))
        if changed_x < np.inf:
            self.revision += 1
            self._changes.append((self.revision, changed_x))
        pump = getattr(self.trace, "pump", None)
        if callable(pump):
            pump()  # a trace that asks a station for finer columns does so now

    def changed_since(self, revision: int) -> float:
        """Return from which x on the columns differ from those of a revision; infinite where they do not."""
        if revision == self.revision:
            return float("inf")
        if not self._changes or self._changes[0][0] > revision + 1:
            return float("-inf")
        return min(x for number, x in self._changes if number > revision)

    def live_end(self) -> tuple[float, float] | None:
        """Return the newest point that is known, (x, y)."""
        envelope = self.held.envelope if self.held else None
        for known in (envelope, self.whole):
            if known is not None and len(known.x):
                if np.isfinite(known.last[-1]):
                    return float(known.x[-1]), float(known.last[-1])
                good = np.flatnonzero(np.isfinite(known.last))
                if len(good):
                    return float(known.x[good[-1]]), float(known.last[good[-1]])
        return None

    def bounds(self) -> Bounds | None:
        """Return what the whole trace covers, as last asked (``whole``)."""
        known = self.whole or (self.held.envelope if self.held else None)
        if known is None or not len(known.x) or not np.isfinite(known.low).any():
            return None
        return Bounds(
            float(known.x[0]), float(known.x[-1]), float(np.nanmin(known.low)), float(np.nanmax(known.high))
        )

    def y_bounds(self, begin: float, end: float) -> tuple[float, float] | None:
        """Return the least and greatest value between two places of x."""
        known = self.held.envelope if self.held else None
        if known is None:
            return None
        inside = (known.x >= begin) & (known.x <= end) & np.isfinite(known.low)
        if not inside.any():
            return None
        return float(known.low[inside].min()), float(known.high[inside].max())

    def value_at(self, x: float) -> float | None:
        """Return the value at a place: between the points beside it, None in a gap or outside."""
        known = self.held.envelope if self.held else None
        if known is None or not len(known.x):
            return None
        index = int(np.searchsorted(known.x, x))
        if index == 0 or index == len(known.x):
            nearest = min(index, len(known.x) - 1)
            return float(known.first[nearest]) if known.x[nearest] == x else None
        if len(known.gaps) and bool(np.any((known.gaps[:, 0] < x) & (x < known.gaps[:, 1]))):
            return None
        x_0, x_1 = known.x[index - 1], known.x[index]
        part = (x - x_0) / (x_1 - x_0) if x_1 > x_0 else 0.0
        # x is where the first row of a column lies: first values alone are exact there.
        value = float(known.first[index - 1] + part * (known.first[index] - known.first[index - 1]))
        return value if np.isfinite(value) else None

    # -- drawing ------------------------------------------------------------------------------------------------------

    def ink(self, look: PlotLook) -> str:
        """Return its colour in a theme."""
        return look.predicted if self.predicted else self.colour or look.curve_colour(self.index)

    def envelope(self, canvas: Canvas) -> EnvelopeLike | None:
        """Return what to draw: on paper asked anew in its own detail, on screen what is held."""
        if canvas.vector:
            begin, end = canvas.data_range()
            return self.trace.columns(begin, end, canvas.columns)
        return self.held.envelope if self.held else None

    def strip(self, canvas: Canvas, envelope: EnvelopeLike) -> geometry.Strip:
        """Return the visible columns in painting units."""
        x = envelope.x
        begin, end = canvas.data_range()
        first = max(0, int(np.searchsorted(x, begin)) - 1)
        stop = min(len(x), int(np.searchsorted(x, end, side="right")) + 1)
        part = slice(first, stop)
        broken = (envelope.flags[part] & GAP) != 0
        low, high = (
            canvas.rect.top() - 4 * canvas.rect.height(),
            canvas.rect.bottom() + 4 * canvas.rect.height(),
        )
        heights = [
            np.clip(canvas.y_px(column[part]), low, high)
            for column in (envelope.high, envelope.low, envelope.first, envelope.last)
        ]
        places = canvas.x_px(x[part])
        good = np.isfinite(heights[0]) & np.isfinite(heights[1]) & np.isfinite(places)
        if not good.all():
            lost = np.concatenate(([False], ~good[:-1]))
            broken = (broken | lost)[good]
            places, heights = places[good], [column[good] for column in heights]
        return geometry.Strip(places, heights[0], heights[1], heights[2], heights[3], broken)

    def draw(self, painter: QPainter, canvas: Canvas) -> None:
        """Draw gaps, line, back-filled and BAD points, and the live end."""
        envelope = self.envelope(canvas)
        if envelope is None:
            return
        if len(envelope.x):
            if not self.predicted:
                draw_gaps(painter, canvas, envelope.gaps, self.gap_words)
            if self.lined:
                self.draw_line(painter, canvas, self.strip(canvas, envelope))
        self.draw_marks(painter, canvas, envelope)

    def draw_line(self, painter: QPainter, canvas: Canvas, strip: geometry.Strip) -> None:
        """Draw the line alone: smooth where there is room, crisp strokes where it is dense."""
        look = canvas.look
        tall = (strip.bottom - strip.top) > 3 * look.unit
        width = 3.0 if self.predicted else self.width_px or look.line_px
        if not canvas.vector and len(tall) and tall.mean() > DENSE_SHARE:
            self._draw_strokes(painter, canvas, strip)
            return
        x, y, joined = geometry.vertices(strip, TALL_PX * look.unit)
        if not len(x):
            return
        lonely = ~joined & np.concatenate(([True], ~joined[:-1]))
        alone = (x[lonely], y[lonely])
        if canvas.vector:
            x, y, joined = geometry.clipped(x, y, joined, canvas.box)
        path = pg.functions.arrayToQPath(x, y, connect=joined.astype(np.int32), finiteCheck=False)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, len(x) <= 20_000)
        dash = (
            self.dash if canvas.vector or len(x) <= DASHED_MAX else ()
        )  # dashes of a dense line cost time, show nothing
        painter.setPen(look.pen(self.ink(look), width, dash))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(path)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        if len(alone[0]) and not self.predicted:
            draw_markers(painter, canvas, alone, "o", width, self.ink(look))

    def _draw_strokes(self, painter: QPainter, canvas: Canvas, strip: geometry.Strip) -> None:
        """Draw one stroke of one device pixel for each column."""
        ratio, left = canvas.ratio, canvas.rect.left()
        scaled = geometry.Strip(
            (strip.x - left) * ratio, strip.top, strip.bottom, strip.first, strip.last, strip.broken
        )
        top, bottom = geometry.spans([scaled], canvas.columns)
        columns = np.flatnonzero(np.isfinite(top[0]))
        least = 1.0 / ratio
        x = left + (columns + 0.5) / ratio
        y_0, y_1 = top[0, columns], np.maximum(bottom[0, columns], top[0, columns] + least)
        pen = canvas.look.pen(self.ink(canvas.look))
        pen.setWidth(0)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(pen)
        lines = PrimitiveArray(QLineF, 4)
        lines.resize(len(x))
        lines.ndarray()[:] = np.stack((x, y_0, x, y_1), axis=1)
        painter.drawLines(*lines.drawargs())

    def draw_marks(self, painter: QPainter, canvas: Canvas, envelope: EnvelopeLike) -> None:
        """Draw what is not line: back-filled, BAD, live end."""
        look = canvas.look
        held = self.held
        marked = held.marked if held is not None and held.envelope is envelope else has_marks(envelope)
        if (marked or len(self._bad[0])) and not self.predicted:
            self._draw_hollow(painter, canvas, envelope)
            self._draw_bad(painter, canvas, envelope)
        end = self.live_end() if self.live else None
        if end is None or not in_view(canvas, end[0]):
            return
        place = QPointF(canvas.x_at(end[0]), canvas.y_at(end[1]))
        if not canvas.rect.adjusted(-1, -1, 1, 1).contains(place):
            return
        points = (np.array([place.x()]), np.array([place.y()]))
        draw_markers(painter, canvas, points, "o", 5.0, look.plot)
        draw_markers(painter, canvas, points, "o", 4.0, self.ink(look))
        if self.live_text is not None and not look.paper:
            told, gap = self.live_text(end[1]), look.px(8)
            wide = look.metrics(bold=True).horizontalAdvance(told)
            left = place.x() + gap + wide > canvas.rect.right() - look.px(
                4
            )  # else it would stand on the line of now
            corner = place + QPointF(-gap if left else gap, -look.px(6))
            draw_label(painter, canvas, corner, told, look.text, bold=True, plate=True, right=left)

    def _draw_hollow(self, painter: QPainter, canvas: Canvas, envelope: EnvelopeLike) -> None:
        """Draw hollow circles over back-filled columns, every few points."""
        filled = np.flatnonzero((envelope.flags & BACKFILLED) != 0)
        if not len(filled):
            return
        x, y = canvas.x_px(envelope.x[filled]), canvas.y_px(0.5 * (envelope.low + envelope.high)[filled])
        shown = (x >= canvas.rect.left() - 4) & (x <= canvas.rect.right() + 4) & np.isfinite(y)
        x, y = x[shown], y[shown]
        kept = spaced(x.tolist(), canvas.look.px(HOLLOW_EVERY_PX))
        draw_markers(painter, canvas, (x[kept], y[kept]), "o", 2.6, self.ink(canvas.look), filled=False)

    def _draw_bad(self, painter: QPainter, canvas: Canvas, envelope: EnvelopeLike) -> None:
        """Draw muted crosses at the BAD readings; where only their time is known, at the foot of the plot."""
        look = canvas.look
        if len(self._bad[0]):
            places = (canvas.x_px(self._bad[0]), canvas.y_px(self._bad[1]))
        else:
            columns = np.flatnonzero((envelope.flags & BAD) != 0)
            x = canvas.x_px(envelope.x[columns])
            places = (x, np.full(len(x), canvas.rect.bottom() - look.px(6)))
        if not len(places[0]):
            return
        kept = (
            spaced(places[0].tolist(), look.px(1)) if len(places[0]) > 2000 else list(range(len(places[0])))
        )
        draw_markers(painter, canvas, (places[0][kept], places[1][kept]), "x", 3.0, look.muted)

    # -- words and data -----------------------------------------------------------------------------------------------

    def legend(self, look: PlotLook) -> LegendEntry | None:
        """Return line and name."""
        if not self.name:
            return None
        width = 3.0 if self.predicted else self.width_px or look.line_px
        return LegendEntry(self.name, self.ink(look), width, self.dash)

    def table(self, canvas: Canvas) -> dict[str, Floats]:
        """Return the visible columns: x, least and greatest value, flags."""
        known = self.envelope(canvas)
        if known is None or not len(known.x):
            return {}
        begin, end = canvas.data_range()
        inside = (known.x >= begin) & (known.x <= end)
        flags: NDArray[np.float64] = known.flags[inside].astype(np.float64)
        found = {"x": known.x[inside], "min": known.low[inside], "max": known.high[inside], "flags": flags}
        if np.array_equal(found["min"], found["max"], equal_nan=True):
            return {"x": found["x"], "value": found["min"], "flags": flags}
        return found


def in_view(canvas: Canvas, x: float) -> bool:
    """Return whether a place of x is in view."""
    low, high = canvas.data_range()
    return low <= x <= high


def has_marks(envelope: EnvelopeLike) -> bool:
    """Return whether a column is back-filled or BAD."""
    return bool((envelope.flags & (BACKFILLED | BAD)).any())


def first_change(old: EnvelopeLike, new: EnvelopeLike) -> float:
    """Return the x from which two envelopes differ, infinite when they are the same."""
    if old is new:
        return float("inf")
    many = min(len(old.x), len(new.x))
    differ = np.zeros(many, dtype=np.bool_)
    for name in ("x", "low", "high", "first", "last", "flags"):
        one, other = getattr(old, name)[:many], getattr(new, name)[:many]
        differ |= (one != other) & ~((one != one) & (other != other))
    where = np.flatnonzero(differ)
    if len(where):
        return float(min(old.x[where[0]], new.x[where[0]]))
    rest = [columns.x[many] for columns in (old, new) if len(columns.x) > many]
    return float(min(rest)) if rest else float("inf")


def draw_gaps(painter: QPainter, canvas: Canvas, gaps: Floats, words: Callable[[float], str] | None) -> None:
    """Draw each visible gap as a band in the colour of the grid, with its length at the lower right."""
    if not len(gaps):
        return
    look, rect = canvas.look, canvas.rect
    x = np.stack((canvas.x_px(gaps[:, 0]), canvas.x_px(gaps[:, 1])), axis=1)
    shown = np.flatnonzero((x[:, 1] >= rect.left()) & (x[:, 0] <= rect.right()))
    labelled = [index for index in shown if x[index, 1] - x[index, 0] >= look.px(2)]
    written: list[QRectF] = []
    for index in shown:
        left, right = x[index]
        least = look.px(1)
        band = QRectF(left, rect.top(), max(right - left, least), rect.height())
        painter.fillRect(band.intersected(rect), QColor(look.grid))
    for index in labelled if len(labelled) <= GAP_LABELS_MAX and words is not None else []:
        corner = QPointF(x[index, 1] + look.px(6), rect.bottom() - look.px(56))
        text = words(float(gaps[index, 1] - gaps[index, 0])) if words is not None else ""
        draw_label(painter, canvas, corner, text, look.muted, avoid=written)
