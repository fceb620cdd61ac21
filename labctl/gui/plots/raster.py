"""Sixteen curves and more: all their strokes into one image, whose cost does not grow with what the curves do.

Each curve owns a bit of a 64-bit word for each pixel. A stroke switches its bit on at its top and off below its foot;
one pass down each column turns switches into states, and the highest bit that is on says whose colour is seen.
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

CURVES_MIN = 16
"""From so many curves on they are drawn as an image."""
WORD = 64
MARGIN = 0.35
"""How much more than the window is drawn while panning, on either side, as a share of it."""


def image_of(
    top: Floats, bottom: Floats, colours: Sequence[int], height: int, thick: int = 1
) -> NDArray[np.uint32]:
    """Return strokes as colours (0xAARRGGBB), later curves above earlier ones; 0 where nothing is drawn.

    ``top``, ``bottom``: (curves, width) in pixels downwards, NaN = no stroke. Shape: (height, width).
    """
    curves, width = top.shape
    image = np.zeros((height, width), dtype=np.uint32)
    for begin in range(0, curves, WORD):
        part = slice(begin, min(begin + WORD, curves))
        states = _states(top[part], bottom[part], height, thick)
        states &= ~(
            states >> np.uint64(1)
        )  # so that the highest bit stays the highest when it becomes a float
        exponents = (states.astype(np.float64).view(np.int64) >> 52).astype(np.intp)
        table = np.zeros(2048, dtype=np.uint32)
        table[1023 : 1023 + part.stop - part.start] = colours[part]
        drawn = table[exponents]
        image = drawn if begin == 0 else np.where(drawn != 0, drawn, image)
    return image


def _states(top: Floats, bottom: Floats, height: int, thick: int) -> NDArray[np.uint64]:
    """Return which curves cover each pixel, one bit each. Shape: (height, width)."""
    curves, width = top.shape
    switches = np.zeros((height + 1, width), dtype=np.uint64)
    there = np.isfinite(top) & np.isfinite(bottom)
    begin = np.clip(np.floor(np.where(there, top, -9.0)), -9, height).astype(np.int64)
    end = np.clip(np.floor(np.where(there, bottom, -9.0)) + thick, -9, height).astype(np.int64)
    there &= (end > 0) & (begin < height)
    np.clip(begin, 0, height, out=begin)
    flat = switches.ravel()
    for curve in range(curves):
        columns = np.flatnonzero(there[curve])
        bit = np.uint64(1 << curve)
        flat[begin[curve, columns] * width + columns] ^= bit
        flat[end[curve, columns] * width + columns] ^= bit
    for row in range(1, height):
        np.bitwise_xor(switches[row], switches[row - 1], out=switches[row])
    return switches[:height]


@dataclass(slots=True)
class _Kept:
    """An image that was drawn, wider than the window, and what it shows."""

    key: tuple[object, ...]
    x_range: tuple[float, float]
    image: QImage
    memory: NDArray[np.uint32]


class Raster:
    """Draws many curves and keeps the image while the window only moves sideways over it."""

    def __init__(self) -> None:
        self._kept: _Kept | None = None
        self._before: tuple[object, ...] = ()

    def draw(self, painter: QPainter, canvas: Canvas, curves: Sequence[EnvelopeCurve]) -> None:
        """Draw the lines of all curves; marks are drawn by themselves."""
        low, high = canvas.x_range
        scale = canvas.columns / (high - low)
        shape: tuple[object, ...] = (
            f"{scale:.9g}", canvas.y_range, canvas.rect.height(), canvas.ratio, canvas.look,
            canvas.log_x, canvas.log_y, tuple(id(curve) for curve in curves),
        )  # fmt: skip
        key = (*shape, tuple(curve.revision for curve in curves))
        kept = self._kept
        if kept is None or kept.key != key or low < kept.x_range[0] or high > kept.x_range[1]:
            panning = self._before == shape
            self._kept = kept = self._rendered(canvas, curves, key, MARGIN if panning else 0.0)
        self._before = shape
        shift = round((low - kept.x_range[0]) * scale)
        source = QRectF(shift, 0, canvas.columns, kept.image.height())
        target = QRectF(
            canvas.rect.topLeft(),
            canvas.rect.topLeft()
            + QPointF(canvas.columns / canvas.ratio, kept.image.height() / canvas.ratio),
        )
        painter.drawImage(target, kept.image, source)

    @staticmethod
    def _rendered(
        canvas: Canvas, curves: Sequence[EnvelopeCurve], key: tuple[object, ...], margin: float
    ) -> _Kept:
        low, high = canvas.x_range
        more = round(margin * canvas.columns)
        room = more * (high - low) / canvas.columns
        wide, ratio = canvas.columns + 2 * more, canvas.ratio
        height = max(1, round(canvas.rect.height() * ratio))
        rect = QRectF(0, 0, wide, height)
        pixels = replace(canvas, rect=rect, x_range=(low - room, high + room), ratio=1.0)
        strips = [
            curve.strip(pixels, held) for curve in curves if (held := curve.envelope(pixels)) is not None
        ]
        colours = [
            QColor(curve.ink(canvas.look)).rgba() for curve in curves if curve.envelope(pixels) is not None
        ]
        top, bottom = geometry.spans(strips, wide) if strips else (np.zeros((0, wide)), np.zeros((0, wide)))
        memory = image_of(top, bottom, colours, height, max(1, round(ratio * canvas.look.unit)))
        memory = np.ascontiguousarray(memory)
        image = QImage(memory.data, wide, height, 4 * wide, QImage.Format.Format_ARGB32_Premultiplied)
        return _Kept(key, pixels.x_range, image, memory)
