"""The plots of a comparison as plain data: which cards there are, what stands on their axes, every series of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from labctl.analysis.curves import Curve
from labctl.analysis.dqdv import dqdv
from labctl.errors import UserInputError
from labctl.gui.viewmodels.compare import Compare, CurveOf
from labctl.gui.viewmodels.comparing import (
    CHARGE_WORDS,
    Line,
    Member,
    Per,
    XBy,
    charge_scale,
    current_scale,
    experiment_title,
    group_word,
)
from labctl.gui.viewmodels.lives import life_of, life_word
from labctl.gui.viewmodels.traces import Scaled
from labctl.gui.viewmodels.words import mark, tr
from labctl.model.cell import CellKind

Floats = NDArray[np.float64]
CARDS_LEAST = 4
CURVES_MAX = 160
"""Half-cycles in one plot; more cannot be told apart."""


class Kind(StrEnum):
    """What a card draws."""

    PROFILE = "profile"
    CURRENT = "current"
    CURVES = "curves"
    DQDV = "dqdv"
    CAPACITY = "capacity"
    RETENTION = "retention"
    EFFICIENCY = "efficiency"
    ENDS = "ends"
    POLARISATION = "polarisation"
    RESISTANCE = "resistance"


KIND_WORDS: Mapping[Kind, str] = {
    Kind.PROFILE: mark("panels", "V-t"),
    Kind.CURRENT: mark("panels", "I-t"),
    Kind.CURVES: mark("panels", "V-Q"),
    Kind.DQDV: mark("panels", "dQ/dV"),
    Kind.CAPACITY: mark("panels", "Q + CE"),
    Kind.RETENTION: mark("panels", "retention"),
    Kind.EFFICIENCY: mark("panels", "CE"),
    Kind.ENDS: mark("panels", "end V"),
    Kind.POLARISATION: mark("panels", "overpotential"),
    Kind.RESISTANCE: mark("panels", "ASR"),
}
BY_CYCLE = frozenset(
    {Kind.CAPACITY, Kind.RETENTION, Kind.EFFICIENCY, Kind.ENDS, Kind.POLARISATION, Kind.RESISTANCE}
)
OVER_TIME = frozenset({Kind.PROFILE, Kind.CURRENT})
_ORDER = {
    True: (Kind.PROFILE, Kind.POLARISATION, Kind.ENDS, Kind.CURVES),
    False: (Kind.CAPACITY, Kind.RETENTION, Kind.POLARISATION, Kind.CURVES),
}
"""What is drawn first for symmetric cells (True) and for the others."""


@dataclass(frozen=True, slots=True)
class Axis:
    """What stands on an axis; ``kind`` is that of ``plots.fields``. Data are in the shown unit, durations in s."""

    quantity: str
    unit: str = ""
    kind: str = "number"


@dataclass(frozen=True, slots=True)
class Card:
    """One plot of the page: an experiment (cells of one kind under one protocol) and what is drawn of it."""

    key: str
    kind: Kind
    title: str
    note: str
    run_ids: tuple[str, ...]
    symmetric: bool


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One curve. ``share`` is its place on the ramp of cycles; ``low`` and ``high`` bound the spread of a group."""

    line: Line
    name: str
    x: Floats
    y: Floats
    right: bool = False
    points: bool = False
    filled: bool = True
    share: float | None = None
    cycle: int = 0
    """The cycle of a half-cycle, 0 for other curves."""
    low: Floats | None = None
    high: Floats | None = None


@dataclass(frozen=True, slots=True, eq=False)
class TraceOf:
    """A curve over time that is thinned by the station; ``trace`` answers ``columns`` in the shown units."""

    line: Line
    name: str
    trace: Scaled


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment on x that is marked: the end of a life."""

    x: float
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """Everything that a plot shows. ``why`` says why it is empty."""

    card: Card
    x: Axis
    y: Axis
    right: Axis | None = None
    series: tuple[Series, ...] = ()
    traces: tuple[TraceOf, ...] = ()
    moments: tuple[Moment, ...] = ()
    cycles: tuple[tuple[int, float], ...] = ()
    """Cycles on the ramp with their places on it, for the swatches above the plot."""
    why: str = ""


@dataclass(slots=True)
class _Experiment:
    title: str
    protocol: str
    symmetric: bool
    members: list[Member] = field(default_factory=list)


# -- which cards ------------------------------------------------------------------------------------------------------


def experiments(compare: Compare) -> list[_Experiment]:
    """Return the members by protocol and kind of cell, in order of their first one."""
    found: dict[tuple[str, str], _Experiment] = {}
    for member in compare.members:
        run, cell = compare.run(member.run_id), compare.cell(member)
        protocol = "" if run is None else run.protocol
        title = experiment_title(cell)
        symmetric = cell is not None and cell.kind is CellKind.SYMMETRIC
        made = found.setdefault((protocol, title), _Experiment(title or protocol, protocol, symmetric))
        made.members.append(member)
    return list(found.values())


def cards(compare: Compare) -> tuple[Card, ...]:
    """Return the cards: each experiment once, and more plots of each as long as there are fewer than four."""
    known = experiments(compare)
    if not known:
        return ()
    each = max(1, -(-CARDS_LEAST // len(known))) if len(known) < CARDS_LEAST else 1
    found = []
    for number, one in enumerate(known):
        for place in range(each):
            if len(known) * each > CARDS_LEAST and place == each - 1 and number >= CARDS_LEAST % len(known):
                continue  # three experiments: only the first has a second plot
            key = f"{one.protocol}/{one.title}/{place}"
            kind = _kind_of(compare, key, one.symmetric, place)
            shown = tuple(member.run_id for member in one.members)
            found.append(Card(key, kind, one.title, one.protocol, shown, one.symmetric))
    return tuple(found)


def _kind_of(compare: Compare, key: str, symmetric: bool, place: int) -> Kind:
    chosen = compare.options.kinds.get(key, "")
    if chosen in tuple(Kind):
        return Kind(chosen)
    over = compare.options.x_by
    usual = _ORDER[symmetric][place]
    if place or over is XBy.AUTO:
        return usual
    return {
        XBy.TIME: Kind.PROFILE,
        XBy.CAPACITY: Kind.CURVES,
        XBy.CYCLE: Kind.ENDS if symmetric else Kind.CAPACITY,
    }[over]


# -- what a card draws ------------------------------------------------------------------------------------------------


def cycle_axis() -> Axis:
    """Return the axis of cycle numbers."""
    return Axis(tr("panels", "cycle number"), "", "count")


def charge_axis(per: Per, *, discharge: bool = False) -> Axis:
    """Return the axis of a charge in the chosen unit; ``discharge`` = of that which was taken out."""
    word = tr("compare", CHARGE_WORDS[per])
    told = tr("panels", "discharge {what}").format(what=word) if discharge else word
    return Axis(told, charge_scale(per).axis)


def voltage_axis() -> Axis:
    """Return the axis of a voltage."""
    return Axis(tr("panels", "voltage"), "V")


def panel_of(compare: Compare, card: Card) -> Panel:
    """Return what a card draws now; curves that are not there yet are asked for."""
    lines = [line for line in compare.lines() if line.run_id in card.run_ids and not line.hidden]
    if not lines:
        return Panel(
            card, cycle_axis(), voltage_axis(), why=tr("panels", "All cells of this plot are hidden.")
        )
    make = {Kind.PROFILE: _over_time, Kind.CURRENT: _over_time, Kind.CURVES: _curves, Kind.DQDV: _curves}
    panel = make.get(card.kind, _by_cycle)(compare, card, lines)
    if panel.series or panel.traces:
        return panel
    return _with_why(compare, panel, lines)


def _with_why(compare: Compare, panel: Panel, lines: Sequence[Line]) -> Panel:
    whys = [line.why_not for line in lines if line.why_not]
    trouble = next(
        (compare.troubles[line.run_id].why for line in lines if line.run_id in compare.troubles), ""
    )
    told = (
        trouble
        or (whys[0] if len(whys) == len(lines) else "")
        or (tr("panels", "Waiting for the station.") if compare.waiting else "")
        or tr("panels", "No complete cycle yet.")
    )
    return Panel(panel.card, panel.x, panel.y, panel.right, cycles=panel.cycles, why=told)


def _members(compare: Compare) -> dict[str, Member]:
    return {member.run_id: member for member in compare.members}


def _over_time(compare: Compare, card: Card, lines: Sequence[Line]) -> Panel:
    members, found = _members(compare), []
    current = card.kind is Kind.CURRENT
    for line in lines:
        member, factor = members[line.run_id], 1.0
        if current:
            factor = compare.current_factor(member)
            if not math.isfinite(factor):
                continue
        before_s = compare.before(member)[0]
        trace = Scaled(
            compare.trace(line.run_id, "current_ampere" if current else "voltage_volt"), factor, 1.0, before_s
        )
        found.append(TraceOf(line, line.title, trace))
    y = Axis(tr("panels", "current"), current_scale(compare.per).axis) if current else voltage_axis()
    moments = () if current else _ends_of_life(compare, card, lines)
    return Panel(card, Axis(tr("panels", "time"), "", "duration"), y, traces=tuple(found), moments=moments)


def _ends_of_life(compare: Compare, card: Card, lines: Sequence[Line]) -> tuple[Moment, ...]:
    """Return the first end of a life in each group, told with its time."""
    found: dict[str, Moment] = {}
    members = _members(compare)
    for line in lines if card.symmetric else ():
        life = life_of(compare.columns(line.run_id))
        if life is None or not life.reached:
            continue
        x = life.test_time_s + compare.before(members[line.run_id])[0]
        known = found.get(line.group)
        if known is None or x < known.x:
            found[line.group] = Moment(x, life_word(life))
    return tuple(found.values())


def _curves(compare: Compare, card: Card, lines: Sequence[Line]) -> Panel:
    """Draw the chosen cycles; one cell alone is coloured by cycle, several by group."""
    found = compare.curves([line.run_id for line in lines])[:CURVES_MAX]
    ramp = len({one.line.run_id for one in found}) == 1
    series = []
    for one in found:
        x, y = curve_points(one, card.kind)
        if len(x):
            name = "" if ramp else one.line.title
            share = one.cycle_share if ramp else None
            series.append(Series(one.line, name, x, y, share=share, cycle=one.half.cycle))
    x_axis, y_axis = charge_axis(compare.per), voltage_axis()
    if card.kind is Kind.DQDV:
        x_axis, y_axis = voltage_axis(), Axis("dQ/dV", f"{charge_scale(compare.per).axis} V⁻¹")
    shown = tuple(sorted({(one.half.cycle, one.cycle_share) for one in found}))
    return Panel(card, x_axis, y_axis, series=tuple(series), cycles=shown if ramp else ())


def curve_points(one: CurveOf, kind: Kind) -> tuple[Floats, Floats]:
    """Return a half-cycle as the kind draws it: voltage over charge, or dQ/dV over voltage (falling = negative)."""
    if kind is not Kind.DQDV:
        return one.half.capacity_Ah * one.factor, one.half.voltage_V
    try:
        made = dqdv(Curve(one.half.capacity_Ah, one.half.voltage_V))
    except UserInputError:
        return np.zeros(0), np.zeros(0)
    sign = 1.0 if one.half.charging else -1.0
    return made.voltage_V, np.abs(made.dqdv_Ah_per_V) * sign * one.factor


_COLUMNS: Mapping[Kind, tuple[tuple[str, float, bool, bool], ...]] = {
    Kind.CAPACITY: (
        ("discharging_capacity_ah", 1.0, False, True),
        ("coulombic_efficiency", 1.0, True, False),
    ),
    Kind.RETENTION: (("retention", 1.0, False, True),),
    Kind.EFFICIENCY: (("coulombic_efficiency", 1.0, False, True),),
    Kind.ENDS: (
        ("charging_end_voltage_volt", 1.0, False, True),
        ("discharging_end_voltage_volt", 1.0, False, False),
    ),
    Kind.POLARISATION: (("polarisation_volt", 1e3, False, True),),
    Kind.RESISTANCE: (("area_resistance_ohm_cm2", 1.0, False, True),),
}
"""Column, factor, right axis, filled marker."""


def _by_cycle(compare: Compare, card: Card, lines: Sequence[Line]) -> Panel:
    axes: Mapping[Kind, Callable[[], Axis]] = {
        Kind.CAPACITY: lambda: charge_axis(compare.per, discharge=True),
        Kind.RETENTION: lambda: Axis(tr("panels", "capacity kept"), "%"),
        Kind.EFFICIENCY: lambda: Axis(tr("panels", "coulombic efficiency"), "%"),
        Kind.ENDS: lambda: Axis(tr("panels", "end voltage"), "V"),
        Kind.POLARISATION: lambda: Axis(tr("panels", "overpotential"), "mV"),
        Kind.RESISTANCE: lambda: Axis(tr("panels", "area resistance"), "Ω cm²"),
    }
    found: list[Series] = []
    for column, factor, right, filled in _COLUMNS[card.kind]:
        word = f", {tr('panels', 'CE')}" if right else ""
        one = [
            made for line in lines if (made := _column(compare, line, column, factor, right, filled, word))
        ]
        found += _spread(one) if compare.options.spread else one
    second = Axis(tr("panels", "CE"), "%") if any(one.right for one in found) else None
    return Panel(card, cycle_axis(), axes[card.kind](), second, tuple(found))


def _column(
    compare: Compare, line: Line, column: str, factor: float, right: bool, filled: bool, word: str
) -> Series | None:
    cycles, values = compare.by_cycle(line.run_id, column)
    x, y = np.asarray(cycles, dtype=np.float64), np.asarray(values, dtype=np.float64) * factor
    first, last = compare.options.first_cycle, compare.options.last_cycle or math.inf
    x = x + compare.before(_members(compare)[line.run_id])[1]
    good = (x >= first) & (x <= last) & np.isfinite(y)
    if not good.any():
        return None
    return Series(line, line.title + word, x[good], y[good], right, points=True, filled=filled)


def _spread(series: Sequence[Series]) -> list[Series]:
    """Return the mean of each group with its standard deviation (n - 1) where two cells or more have the cycle."""
    found = []
    for group in dict.fromkeys(one.line.group for one in series):
        inside = [one for one in series if one.line.group == group]
        cycles = np.unique(np.concatenate([one.x for one in inside]))
        values = np.full((len(inside), len(cycles)), np.nan)
        for row, one in enumerate(inside):
            values[row, np.searchsorted(cycles, one.x)] = one.y
        count = np.isfinite(values).sum(axis=0)
        mean = np.nansum(values, axis=0) / count
        square = np.nansum((values - mean) ** 2, axis=0)
        sd = np.where(count > 1, np.sqrt(square / np.maximum(count - 1, 1)), 0.0)
        told = tr("panels", "{group}, mean ± s, n = {n}").format(group=group_word(group), n=len(inside))
        head = inside[0]
        name = f"{told}{head.name[len(head.line.title) :]}"
        found.append(
            Series(
                head.line, name, cycles, mean, head.right, True, head.filled, low=mean - sd, high=mean + sd
            )
        )
    return found


# -- the overlay column -----------------------------------------------------------------------------------------------

OVERLAYS_MAX = 4


@dataclass(frozen=True, slots=True, eq=False)
class Overlay:
    """The chosen cycles of one cell of a group, on the ramp of cycles; all overlays have equal scales."""

    group: str
    colour: int
    panel: Panel


def overlays(compare: Compare, kind: Kind = Kind.CURVES) -> tuple[Overlay, ...]:
    """Return a plot for each group: of its pinned cell, else of its first shown one."""
    found: list[Overlay] = []
    lines = [line for line in compare.lines() if not line.hidden and not line.why_not]
    for group in compare.groups:
        inside = [line for line in lines if line.group == group]
        if not inside or len(found) == OVERLAYS_MAX:
            continue
        line = next((one for one in inside if one.pinned), inside[0])
        card = Card(f"overlay/{group}", kind, group_word(group), line.title, (line.run_id,), symmetric=False)
        panel = _curves(compare, card, [line])
        if not panel.series:
            panel = _with_why(compare, panel, [line])
        found.append(Overlay(group, compare.colours[group], panel))
    return _over_the_ramp(found)


def _over_the_ramp(found: Sequence[Overlay]) -> tuple[Overlay, ...]:
    """Give the cycles that are drawn the whole ramp, in all plots the same: the list may ask for some to come."""
    drawn = sorted({cycle for one in found for cycle, _ in one.panel.cycles})
    if not drawn:
        return tuple(found)
    wide = max(1, drawn[-1] - drawn[0])
    shares = {cycle: (cycle - drawn[0]) / wide for cycle in drawn}
    made = []
    for one in found:
        series = tuple(
            replace(line, share=shares[line.cycle])
            if line.share is not None and line.cycle in shares
            else line
            for line in one.panel.series
        )
        cycles = tuple((cycle, shares[cycle]) for cycle, _ in one.panel.cycles)
        made.append(replace(one, panel=replace(one.panel, series=series, cycles=cycles)))
    return tuple(made)
