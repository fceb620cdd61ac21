"""Colours, type and strokes of a plot, from one table of a theme; and what a figure on paper changes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPen

from labctl.gui.theme.fonts import families
from labctl.gui.theme.tokens import LIGHT, Tokens

FAMILIES = tuple(families())
PX_PER_PT = 96.0 / 72.0
UNITS_PER_MM = 100
"""A figure on paper is laid out in hundredths of a millimetre, so that type of any size is exact."""

DASHES: tuple[tuple[float, ...], ...] = ((), (4.0, 2.0), (1.0, 2.0), (6.0, 2.0, 1.0, 2.0))
"""Lines of cells in one group: full, dashed, dotted, dash-dotted; lengths in line widths."""
MARKERS = ("o", "s", "^", "d", "v", "x")


@dataclass(frozen=True, slots=True)
class PlotLook:
    """What a plot is drawn with. Colours are ``#RRGGBB``; every length is multiplied by ``unit``."""

    name: str
    panel: str
    text: str
    muted: str
    plot: str
    grid: str
    axis: str
    hairline: str
    head: str
    predicted: str
    focus: str
    hard: str
    charge: str
    discharge: str
    rest: str
    curves: tuple[str, ...]
    pristine: str
    coated: str
    ramp: tuple[str, ...]
    """Stops of the cycle ramp, from early to late, equally far apart."""
    unit: float = 1.0
    text_pt: float = 9.0
    line_px: float = 1.5
    families: tuple[str, ...] = FAMILIES
    paper: bool = False

    def px(self, length: float) -> float:
        """Return a length of the design in painting units."""
        return length * self.unit

    def font(self, size_pt: float | None = None, *, bold: bool = False) -> QFont:
        """Return the type of a plot at a size in pt, its height in painting units."""
        return _font(
            self.families, self.text_pt if size_pt is None else size_pt, self.unit, bold, not self.paper
        )

    def metrics(self, size_pt: float | None = None, *, bold: bool = False) -> QFontMetricsF:
        """Return the measures of that type."""
        return _metrics(
            self.families, self.text_pt if size_pt is None else size_pt, self.unit, bold, not self.paper
        )

    def pen(self, colour: str, width: float = 1.0, dash: Sequence[float] = ()) -> QPen:
        """Return a pen; ``width`` in design pixels, ``dash`` in widths of the line."""
        pen = QPen(QColor(colour))
        pen.setWidthF(width * self.unit)
        pen.setCapStyle(Qt.PenCapStyle.FlatCap)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin if self.paper else Qt.PenJoinStyle.BevelJoin)
        if dash:
            pen.setDashPattern(list(dash))
        return pen

    def scaled(self, unit: float) -> PlotLook:
        """Return the look at another user scale (1.0 = 100 %)."""
        return replace(self, unit=unit)

    def curve_colour(self, index: int) -> str:
        """Return the colour of the n-th curve; they repeat after the last."""
        return self.curves[index % len(self.curves)]

    def group_colour(self, group: str, index: int = 0) -> str:
        """Return the colour of a group: the study's two have their own, others take the next curve colours."""
        known = {"pristine": self.pristine, "coated": self.coated}
        return known.get(group.casefold(), self.curve_colour(index))

    def dash(self, index: int) -> tuple[float, ...]:
        """Return the dash of the n-th cell of a group."""
        return DASHES[index % len(DASHES)]

    def marker(self, index: int) -> str:
        """Return the marker of the n-th cell, when colours and dashes are used up."""
        return MARKERS[index % len(MARKERS)]

    def cycle_colour(self, position: float) -> str:
        """Return the colour of a cycle; ``position`` from 0 (first shown) to 1 (last shown)."""
        return ramp_colour(self.ramp, position)

    def cycle_colours(self, cycles: Sequence[int]) -> dict[int, str]:
        """Return a colour for each cycle, by number: equal steps in cycle are equal steps in the ramp."""
        if not cycles:
            return {}
        least, most = min(cycles), max(cycles)
        return {cycle: self.cycle_colour((cycle - least) / max(1, most - least)) for cycle in cycles}


@lru_cache(maxsize=64)
def _font(families: tuple[str, ...], size_pt: float, unit: float, bold: bool, tabular: bool) -> QFont:
    """Make a font. Files get no tabular figures: as glyphs without a code they could be neither searched nor copied."""
    font = QFont()
    font.setFamilies(list(families))
    font.setPixelSize(max(1, round(size_pt * PX_PER_PT * unit)))
    font.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
    font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    tag = QFont.Tag("tnum")
    font.setFeature(tag, 1) if tabular else font.unsetFeature(tag)  # the application's own font has it
    return font


@lru_cache(maxsize=64)
def _metrics(
    families: tuple[str, ...], size_pt: float, unit: float, bold: bool, tabular: bool
) -> QFontMetricsF:
    return QFontMetricsF(_font(families, size_pt, unit, bold, tabular))


# -- the perceptual ramp ----------------------------------------------------------------------------------------------


def _lab(colour: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return a colour in CIE L*a*b* (D65)."""
    c = QColor(colour)
    rgb = np.array([c.redF(), c.greenF(), c.blueF()])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ linear
    ratio = xyz / np.array([0.95047, 1.0, 1.08883])
    f = np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def _colour(lab: np.ndarray[tuple[int], np.dtype[np.float64]]) -> str:
    """Return the nearest screen colour of a point in L*a*b*."""
    fy = (lab[0] + 16) / 116
    f = np.array([fy + lab[1] / 500, fy, fy - lab[2] / 200])
    xyz = np.where(f > 0.206893, f**3, (f - 16 / 116) / 7.787) * np.array([0.95047, 1.0, 1.08883])
    linear = (
        np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]]) @ xyz
    )
    linear = np.clip(linear, 0, 1)
    rgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return QColor.fromRgbF(*(float(part) for part in np.clip(rgb, 0, 1))).name().upper()


def lightness(colour: str) -> float:
    """Return L* of a colour, 0 (black) to 100 (white)."""
    return float(_lab(colour)[0])


@lru_cache(maxsize=1024)
def ramp_colour(stops: tuple[str, ...], position: float) -> str:
    """Return the colour at a place of a ramp, between stops in L*a*b* so that equal steps look equal."""
    place = min(1.0, max(0.0, position)) * (len(stops) - 1)
    index = min(int(place), len(stops) - 2)
    if place == index:
        return stops[index]
    part = place - index
    return _colour((1 - part) * _lab(stops[index]) + part * _lab(stops[index + 1]))


# -- themes -----------------------------------------------------------------------------------------------------------

RAMP_STOPS = 6


@lru_cache(maxsize=8)
def _ramp(first: str, last: str) -> tuple[str, ...]:
    """Return stops of viridis between the lightness of two ends, the ends themselves at its ends."""
    table = pg.colormap.get("viridis").getLookupTable(nPts=256)
    whole = ["#{:02X}{:02X}{:02X}".format(*(int(part) for part in row[:3])) for row in table]
    light = np.array([lightness(colour) for colour in whole])
    ends = [int(np.argmin(np.abs(light - lightness(end)))) for end in (first, last)]
    inner = np.linspace(ends[0], ends[1], RAMP_STOPS)[1:-1]
    return (first, *(whole[round(float(place))] for place in inner), last)


def look_of(tokens: Tokens, *, unit: float = 1.0, name: str = "") -> PlotLook:
    """Return the look of a theme; ``unit`` is the person's scale (1.0 = 100 %)."""
    return PlotLook(
        name=name,
        panel=tokens.panel,
        text=tokens.text,
        muted=tokens.muted,
        plot=tokens.plot,
        grid=tokens.grid,
        axis=tokens.axis,
        hairline=tokens.hairline,
        head=tokens.head,
        predicted=tokens.predicted,
        focus=tokens.focus,
        hard=tokens.hard,
        charge=tokens.charge,
        discharge=tokens.discharge,
        rest=tokens.rest,
        curves=tokens.curves,
        pristine=tokens.pristine,
        coated=tokens.coated,
        ramp=_ramp(tokens.ramp_first, tokens.ramp_last),
        unit=unit,
    )


def paper(
    *,
    text_pt: float = 7.0,
    line_pt: float = 1.0,
    tokens: Tokens = LIGHT,
    families: tuple[str, ...] = FAMILIES,
) -> PlotLook:
    """Return the look of a figure on paper: white all over unless other tokens are chosen, type and lines in pt."""
    return replace(
        look_of(tokens, name="paper"),
        panel=tokens.plot,
        unit=UNITS_PER_MM * 25.4 / 96.0,
        text_pt=text_pt,
        line_px=line_pt * PX_PER_PT,
        families=families,
        paper=True,
    )
