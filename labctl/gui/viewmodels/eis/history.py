"""The spectra of one cell over its life: which are drawn, in which colour, which one is looked at, and the trend."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from labctl.gui.viewmodels.eis.points import NOTHING, Floats, Points, curve_of
from labctl.gui.viewmodels.eis.shelf import SpectrumShelf
from labctl.gui.viewmodels.eis.stages import OUTCOME_WORDS
from labctl.gui.viewmodels.eis.words import FITTED, SHORTED, resistance, value_named
from labctl.gui.viewmodels.lab import Lab
from labctl.gui.viewmodels.words import tr
from labctl.model.handover import SpectrumEntry
from labctl.model.impedance import FittedValue, SpectrumFit

DRAWN_MAX = 8
"""More curves are a wall (design README 9): so many are drawn by themselves, spread over the cell's life."""
TRACKS = ("R_SEI", "R_ct", "R_b")
SUM = "R_SEI + R_ct"


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One line of the list. ``share`` is its place on the ramp, 0 to 1."""

    spectrum_id: str
    name: str
    shown: bool
    share: float
    resistance: str
    unit: str
    verdict: str
    bad: bool
    tip: str


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """A spectrum to draw. ``chosen`` is the one that is looked at, ``live`` the sweep that runs."""

    spectrum_id: str
    name: str
    points: Points
    share: float = 0.0
    chosen: bool = False
    live: bool = False
    fitted: Points = NOTHING


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """A resistance over the cycles in ohm, with its 95 % interval; NaN where a spectrum gives none. Shapes (n,)."""

    name: str
    cycle: Floats
    value_ohm: Floats
    low_ohm: Floats
    high_ohm: Floats


def in_order(entries: Sequence[SpectrumEntry]) -> tuple[SpectrumEntry, ...]:
    """Return spectra in the order of the cell's life: by cycle, then by the time they were taken."""
    return tuple(sorted(entries, key=lambda one: (-1 if one.cycle is None else one.cycle, one.taken_utc,
                                                  one.part, one.spectrum_id)))  # fmt: skip


def name_of(entry: SpectrumEntry, twins: int = 1) -> str:
    """Return a spectrum as the list calls it: fresh, cycle 10, or when it was taken; ``twins`` share the cycle."""
    if entry.cycle is None:
        return entry.taken_utc[:16].replace("T", " ") or entry.spectrum_id
    name = tr("eis", "cycle {n}").format(n=entry.cycle) if entry.cycle else tr("eis", "fresh")
    return name if twins < 2 else f"{name}, {entry.taken_utc[5:16].replace('T', ' ') or entry.part}"


class CellHistory:
    """The spectra of the cell that is shown. ``chosen`` is empty while the newest is looked at."""

    def __init__(self, lab: Lab, shelf: SpectrumShelf) -> None:
        self._lab, self._shelf = lab, shelf
        self._cell_id = ""
        self._entries: tuple[SpectrumEntry, ...] | None = None
        self._twins: Counter[int | None] = Counter()
        self._by_hand: dict[str, bool] = {}  # what a person has shown or hidden
        self.chosen = ""
        self.circuit = ""
        """A circuit of the person's own; empty = the cell's."""

    def show(self, cell_id: str) -> None:
        """Show another cell."""
        if cell_id != self._cell_id:
            self._cell_id, self.chosen = cell_id, ""
            self._by_hand.clear()
            self.renew()

    def renew(self) -> None:
        """Look at the lab's spectra anew: there are others."""
        self._entries = None

    def entries(self) -> tuple[SpectrumEntry, ...]:
        """Return the spectra of the cell, oldest first."""
        if self._entries is None:
            mine = [one for one in self._lab.spectra.values() if one.cell_id == self._cell_id]
            self._entries = in_order(mine) if self._cell_id else ()
            self._twins = Counter(one.cycle for one in self._entries)
        return self._entries

    # -- choosing ---------------------------------------------------------------------------------------------------

    @property
    def current(self) -> SpectrumEntry | None:
        """Return the spectrum that is looked at: the chosen one, else the newest."""
        entries = self.entries()
        found = next((one for one in entries if one.spectrum_id == self.chosen), None)
        return found or (entries[-1] if entries else None)

    @property
    def before(self) -> SpectrumEntry | None:
        """Return the whole spectrum before the one that is looked at."""
        current = self.current
        entries = self.entries()
        earlier = entries[: entries.index(current)] if current is not None else ()
        return next((one for one in reversed(earlier) if one.outcome == "whole"), None)

    def look_at(self, spectrum_id: str) -> None:
        """Look at a spectrum; the empty id is the newest."""
        self.chosen = spectrum_id

    def is_shown(self, spectrum_id: str) -> bool:
        """Tell whether a spectrum is drawn."""
        return spectrum_id in self._shown()

    def show_spectrum(self, spectrum_id: str, shown: bool) -> None:
        """Show or hide a curve."""
        self._by_hand[spectrum_id] = shown

    def _shown(self) -> frozenset[str]:
        """Return what is drawn: as a person said, else a sample over the cell's life with the one looked at."""
        whole = [one.spectrum_id for one in self.entries() if one.outcome == "whole"]
        some = whole if len(whole) <= DRAWN_MAX else [
            whole[round(at)] for at in np.linspace(0, len(whole) - 1, DRAWN_MAX)
        ]  # fmt: skip
        current = self.current
        wanted = {*some, *(() if current is None else (current.spectrum_id,))}
        by_hand = self._by_hand
        return frozenset(one.spectrum_id for one in self.entries()
                         if by_hand.get(one.spectrum_id, one.spectrum_id in wanted))  # fmt: skip

    def shares(self) -> dict[str, float]:
        """Return each spectrum's place on the ramp: by cycle, so that equal steps in age are equal steps in colour."""
        entries = self.entries()
        cycles = [one.cycle for one in entries]
        if None in cycles or len(set(cycles)) < 2:
            return {one.spectrum_id: at / max(1, len(entries) - 1) for at, one in enumerate(entries)}
        known = [cycle or 0 for cycle in cycles]
        least, most = min(known), max(known)
        return {one.spectrum_id: ((one.cycle or 0) - least) / (most - least) for one in entries}

    # -- what is shown ----------------------------------------------------------------------------------------------

    def fit(self, entry: SpectrumEntry | None) -> SpectrumFit | None:
        """Return what the station says of a spectrum with the circuit that is chosen."""
        return None if entry is None else self._shelf.fit(entry.spectrum_id, self.circuit)

    def drawn(self, *, fitted: bool, live: Points = NOTHING) -> tuple[Drawn, ...]:
        """Return what the plots draw, oldest first, the live sweep last; ``fitted`` adds the circuit of the current."""
        shares, current, shown = self.shares(), self.current, self._shown()
        found = []
        for entry in self.entries():
            if entry.spectrum_id not in shown:
                continue
            points = self._shelf.points(entry.spectrum_id)
            chosen = entry is current and not len(live)
            curve = curve_of(self.fit(entry)) if fitted and chosen else NOTHING
            if len(points):
                found.append(Drawn(entry.spectrum_id, self.named(entry), points, shares[entry.spectrum_id],
                                   chosen, fitted=curve))  # fmt: skip
        found.sort(key=lambda one: one.chosen)  # the chosen one above the others
        if len(live):
            found.append(Drawn("live", tr("eis", "live"), live, 1.0, chosen=True, live=True))
        return tuple(found)

    def named(self, entry: SpectrumEntry) -> str:
        """Return a spectrum's name among those of its cell."""
        self.entries()
        return name_of(entry, self._twins[entry.cycle])

    def rows(self) -> tuple[HistoryRow, ...]:
        """Return the lines of the list, oldest first; fits are asked for as the list is looked at."""
        shares, shown = self.shares(), self._shown()
        return tuple(
            self._row(entry, shares[entry.spectrum_id], entry.spectrum_id in shown)
            for entry in self.entries()
        )

    def _row(self, entry: SpectrumEntry, share: float, is_shown: bool) -> HistoryRow:
        fit = self._shelf.fit(entry.spectrum_id)
        told, bad = _judged(entry, fit)
        value = value_named(fit, SUM) or value_named(fit, "R_b")
        shown = resistance(math.nan if value is None else value.value, 3)
        trouble = self._shelf.trouble(entry.spectrum_id)
        tip = ", ".join(part for part in (
            self.named(entry), entry.instrument, entry.taken_utc[:16].replace("T", " "),
            tr("eis", "{n} points").format(n=entry.points), told, "" if fit is None else fit.reason, entry.text,
            trouble,
        ) if part)  # fmt: skip
        return HistoryRow(entry.spectrum_id, self.named(entry), is_shown, share,
                          shown.number if value is not None else "…" if fit is None and not trouble else shown.number,
                          shown.unit if value is not None else "", told, bad, tip)  # fmt: skip

    def tracks(self) -> tuple[Track, ...]:
        """Return R_SEI, R_ct and R_b over the cycles, of the whole spectra whose fit is known."""
        known = [(entry, fit) for entry in self.entries()
                 if entry.cycle is not None and (fit := self._shelf.fit(entry.spectrum_id)) is not None]  # fmt: skip
        cycles = np.array([float(entry.cycle or 0) for entry, _ in known])
        made = []
        for name in TRACKS:
            values = [_resolved(value_named(fit, name), fit, name) for _, fit in known]
            columns = np.array([(one.value, one.low, one.high) if one is not None else (math.nan,) * 3
                                for one in values], dtype=np.float64).reshape(-1, 3)  # fmt: skip
            if np.isfinite(columns[:, 0]).any():
                made.append(Track(name, cycles, *columns.T))
        return tuple(made)


def _resolved(value: FittedValue | None, fit: SpectrumFit, name: str) -> FittedValue | None:
    """Return a value that may be believed by itself, None where it may not."""
    if value is None or not value.resolved or fit.outcome != FITTED:
        return None
    return value if fit.separate or name == "R_b" else None


def _judged(entry: SpectrumEntry, fit: SpectrumFit | None) -> tuple[str, bool]:
    """Return what is to be thought of a spectrum in a word or two, and whether a person should look."""
    if entry.outcome != "whole":
        return tr("eis", OUTCOME_WORDS.get(entry.outcome, entry.outcome)), True
    if fit is None:
        return "", False
    if fit.outcome == SHORTED:
        return tr("eis", "shorted"), True
    if fit.kk is not None and not fit.kk.passed:
        return tr("eis", "not valid"), True
    if fit.outcome != FITTED:
        return tr("eis", "not fitted"), True
    return tr("eis", "valid"), False
