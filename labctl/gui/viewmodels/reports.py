"""Figures for a paper (U10): what is drawn (a comparison of its own), how it looks, where it comes from. Edits undo."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from labctl.gui.viewmodels.acts import Asks
from labctl.gui.viewmodels.compare import Compare
from labctl.gui.viewmodels.comparing import Line, XBy, group_word
from labctl.gui.viewmodels.edits import Edit
from labctl.gui.viewmodels.lab import Lab
from labctl.gui.viewmodels.panels import Axis, Card, Kind, Panel, Series, TraceOf, panel_of
from labctl.gui.viewmodels.parsing import plain
from labctl.gui.viewmodels.words import mark, tr

WIDTHS_MM = (85.0, 170.0)
RUNS_TOLD = 6


class Template(StrEnum):
    """What a figure shows."""

    PROFILE = "profile"
    CURVES = "curves"
    CAPACITY = "capacity"
    DQDV = "dqdv"
    LILI = "lili"
    TABLE = "table"


TEMPLATE_WORDS: Mapping[Template, str] = {
    Template.PROFILE: mark("reports", "voltage profile"),
    Template.CURVES: mark("reports", "voltage over capacity"),
    Template.CAPACITY: mark("reports", "capacity by cycle"),
    Template.DQDV: mark("reports", "dQ/dV"),
    Template.LILI: mark("reports", "Li | Li profile"),
    Template.TABLE: mark("reports", "table"),
}
KINDS: Mapping[Template, tuple[Kind, ...]] = {
    Template.PROFILE: (Kind.PROFILE,),
    Template.CURVES: (Kind.CURVES,),
    Template.CAPACITY: (Kind.CAPACITY,),
    Template.DQDV: (Kind.DQDV,),
    Template.LILI: (Kind.PROFILE, Kind.POLARISATION),
    Template.TABLE: (),
}


class Legend(StrEnum):
    """What the legend names."""

    GROUPS = "groups"
    CELLS = "cells"
    NONE = "none"


class Palette(StrEnum):
    """The colours of a figure; paper is white unless a person wants it dark."""

    STUDY = "study"
    GREY = "grey"
    DARK = "dark"


@dataclass(frozen=True, slots=True)
class ReportStyle:
    """How a figure looks. Sizes in mm and pt; ranges in the units of the axes (hours for times), None = by the data."""

    template: Template = Template.CAPACITY
    width_mm: float = 85.0
    height_mm: float = 60.0
    """Of each plot."""
    text_pt: float = 7.0
    line_pt: float = 1.0
    marker: str = ""
    """Empty = a marker for each cell; "-" = lines; else one of the markers of ``plots.look``."""
    marker_pt: float = 3.5
    palette: Palette = Palette.STUDY
    legend: Legend = Legend.GROUPS
    provenance: bool = True
    millivolt: bool = False
    x_title: str = ""
    y_title: str = ""
    x_min: float | None = None
    x_max: float | None = None
    y_min: float | None = None
    y_max: float | None = None


LIMITS: Mapping[str, tuple[float, float]] = {
    "width_mm": (30.0, 250.0),
    "height_mm": (20.0, 250.0),
    "text_pt": (4.0, 20.0),
    "line_pt": (0.1, 5.0),
    "marker_pt": (0.5, 12.0),
}
"""What sizes may be, both ends included."""


def style_to_plain(style: ReportStyle) -> dict[str, Any]:
    """Return a style as JSON says it."""
    return asdict(style)


def style_from_plain(found: Mapping[str, Any]) -> ReportStyle:
    """Return a style from what ``style_to_plain`` gave, perhaps of another version: odd words are left out."""
    standard, kept = ReportStyle(), dict[str, Any]()
    for name, value in found.items():
        if name in ReportStyle.__dataclass_fields__:
            usual = getattr(standard, name)
            if isinstance(usual, StrEnum):
                if value in tuple(type(usual)):
                    kept[name] = type(usual)(value)
            elif isinstance(usual, bool | str):
                if type(value) is type(usual):
                    kept[name] = value
            elif value is None:
                kept.update({name: None} if usual is None else {})
            elif (
                isinstance(value, int | float) and not isinstance(value, bool) and not problem_of(name, value)
            ):
                kept[name] = float(value)
    return ReportStyle(**kept)


def problem_of(name: str, value: float) -> str:
    """Return what is wrong with a size; empty where nothing is."""
    low, high = LIMITS.get(name, (-math.inf, math.inf))
    if not math.isfinite(value):
        return tr("reports", "Write a number.")
    return (
        ""
        if low <= value <= high
        else tr("reports", "From {low} to {high}.").format(low=f"{low:g}", high=f"{high:g}")
    )


def number_of(name: str, text: str) -> tuple[float | None, str]:
    """Read a size or an end of a range; empty = by the data where that is possible. Returns the problem too."""
    text = plain(text).strip()
    if not text:
        return None, "" if name not in LIMITS else tr("reports", "Write a number.")
    try:
        value = float(text.replace("\u2212", "-"))
    except ValueError:
        return None, tr("reports", "Write a number.")
    return value, problem_of(name, value)


class Report:
    """One figure: its data, its style, its footer. The view draws it."""

    def __init__(self, lab: Lab, asks: Asks, version: str) -> None:
        self.compare = Compare(lab, asks)
        self.style = ReportStyle()
        self._version = version
        self._watchers: list[Callable[[], None]] = []
        self.compare.watch(self._tell)

    def close(self) -> None:
        """Watch no more."""
        self.compare.close()

    def watch(self, observer: Callable[[], None]) -> Callable[[], None]:
        """Call ``observer`` after each change; returns unwatch."""
        self._watchers.append(observer)
        return lambda: self._watchers.remove(observer) if observer in self._watchers else None

    def _tell(self) -> None:
        for observer in tuple(self._watchers):
            observer()

    # -- edits ------------------------------------------------------------------------------------------------------

    def _put(self, style: ReportStyle) -> None:
        self.style = style
        self._tell()

    def set(self, **changes: Any) -> Edit | None:
        """Return the edit that changes the style; another template forgets titles and ranges of the old axes."""
        before, after = self.style, replace(self.style, **changes)
        if "template" in changes and after.template is not before.template:
            after = replace(after, x_title="", y_title="", x_min=None, x_max=None, y_min=None, y_max=None)
        if after == before:
            return None
        return Edit(tr("reports", "change the figure"), lambda: self._put(after), lambda: self._put(before))

    def take_style(self, style: ReportStyle) -> Edit | None:
        """Return the edit that takes a saved template."""
        before = self.style
        if style == before:
            return None
        return Edit(tr("reports", "take a template"), lambda: self._put(style), lambda: self._put(before))

    def take_over(self, other: Compare) -> Edit | None:
        """Return the edit that draws what another view compares."""
        runs = [run for member in other.members if (run := other.run(member.run_id)) is not None]
        return self.compare.replace_all(other.members, runs, replace(other.options, x_by=XBy.AUTO, kinds={}))

    # -- what is drawn ----------------------------------------------------------------------------------------------

    def panels(self) -> tuple[Panel, ...]:
        """Return the plots of the figure, below each other."""
        runs = tuple(member.run_id for member in self.compare.members)
        return tuple(
            self._named(panel_of(self.compare, Card(f"report/{kind}", kind, "", "", runs, symmetric=True)))
            for kind in KINDS[self.style.template]
        )

    def _named(self, panel: Panel) -> Panel:
        """Name the curves as the legend wants them: by group, by cell, or not at all."""
        wanted = self.style.legend

        def name(series: Series | TraceOf) -> str:
            if wanted is Legend.NONE:
                return ""
            if isinstance(series, Series) and series.share is not None:
                return tr("reports", "cycle {n}").format(n=series.cycle)
            if wanted is Legend.CELLS or self.compare.options.spread:
                return series.name
            return f"{group_word(series.line.group)}{series.name[len(series.line.title) :]}"

        def line(one: Line) -> Line:
            return (
                replace(one, dash=0) if wanted is Legend.GROUPS else one
            )  # what has one name looks the same

        series = tuple(replace(one, name=name(one), line=line(one.line)) for one in panel.series)
        traces = tuple(replace(one, name=name(one), line=line(one.line)) for one in panel.traces)
        return replace(panel, series=series, traces=traces)

    def axes(self, panel: Panel) -> tuple[Axis, Axis]:
        """Return the axes with the person's titles: ``quantity / unit``."""
        return _titled(panel.x, self.style.x_title), _titled(panel.y, self.style.y_title)

    def footer(self, digest: str) -> tuple[str, ...]:
        """Return where the figure comes from: runs, labctl, digest of the data beside it; empty when not wanted."""
        if not self.style.provenance or not self.compare.members:
            return ()
        runs = [member.run_id for member in self.compare.members if not member.hidden]
        told = ", ".join(runs[:RUNS_TOLD]) + (f" +{len(runs) - RUNS_TOLD}" if len(runs) > RUNS_TOLD else "")
        word = tr("reports", "runs")
        return (f"{word} {told}", f"labctl {self._version}, sha256 {digest[:16]}")

    @property
    def why_not(self) -> str:
        """Return why nothing can be saved; empty where it can."""
        if not self.compare.members:
            return tr("reports", "Add cells first.")
        empty = [panel.why for panel in self.panels() if panel.why]
        if empty and len(empty) == len(KINDS[self.style.template]):
            return empty[0]
        return tr("reports", "Waiting for the station.") if self.compare.waiting else ""


def _titled(axis: Axis, title: str) -> Axis:
    if not title.strip():
        return axis
    quantity, slash, unit = title.strip().rpartition(" / ")
    return (
        replace(axis, quantity=quantity, unit=unit)
        if slash
        else replace(axis, quantity=title.strip(), unit="")
    )


class SavedTemplates:
    """A person's templates: name -> style, kept by the session as plain values."""

    def __init__(self, kept: Mapping[str, Any]) -> None:
        self._kept = {str(name): dict(value) for name, value in kept.items() if isinstance(value, Mapping)}

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names in order."""
        return tuple(sorted(self._kept))

    def style(self, name: str) -> ReportStyle | None:
        """Return a saved style, None where there is none of that name."""
        return style_from_plain(self._kept[name]) if name in self._kept else None

    def save(self, name: str, style: ReportStyle) -> str:
        """Keep a style; returns why it cannot be, empty when it is."""
        if not name.strip():
            return tr("reports", "Give the template a name.")
        self._kept[name.strip()] = style_to_plain(style)
        return ""

    def forget(self, name: str) -> None:
        """Forget a style."""
        self._kept.pop(name, None)

    def to_plain(self) -> dict[str, Any]:
        """Return what is kept."""
        return {name: dict(value) for name, value in self._kept.items()}
