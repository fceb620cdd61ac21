"""The sweep that runs: its points as they come, and whether they are valid so far."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np

from labctl.analysis.eis.kk import LinKK, lin_kk
from labctl.errors import UserInputError
from labctl.gui.viewmodels.acts import Asks, Trouble
from labctl.gui.viewmodels.eis.points import NOTHING, Points, points_of
from labctl.gui.viewmodels.lab import Lab
from labctl.model.handover import PotentiostatStatus
from labctl.model.impedance import KramersKronig, SpectrumTable
from labctl.model.spectrum import PointFlag

AGAIN_S = 0.5
"""Link seconds between two questions at least, however fast the points come."""
OVERLOADED = PointFlag.OVERLOAD_I | PointFlag.OVERLOAD_E


class LiveSweep:
    """The sweep of one cell. Call ``refresh`` when the lab has news and at each tick; ``watch`` tells of new points."""

    def __init__(self, lab: Lab, asks: Asks) -> None:
        self._lab, self._asks = lab, asks
        self._cell_id, self._run_id = "", ""
        self._asked_s, self._outstanding = -math.inf, False
        self._table: SpectrumTable | None = None
        self.points: Points = NOTHING
        self.kk: LinKK | None = None
        self._watchers: list[Callable[[], None]] = []

    def watch(self, observer: Callable[[], None]) -> Callable[[], None]:
        """Call ``observer`` when there are other points; returns unwatch."""
        self._watchers.append(observer)
        return lambda: self._watchers.remove(observer) if observer in self._watchers else None

    def show(self, cell_id: str) -> None:
        """Follow the sweeps of a cell."""
        if cell_id != self._cell_id:
            self._cell_id = cell_id
            self._forget()
            self.refresh()

    @property
    def status(self) -> PotentiostatStatus | None:
        """Return the potentiostat that measures the cell now, None where none does."""
        return next(
            (one for one in self._lab.potentiostats.values()
             if one.points_expected and one.cell_id == self._cell_id and self._cell_id), None,
        )  # fmt: skip

    @property
    def running(self) -> bool:
        """Tell whether a sweep of this cell runs."""
        return self.status is not None

    def test(self) -> KramersKronig | None:
        """Return the validity of the points so far as the station would tell it."""
        kk = self.kk
        if kk is None:
            return None
        return KramersKronig(kk.passed, kk.drifting, kk.rms, kk.mu, kk.elements, tuple(self.points.frequency_Hz),
                             tuple(kk.residuals.real), tuple(kk.residuals.imag))  # fmt: skip

    @property
    def overloads(self) -> int:
        """Return how many points overloaded the instrument so far."""
        return overloads_of(self._table)

    def refresh(self) -> None:
        """Ask for the points where there are more than we have; cheap to call."""
        status = self.status
        if status is None:
            if self._table is not None:
                self._forget()
                self._tell()
            return
        if status.run_id != self._run_id:
            self._forget()
            self._run_id = status.run_id
        known = 0 if self._table is None else self._table.entry.points
        if self._outstanding or not self._lab.link.live or status.points_got == known:
            return
        if self._lab.now_s - self._asked_s < AGAIN_S:
            return
        self._asked_s, self._outstanding = self._lab.now_s, True
        self._asks.ask("potentiostats.spectrum", status.name, then=partial(self._take, status.run_id),
                       failed=self._failed)  # fmt: skip

    def _take(self, run_id: str, table: SpectrumTable) -> None:
        self._outstanding = False
        if run_id != self._run_id or table.entry.run_id not in ("", run_id):
            return
        self._table, self.points = table, points_of(table)
        self.kk = _tested(self.points)
        self._tell()

    def _failed(self, trouble: Trouble) -> None:
        """Ask again at the next tick: the potentiostat's own state says what is wrong."""
        self._outstanding = False

    def _forget(self) -> None:
        self._run_id, self._table, self.points, self.kk = "", None, NOTHING, None
        self._outstanding, self._asked_s = False, -math.inf

    def _tell(self) -> None:
        for observer in tuple(self._watchers):
            observer()


def overloads_of(table: SpectrumTable | None) -> int:
    """Return how many points of a spectrum overloaded the instrument."""
    if table is None or "flags" not in table.columns:
        return 0
    flags = np.asarray(table.columns["flags"], dtype=np.int64)
    return int(np.count_nonzero(flags & int(OVERLOADED)))


def _tested(points: Points) -> LinKK | None:
    """Return the validity of the points so far, None while they are too few for a test."""
    try:
        return lin_kk(points.frequency_Hz, points.z_ohm)
    except UserInputError:
        return None
