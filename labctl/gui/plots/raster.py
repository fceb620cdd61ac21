"""Sixteen curves and more: all their strokes into one image, kept while the window only moves over it.

Short strokes are written pixel by pixel. Where strokes are long, each curve owns a bit of a 64-bit word for each pixel:
a stroke switches its bit on at its top and off below its foot, one pass down each column turns switches into states,
and the highest bit that is on says whose colour is seen, so that the cost does not grow with what the curves do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QImage, QPainter

from labctl.gui.plots import geometry
from labctl.gui.plots.canvas import Canvas
from labctl.gui.plots.curve import EnvelopeCurve
from labctl.gui.plots.data import Floats

Rows = NDArray[np.int64]
Pixels = NDArray[np.uint32]

CURVES_MIN = 16
"""From so many curves on they are drawn as an image."""
WORD = 64
MARGIN = 0.35
"""How much more than the window is drawn while panning, on either side, as a share of it."""
SCATTER_SHARE = 2.0
"""Strokes that together cover less than this many images are written pixel by pixel."""


def image_of(top: Floats, bottom: Floats, colours: Sequence[int], height: int, thick: int = 1) -> Pixels:
    """Return strokes as colours (0xAARRGGBB), later curves above earlier ones; 0 where nothing is drawn.

    ``top``, ``bottom``: (curves, width) in pixels downwards, NaN = no stroke. Shape: (height, width).
    """
    curves, width = top.shape
    first, stop = _rows(top, bottom, height, thick)
    image = np.zeros((height, width), dtype=np.uint32)
    if int((stop - first).sum()) <= SCATTER_SHARE * image.size:
        _scatter(image, first, stop, colours)
        return image
    for begin in range(0, curves, WORD):
        part = slice(begin, min(begin + WORD, curves))
        states = _states(first[part], stop[part], height)
        states &= ~(
            states >> np.uint64(1)
        )  # so that the highest bit stays the highest when it becomes a float
        exponents = (states.astype(np.float64).view(np.int64) >> 52).astype(np.intp)
        table = np.zeros(2048, dtype=np.uint32)
        table[1023 : 1023 + part.stop - part.start] = colours[part]
        drawn = table[exponents]
        image = drawn if begin == 0 else np.where(drawn != 0, drawn, image)
    return image


def _rows(top: Floats, bottom: Floats, height: int, thick: int) -> tuple[Rows, Rows]:
    """Return the first row of each stroke and the one behind its last; equal where nothing is drawn."""
    there = np.isfinite(top) & np.isfinite(bottom)
    first = np.clip(np.floor(np.where(there, top, -9.0)), 0, height).astype(np.int64)
    stop = np.clip(np.floor(np.where(there, bottom, -9.0)) + thick, 0, height).astype(np.int64)
    return first, np.where(there, np.maximum(first, stop), first)


def _scatter(image: Pixels, first: Rows, stop: Rows, colours: Sequence[int]) -> None:
    """Write each pixel of each stroke: cheaper than a pass over all pixels where strokes are short."""
    curve, column = np.nonzero(stop > first)
    begin = first[curve, column].astype(np.int32)
    size = stop[curve, column].astype(np.int32) - begin
    width = np.int32(image.shape[1])
    before = np.cumsum(size, dtype=np.int32) - size
    # The n-th pixel of a stroke lies n rows below its first one.
    places = np.arange(int(size.sum()), dtype=np.int32)
    places *= width
    places += np.repeat(begin * width + column.astype(np.int32) - before * width, size)
    image.ravel()[places] = np.repeat(np.array(colours, dtype=np.uint32)[curve], size)


def _states(first: Rows, stop: Rows, height: int) -> NDArray[np.uint64]:
    """Return which curves cover each pixel, one bit each. Shape: (height, width)."""
    curves, width = first.shape
    switches = np.zeros((height + 1, width), dtype=np.uint64)
    flat = switches.ravel()
    for curve in range(curves):
        columns = np.flatnonzero(stop[curve] > first[curve])
        bit = np.uint64(1 << curve)
        flat[first[curve, columns] * width + columns] ^= bit
        flat[stop[curve, columns] * width + columns] ^= bit
    for row in range(1, height):
        np.bitwise_xor(switches[row], switches[row - 1], out=switches[row])
    return switches[:height]


@dataclass(slots=True)
class _Kept:
    """An image that was drawn, wider than the window, and what it shows."""

    shape: tuple[object, ...]
    revisions: tuple[int, ...]
    x_range: tuple[float, float]
    image: QImage
    memory: Pixels


class Raster:
    """Draws many curves; what did not change is not drawn again."""

    def __init__(self) -> None:
        """Nothing is kept yet."""
        self._kept: _Kept | None = None
        self._before: tuple[object, ...] = ()
        self.columns_drawn = 0
        """Pixel columns that were drawn so far."""

    def draw(self, painter: QPainter, canvas: Canvas, curves: Sequence[EnvelopeCurve]) -> None:
        """Draw the lines of all curves; marks are drawn by themselves."""
        low, high = canvas.x_range
        scale = canvas.columns / (high - low)
        shape: tuple[object, ...] = (
            f"{scale:.9g}", canvas.y_range, canvas.rect.height(), canvas.ratio, canvas.look,
            canvas.log_x, canvas.log_y, tuple(id(curve) for curve in curves),
        )  # fmt: skip
        kept = self._kept
        if kept is None or kept.shape != shape or low < kept.x_range[0] or high > kept.x_range[1]:
            self._kept = kept = self._rendered(
                canvas, curves, shape, MARGIN if self._before == shape else 0.0
            )
        else:
            self._renew(canvas, curves, kept)
        self._before = shape
        shift = round((low - kept.x_range[0]) * scale)
        tall, ratio = kept.image.height(), canvas.ratio
        corner = canvas.rect.topLeft()
        target = QRectF(corner, corner + QPointF(canvas.columns / ratio, tall / ratio))
        painter.drawImage(target, kept.image, QRectF(shift, 0, canvas.columns, tall))

    def _rendered(
        self, canvas: Canvas, curves: Sequence[EnvelopeCurve], shape: tuple[object, ...], margin: float
    ) -> _Kept:
        """Draw everything, with some room on either side."""
        low, high = canvas.x_range
        more = round(margin * canvas.columns)
        room = more * (high - low) / canvas.columns
        wide = canvas.columns + 2 * more
        height = max(1, round(canvas.rect.height() * canvas.ratio))
        pixels = replace(
            canvas, rect=QRectF(0, 0, wide, height), x_range=(low - room, high + room), ratio=1.0
        )
        memory = self._drawn(pixels, curves, canvas)
        image = QImage(memory.data, wide, height, 4 * wide, QImage.Format.Format_ARGB32_Premultiplied)
        return _Kept(shape, tuple(curve.revision for curve in curves), pixels.x_range, image, memory)

    def _renew(self, canvas: Canvas, curves: Sequence[EnvelopeCurve], kept: _Kept) -> None:
        """Draw again, into the image, the columns from the first one whose data changed."""
        revisions = tuple(curve.revision for curve in curves)
        if revisions == kept.revisions:
            return
        pairs = zip(curves, kept.revisions, strict=True)
        first = min(curve.changed_since(revision) for curve, revision in pairs)
        kept.revisions = revisions
        height, wide = kept.memory.shape
        begin, end = kept.x_range
        whole = replace(canvas, rect=QRectF(0, 0, wide, height), x_range=kept.x_range, ratio=1.0)
        place = whole.x_at(first) if np.isfinite(first) else first
        if place >= wide:
            return
        column = 0 if not place >= 2 else int(place) - 1
        part = replace(
            whole,
            rect=QRectF(0, 0, wide - column, height),
            x_range=(begin + column * (end - begin) / wide, end),
        )
        kept.memory[:, column:] = self._drawn(part, curves, canvas)

    def _drawn(self, pixels: Canvas, curves: Sequence[EnvelopeCurve], canvas: Canvas) -> Pixels:
        """Return the strokes of all curves on a canvas whose unit is a pixel."""
        wide, height = round(pixels.rect.width()), round(pixels.rect.height())
        self.columns_drawn += wide
        thick = max(1, round(canvas.ratio * canvas.look.unit))
        held = [(curve, known) for curve in curves if (known := curve.envelope(pixels)) is not None]
        if not held:
            return np.zeros((height, wide), dtype=np.uint32)
        top, bottom = geometry.spans([curve.strip(pixels, known) for curve, known in held], wide)
        colours = [QColor(curve.ink(canvas.look)).rgba() for curve, _ in held]
        return np.ascontiguousarray(image_of(top, bottom, colours, height, thick))
