"""The figures of compared cells: a row for each cell, and above them the mean of their group (R10: copied as shown)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from labctl.analysis.life import LifeCriterion
from labctl.gui.viewmodels.compare import Compare
from labctl.gui.viewmodels.comparing import Line, Per, charge_scale, group_word
from labctl.gui.viewmodels.lives import CellLife, life_of, life_text, lives_of
from labctl.gui.viewmodels.panels import experiments
from labctl.gui.viewmodels.text import figures, number
from labctl.gui.viewmodels.words import tr

NAN = float("nan")
RESOLUTIONS = {Per.RAW: 1e-7, Per.GRAM: 1e-4, Per.AREA: 1e-6}
"""What capacities are shown to, in Ah, Ah/g, Ah/cm²."""


@dataclass(frozen=True, slots=True)
class Column:
    """A figure: its name, unit, decimals."""

    key: str
    title: str
    unit: str
    decimals: int

    @property
    def head(self) -> str:
        """Return name and unit."""
        return f"{self.title} / {self.unit}" if self.unit else self.title


@dataclass(frozen=True, slots=True)
class FigureRow:
    """A row: of a group (``run_id`` empty) or of a cell. ``texts`` are shown, ``plain`` are copied."""

    title: str
    group: str
    run_id: str
    colour: int
    texts: tuple[str, ...]
    plain: tuple[str, ...]


def columns_of(compare: Compare) -> tuple[Column, ...]:
    """Return the columns in the chosen unit."""
    scale = charge_scale(compare.per)
    unit, decimals = scale.axis, scale.decimals(RESOLUTIONS[compare.per])
    return (
        Column("cycles", tr("figures", "cycles"), "", 0),
        Column("first", tr("figures", "Q first"), unit, decimals),
        Column("last", tr("figures", "Q last"), unit, decimals),
        Column("kept", tr("figures", "kept"), "%", 1),
        Column("ce", tr("figures", "CE"), "%", 2),
        Column("mean_ce", tr("figures", "mean CE"), "%", 2),
        Column("over", tr("figures", "overpotential"), "mV", 0),
        Column("short", tr("figures", "short"), "h", 1),
        Column("volt", tr("figures", "above 1 V"), "h", 1),
    )


def values_of(compare: Compare, line: Line) -> dict[str, float]:
    """Return the figures of one run; NaN where it does not say, lives that have not ended as NaN too."""
    known, table = compare.figures(line.run_id), compare.columns(line.run_id)
    _, charge = compare.by_cycle(line.run_id, "discharging_capacity_ah")
    _, efficiency = compare.by_cycle(line.run_id, "coulombic_efficiency")
    good = [value for value in charge if math.isfinite(value)]
    known_ce = [value for value in efficiency if math.isfinite(value)]
    lives = lives_of(table)

    def life(criterion: LifeCriterion) -> float:
        found = lives.get(criterion)
        return found.life_h if found is not None and found.reached else NAN

    return {
        "cycles": float(known.cycles), "first": good[0] if good else NAN, "last": good[-1] if good else NAN,
        "kept": known.retention * 100.0, "ce": known.efficiency * 100.0,
        "mean_ce": float(np.mean(known_ce[1:])) if len(known_ce) > 1 else NAN, "over": known.overpotential_V * 1e3,
        "short": life(LifeCriterion.SHORT), "volt": life(LifeCriterion.POLARISATION),
    }  # fmt: skip


def mean_text(values: Sequence[float], decimals: int) -> str:
    """Return mean ± standard deviation (n - 1) of what is known: ``152.1 ± 0.8``."""
    good = [value for value in values if math.isfinite(value)]
    if not good:
        return "-"
    mean = number(float(np.mean(good)), decimals)
    return mean if len(good) < 2 else f"{mean} ± {number(float(np.std(good, ddof=1)), decimals)}"


def rows_of(compare: Compare) -> tuple[FigureRow, ...]:
    """Return the rows, group by group; cells of one kind under one protocol have a mean, others never."""
    found: list[FigureRow] = []
    columns, lines, known = columns_of(compare), compare.lines(), experiments(compare)
    for group in compare.groups:
        for one in known:
            runs = {member.run_id for member in one.members}
            inside = [line for line in lines if line.group == group and line.run_id in runs]
            if not inside:
                continue
            values = [values_of(compare, line) for line in inside]
            texts = tuple(
                mean_text([each[column.key] for each in values], column.decimals) for column in columns
            )
            title = tr("figures", "{group}, n = {n}").format(group=group_word(group), n=len(inside))
            title += f"  {one.title}" if len(known) > 1 else ""
            found.append(FigureRow(title, group, "", compare.colours[group], texts, texts))
            for line, each in zip(inside, values, strict=True):
                shown = tuple(number(each[column.key], column.decimals) for column in columns)
                plain = tuple(
                    "" if math.isnan(each[column.key]) else f"{each[column.key]:.8g}" for column in columns
                )
                found.append(FigureRow(line.title, group, line.run_id, line.colour, shown, plain))
    return tuple(found)


def life_rows(compare: Compare) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the small table of lives: for each experiment the median life, or what is kept, in every group."""
    groups, found = compare.groups, []
    for one in experiments(compare):
        texts = []
        for group in groups:
            runs = [member.run_id for member in one.members if member.group == group]
            texts.append(_median_life(compare, runs) if one.symmetric else _kept(compare, runs))
        title = one.protocol if len({other.title for other in experiments(compare)}) == 1 else one.title
        found.append((title, tuple(texts)))
    return tuple(found)


def _median_life(compare: Compare, runs: Sequence[str]) -> str:
    lives = sorted(
        (life for run_id in runs if (life := life_of(compare.columns(run_id))) is not None),
        key=lambda life: life.life_h,
    )
    if not lives:
        return "-"
    middle: CellLife = lives[(len(lives) - 1) // 2]
    return life_text(middle)


def _kept(compare: Compare, runs: Sequence[str]) -> str:
    kept = [compare.figures(run_id).retention * 100.0 for run_id in runs]
    good = [value for value in kept if math.isfinite(value)]
    return f"{figures(float(np.mean(good)), 3)} %" if good else "-"
