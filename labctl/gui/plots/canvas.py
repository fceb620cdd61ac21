"""From axis units to painting units: the rectangle of a plot, its ranges, and what it is painted on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QRectF

from labctl.gui.plots.data import Floats
from labctl.gui.plots.look import PlotLook


def axis_value(values: Floats, *, log: bool) -> Floats:
    """Return numbers in axis units: themselves, or log10 with NaN where there is none."""
    if not log:
        return values
    safe = np.where(values > 0, values, np.nan)
    return np.asarray(np.log10(safe), dtype=np.float64)


DECADES_MAX = 300.0
LOG_SHARE = 1e-4
"""Where a log axis begins, as a share of its end, when the data begin at nought or below."""


def power(value: float) -> float:
    """Return ten to a power, kept within what a number can hold."""
    return float(10.0 ** min(max(value, -DECADES_MAX), DECADES_MAX))


def log_range(low: float, high: float) -> tuple[float, float]:
    """Return a range of data on a log axis; what is not positive is left out."""
    high = high if high > 0 else 1.0
    return float(np.log10(low if low > 0 else high * LOG_SHARE)), float(np.log10(high))


@dataclass(frozen=True, slots=True)
class Canvas:
    """Where and how a layer is drawn. Ranges are in axis units (log10 of the data on a log axis)."""

    rect: QRectF
    x_range: tuple[float, float]
    y_range: tuple[float, float]
    look: PlotLook
    log_x: bool = False
    log_y: bool = False
    ratio: float = 1.0
    """Device pixels for each painting unit."""
    vector: bool = False
    """Whether it goes to a file of lines: then nothing may be drawn as an image."""

    @property
    def columns(self) -> int:
        """Return how many columns a curve needs: one a device pixel, or 600 an inch on paper."""
        if self.vector:
            return max(1, round(self.rect.width() / self.look.unit * 600 / 96))
        return max(1, round(self.rect.width() * self.ratio))

    def x_px(self, values: Floats) -> Floats:
        """Return where numbers of the data lie, left to right."""
        low, high = self.x_range
        scale = self.rect.width() / ((high - low) or 1.0)
        return self.rect.left() + (axis_value(values, log=self.log_x) - low) * scale

    def y_px(self, values: Floats) -> Floats:
        """Return where numbers of the data lie, top to bottom."""
        low, high = self.y_range
        scale = self.rect.height() / ((high - low) or 1.0)
        return self.rect.bottom() - (axis_value(values, log=self.log_y) - low) * scale

    def x_at(self, value: float) -> float:
        """Return where one number of the data lies."""
        return float(self.x_px(np.array([value]))[0])

    def y_at(self, value: float) -> float:
        """Return where one number of the data lies."""
        return float(self.y_px(np.array([value]))[0])

    def data_range(self) -> tuple[float, float]:
        """Return the visible range of x in units of the data."""
        low, high = self.x_range
        return (power(low), power(high)) if self.log_x else (low, high)

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Return left, top, right, bottom of the plot."""
        return self.rect.left(), self.rect.top(), self.rect.right(), self.rect.bottom()

    def snap(self, place: float) -> float:
        """Return a place in the middle of a device pixel, so that a thin line is crisp."""
        if self.vector:
            return place
        return float((np.floor(place * self.ratio) + 0.5) / self.ratio)
