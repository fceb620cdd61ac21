"""What all things drawn in a plot have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from PySide6.QtGui import QPainter

from labctl.gui.plots.canvas import Canvas
from labctl.gui.plots.data import Floats
from labctl.gui.plots.look import PlotLook


class Side(StrEnum):
    """Which vertical axis a layer is read at."""

    LEFT = "left"
    RIGHT = "right"


class Height(IntEnum):
    """What covers what, lowest first."""

    WINDOW = 0
    LIMIT = 10
    PREDICTED = 20
    CURVE = 30
    MARK = 40
    CURSOR = 50


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a layer covers, in units of the data."""

    x_min: float
    x_max: float
    y_min: float
    y_max: float

    def united(self, other: Bounds) -> Bounds:
        """Return what both cover."""
        return Bounds(
            min(self.x_min, other.x_min),
            max(self.x_max, other.x_max),
            min(self.y_min, other.y_min),
            max(self.y_max, other.y_max),
        )


@dataclass(frozen=True, slots=True)
class LegendEntry:
    """A sign and a word of a legend. ``line_px`` 0 = no line, ``marker`` "" = no marker."""

    text: str
    colour: str
    line_px: float = 0.0
    dash: tuple[float, ...] = ()
    marker: str = ""
    filled: bool = True


class Layer:
    """One thing in a plot: knows its data and how to draw itself; tells its frame when it changed."""

    height: int = Height.CURVE

    def __init__(self, name: str = "", side: Side = Side.LEFT) -> None:
        """Take the name that stands in legend and data, and the axis."""
        self.name = name
        self.side = Side(side)
        self._visible = True
        self.changed: Callable[[], None] | None = None

    @property
    def visible(self) -> bool:
        """Return whether it is drawn."""
        return self._visible

    @visible.setter
    def visible(self, wanted: bool) -> None:
        self._visible = wanted
        self.touch()

    def touch(self) -> None:
        """Tell the frame that it must be painted again."""
        if self.changed is not None:
            self.changed()

    def draw(self, painter: QPainter, canvas: Canvas) -> None:
        """Draw it; the painter is clipped to the plot."""

    def bounds(self) -> Bounds | None:
        """Return what "fit" must show, None for things that do not count."""
        return None

    def y_bounds(self, begin: float, end: float) -> tuple[float, float] | None:
        """Return the least and greatest value between two places of x."""
        found = self.bounds()
        if found is None or found.x_max < begin or found.x_min > end:
            return None
        return found.y_min, found.y_max

    def legend(self, look: PlotLook) -> LegendEntry | None:
        """Return its entry in the legend."""
        return None

    def table(self, canvas: Canvas) -> dict[str, Floats]:
        """Return what is drawn, as columns of a data file; empty when it has no data."""
        return {}


def united(layers: Iterable[Layer]) -> Bounds | None:
    """Return what all visible layers cover together."""
    found: Bounds | None = None
    for layer in layers:
        bounds = layer.bounds() if layer.visible else None
        if bounds is not None:
            found = bounds if found is None else found.united(bounds)
    return found
