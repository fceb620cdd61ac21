"""What hangs on a potentiostat's leads: a living cell of the bench, or a dummy network; one face for both.

A load is driven from one bench event to the next and read in between without being changed (virtual-time.md 4.1).
Its times are plant seconds; a cell lives on the bench's 0.1 s ticks, so a moment is that of the last tick that has
passed. Who plans a cell also commits it: a cell hangs on one load or one cycler channel at a time.
"""

from __future__ import annotations

import copy
import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from labctl.model.units import FARADAY_C_PER_MOL, GAS_CONSTANT_J_PER_MOL_K, K_from_degC
from labctl_simulators.world.cell import Cell
from labctl_simulators.world.drive import Chunk, Drive, DriveKind
from labctl_simulators.world.elements import FloatArray
from labctl_simulators.world.impedance import charge_transfer_ohm, impedance_ohm
from labctl_simulators.world.modes import TICKS_LONGEST, TICKS_PER_s
from labctl_simulators.world.network import Network

NEVER_TICK = 1 << 62
MOVING_AIR_TICKS = 600
HOLD_TICKS = 600
"""A hold is planned one minute ahead: its substeps cost time, and its end is near as a rule."""
AT_REST_V = 1e-3
"""A set voltage this close to the cell's own starts no half-cycle: a spectrum at open circuit is a rest."""
ROUNDS = 8
"""Fixed-point rounds of the large-signal charge transfer; the error shrinks at least threefold in each."""


class AirAround(Protocol):
    """The air that a cell stands in."""

    def temperature_degC(self) -> float: ...
    def steady(self) -> bool: ...


def tick_of(time_s: float) -> int:
    """Return the last 0.1 s tick that has passed."""
    return math.floor(time_s * TICKS_PER_s + 1e-6)


def tick_after(time_s: float) -> int:
    """Return the first 0.1 s tick at which a moment has come."""
    return math.ceil(time_s * TICKS_PER_s - 1e-6)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a sine finds: the impedance of the fundamental and the third harmonic of the current relative to it."""

    impedance_ohm: complex
    distortion: float = 0.0


class Load(ABC):
    """Something with two terminals."""

    name: str
    drive: Drive = Drive.rest()

    @abstractmethod
    def impose(self, drive: Drive, time_s: float) -> None:
        """Impose a drive from a moment on."""

    @abstractmethod
    def at(self, time_s: float) -> tuple[float, float]:
        """Return the true (voltage V, current A) at a moment since the last event. Changes nothing."""

    @abstractmethod
    def answer(
        self, frequency_Hz: float, time_s: float, amplitude_rms_V: float, growth: tuple[float, float]
    ) -> Answer:
        """Return the impedance at a moment; ``amplitude_rms_V`` 0 is the small signal.

        ``growth`` multiplies the polarisation resistances and the series resistance (an injected drift).
        """

    @abstractmethod
    def release(self, time_s: float) -> None:
        """Leave it as it is at a moment: the leads come off, somebody else may take it."""

    def next_tick(self) -> int:
        """Return the tick of the load's own next event."""
        return NEVER_TICK

    def happen(self) -> None:  # noqa: B027  # a dummy has no events of its own
        """Let that event happen."""


class DummyLoad(Load):
    """A network; knows no ticks and no age."""

    def __init__(self, network: Network, time_s: float) -> None:
        self.name = network.name
        self.network = network
        self._modes_V = network.first_V()
        self._since_s = time_s

    def impose(self, drive: Drive, time_s: float) -> None:
        if drive.same_as(self.drive):
            return
        self._modes_V = self._moved(time_s)[0]
        self._since_s, self.drive = time_s, drive

    def release(self, time_s: float) -> None:
        self.impose(Drive.rest(), time_s)

    def _moved(self, time_s: float) -> tuple[FloatArray, float, float]:
        return self.network.moved(self._modes_V, self.drive, max(0.0, time_s - self._since_s))

    def at(self, time_s: float) -> tuple[float, float]:
        return self._moved(time_s)[1:]

    def answer(
        self, frequency_Hz: float, time_s: float, amplitude_rms_V: float, growth: tuple[float, float]
    ) -> Answer:
        return Answer(complex(self.network.impedance_ohm(np.array([frequency_Hz]), *growth)[0]))


class CellLoad(Load):
    """A living cell: the object that a cycler's channel steps, planned and committed the same way."""

    def __init__(self, cell: Cell, air: AirAround, tick: int) -> None:
        self.name = cell.spec.cell_id
        self.cell = cell
        self.air = air
        self._start_tick = tick
        cell.begin_step(0)
        self._chunk = self._planned()

    def _planned(self) -> Chunk:
        longest = HOLD_TICKS if self.drive.kind is DriveKind.CV else TICKS_LONGEST
        if not self.air.steady():
            longest = min(longest, MOVING_AIR_TICKS)
        return self.cell.plan(self.drive, self.air.temperature_degC(), longest)

    def next_tick(self) -> int:
        return self._start_tick + self._chunk.ticks

    def happen(self) -> None:
        self.cut(self.next_tick())
        self.replan()

    def release(self, time_s: float) -> None:
        self.cut(tick_of(time_s))
        self.cell.begin_step(0)

    def cut(self, tick: int) -> None:
        """Commit the cell up to a tick, because something acts on it; :meth:`replan` follows."""
        self.cell.commit(self._chunk, tick - self._start_tick, self.air.temperature_degC())
        self._start_tick = tick

    def replan(self) -> None:
        """Plan anew from the last committed tick."""
        self._chunk = self._planned()

    def impose(self, drive: Drive, time_s: float) -> None:
        if drive.same_as(self.drive):
            return
        self.cut(tick_of(time_s))
        self.drive = drive
        self.cell.begin_step(self._sign(drive))
        self.replan()

    def _sign(self, drive: Drive) -> int:
        pull = drive.current_A
        if drive.kind is DriveKind.CV:
            pull = drive.voltage_V - self.cell.rest_voltage_V
            if abs(pull) < AT_REST_V:
                return 0
        return int(math.copysign(1, pull)) if pull else 0

    def at(self, time_s: float) -> tuple[float, float]:
        ticks = np.array([tick_of(time_s) - self._start_tick], dtype=np.int64)
        return float(self._chunk.voltage_V(ticks)[0]), float(self._chunk.current_A(ticks)[0])

    def cell_at(self, time_s: float) -> Cell:
        """Return a copy of the cell as it is at a moment since the last event."""
        twin = copy.copy(self.cell)
        twin.commit(self._chunk, tick_of(time_s) - self._start_tick, self.air.temperature_degC())
        return twin

    def answer(
        self, frequency_Hz: float, time_s: float, amplitude_rms_V: float, growth: tuple[float, float]
    ) -> Answer:
        """Return the impedance at the cell's age, temperature and charge of the moment.

        At a large amplitude the charge transfer answers with R_ct x / (2 I1(x)) and a third harmonic I3(x) / I1(x),
        x = V_peak F / (n_if 2 R T) across its interfaces (potentiostat.md 3.3, symmetric Butler-Volmer).
        """
        cell = self.cell_at(time_s)
        arcs, series = growth
        now = cell.moment()
        moment = replace(
            now, bulk_ohm=now.bulk_ohm * series, fixed_ohm=now.fixed_ohm * arcs, ct_ohm=now.ct_ohm * arcs
        )
        at_Hz = np.array([frequency_Hz])

        def whole_ohm(factor: float) -> complex:
            return complex(
                impedance_ohm(cell.circuit, moment, cell.state, cell.leak_A, at_Hz, ct_factor=factor)[0]
            )

        if amplitude_rms_V <= 0.0 or cell.shorted or moment.ct_ohm <= 0.0:
            return Answer(whole_ohm(1.0))
        thermal_V = GAS_CONSTANT_J_PER_MOL_K * K_from_degC(moment.temperature_degC) / FARADAY_C_PER_MOL
        factor, x, ratio = 1.0, 0.0, 0.0
        for _ in range(ROUNDS):
            ct_ohm = complex(charge_transfer_ohm(cell.circuit, moment, at_Hz, factor)[0])
            share = abs(ct_ohm / whole_ohm(factor))
            x = math.sqrt(2.0) * amplitude_rms_V * share / (2.0 * moment.interfaces * thermal_V)
            factor = x / (2.0 * bessel_i(1, x)) if x > 1e-9 else 1.0
            ratio = share * abs(ct_ohm) / (moment.ct_ohm * factor)
        third = bessel_i(3, x) / bessel_i(1, x) if x > 1e-9 else 0.0
        return Answer(whole_ohm(factor), third * ratio)


def bessel_i(order: int, x: float) -> float:
    """Return the modified Bessel function of the first kind by its power series; for |x| up to some tens."""
    term = (x / 2.0) ** order / math.factorial(order)
    total, k = term, 0
    while abs(term) > 1e-17 * abs(total):
        k += 1
        term *= (x / 2.0) ** 2 / (k * (k + order))
        total += term
    return total
