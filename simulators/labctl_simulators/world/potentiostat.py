"""The plant of any potentiostat: leads, cell switch, ranges, DC readings and spectra, in plant time; no bytes.

An instrument simulator owns the words of its wire and the order of things; this class owns what happens at the cell.
It is told every moment, never looks at a clock, and changes its load only when told to or when the load's own event
is due (``next_tick``, ``happen``)::

    plant = Potentiostat("pico", ladder, METHODSCRIPT, Effects(), Chance(7, "pico"), current_max_A=5e-3)
    plant.connect(DummyLoad(D1, 0.0), 0.0)
    plant.set_potential(0.0, 0.0); plant.cell_on(0.0)
    plan = plant.plan_point(Sine(1000.0, 0.01), 0.0)     # which range, until when
    point = plant.point(plan)                            # at plan.end_s

Anodic current is positive, amplitudes are rms, Z'' has its true sign. A spectrum point moves the state of a living
cell by the DC current that flows meanwhile: the cell is driven through it like through any other step.

Source: potentiostat.md 3.2 (time), 3.3 (errors), 2.1.5 (ranges).
"""

from __future__ import annotations

import cmath
import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntFlag

import numpy as np

from labctl_simulators.world.drive import Drive
from labctl_simulators.world.eiseffects import (
    MAINS_DEPTH,
    AMPLITUDE_STEP_Hz,
    Chance,
    Effects,
    collapsed,
    mains_near,
    pole_Hz,
)
from labctl_simulators.world.eistiming import TimingLaw
from labctl_simulators.world.loads import NEVER_TICK, Answer, CellLoad, DummyLoad, Load
from labctl_simulators.world.network import DUMMIES

LOG_MAX = 10_000
UNDERLOAD_SHARE = 0.01
"""Below this share of its range a current is reported as too small for it."""


class Flag(IntFlag):
    """What a reading is marked with; a wire maps these to its own bits."""

    TIMING = 1
    OVERLOAD_CURRENT = 2
    UNDERLOAD = 4
    OVERLOAD_WARNING = 8
    OVERLOAD_POTENTIAL = 16
    RANGE_CHANGED = 32


@dataclass(frozen=True, slots=True)
class CurrentRange:
    """One current range: its index on the wire, its name and the largest current that it can read."""

    index: int
    nominal_A: float
    readable_A: float


@dataclass(frozen=True, slots=True)
class Reading:
    """A DC reading as the instrument shows it."""

    potential_V: float
    current_A: float
    range: CurrentRange
    flags: Flag


@dataclass(frozen=True, slots=True)
class Sine:
    """What one point of a spectrum asks: ``amplitude`` is V rms, or A rms where ``galvanostatic``."""

    frequency_Hz: float
    amplitude: float
    galvanostatic: bool = False


@dataclass(frozen=True, slots=True)
class Sweep:
    """What the points of one sweep share: its number for the noise, and its time for an injected drift."""

    number: int = 0
    start_s: float = 0.0
    duration_s: float = 1.0


@dataclass(frozen=True, slots=True)
class PointPlan:
    """One point to come: the range is chosen when it begins, and so is its end."""

    sine: Sine
    sweep: Sweep
    order: int
    start_s: float
    end_s: float
    range: CurrentRange
    changed: bool


@dataclass(frozen=True, slots=True)
class EisPoint:
    """One point of a spectrum as the instrument shows it."""

    frequency_Hz: float
    impedance_ohm: complex
    e_ac_rms_V: float
    i_ac_rms_A: float
    e_dc_V: float
    i_dc_A: float
    range: CurrentRange
    flags: Flag
    distortion: float
    start_s: float
    end_s: float
    cycles: float


@dataclass(frozen=True, slots=True)
class CellNow:
    """A cell at the moment at which it was switched on."""

    cell_id: str
    shorted: bool
    elements_ohm: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class SwitchEvent:
    """One act at the cell switch or at what drives the cell while it is on (the truth log).

    An act that switches a living cell on knows which cell that was and its resistances then.
    """

    time_s: float
    what: str
    value: float = math.nan
    cell: CellNow | None = None


@dataclass(slots=True)
class Potentiostat:
    """One potentiostat with one pair of leads.

    ``ladder`` are the ranges in use, smallest first. ``low_share`` and ``high_share`` bound what the autoranger keeps
    of a range (10 to 95 %, 273A: 15 to 190 %); ``overload_share`` is where a range overloads (MethodSCRIPT: at what it
    can read; VersaSTAT and 273A: twice its name). ``welded`` keeps the relay closed whatever is asked.
    ``noted`` counts all acts at the switch, of which ``log`` keeps the last 10,000.
    """

    name: str
    ladder: tuple[CurrentRange, ...]
    timing: TimingLaw
    effects: Effects
    chance: Chance
    current_max_A: float
    potential_max_V: float = math.inf
    low_share: float = 0.10
    high_share: float = 0.95
    overload_share: float = 1.0
    load: Load | None = None
    galvanostatic: bool = False
    set_V: float = 0.0
    set_A: float = 0.0
    is_on: bool = False
    welded: bool = False
    open_lead: bool = False
    shorted_leads: bool = False
    log: deque[SwitchEvent] = field(default_factory=lambda: deque(maxlen=LOG_MAX))
    noted: int = 0
    on_switch: Callable[[SwitchEvent], None] | None = None
    range: CurrentRange = field(init=False)
    fixed_range: bool = False
    lowest: CurrentRange = field(init=False)
    highest: CurrentRange = field(init=False)
    _lead_load: Load | None = None

    def __post_init__(self) -> None:
        self.use_ladder(self.ladder)

    # -- ranges --------------------------------------------------------------------------------------------

    def use_ladder(self, ladder: tuple[CurrentRange, ...]) -> None:
        """Take other ranges (another mode of the instrument): largest range, all of them allowed."""
        self.ladder, self.fixed_range = ladder, False
        self.lowest, self.highest, self.range = ladder[0], ladder[-1], ladder[-1]

    def holding(self, current_A: float) -> CurrentRange:
        """Return the smallest range whose name holds a current, the largest where none does."""
        return next((r for r in self.ladder if r.nominal_A >= current_A * (1.0 - 1e-9)), self.ladder[-1])

    def set_range(self, current_A: float) -> None:
        """Take the range that holds a current, and stay there until an autorange is set."""
        self.range = self.lowest = self.highest = self.holding(current_A)
        self.fixed_range = True

    def set_autorange(self, lowest_A: float, highest_A: float) -> None:
        """Let the instrument choose between two ranges."""
        self.lowest, self.highest = self.holding(lowest_A), self.holding(highest_A)
        self.fixed_range = self.lowest == self.highest
        if not self.lowest.nominal_A <= self.range.nominal_A <= self.highest.nominal_A:
            self.range = self.highest

    def _ranged(self, peak_A: float) -> CurrentRange:
        """Return the range that the autoranger takes for a current; the present one where that still fits."""
        limit_A = self.overload_share * self.high_share
        now = self.range
        if self.fixed_range or self.low_share * now.readable_A <= peak_A <= limit_A * now.readable_A:
            return now
        allowed = [r for r in self.ladder if self.lowest.nominal_A <= r.nominal_A <= self.highest.nominal_A]
        return next((r for r in allowed if peak_A <= limit_A * r.readable_A), allowed[-1])

    def _current_flags(self, peak_A: float, used: CurrentRange) -> Flag:
        full_A = used.readable_A * self.overload_share
        if peak_A > full_A:
            return Flag.OVERLOAD_CURRENT
        if peak_A > self.high_share * full_A:
            return Flag.OVERLOAD_WARNING
        return Flag.UNDERLOAD if peak_A < UNDERLOAD_SHARE * used.readable_A else Flag(0)

    # -- the cell ------------------------------------------------------------------------------------------

    def connect(self, load: Load | None, time_s: float) -> None:
        """Clip the leads on something, or on nothing; the switch stays as it is."""
        if self.load is not None:
            self.load.release(time_s)
        self.load = load
        self._apply(time_s)

    @property
    def driving(self) -> bool:
        """Tell whether the cell is really driven: a welded relay does not open."""
        return self.is_on or self.welded

    def cell_on(self, time_s: float) -> None:
        """Close the cell switch: the set potential or current is imposed from here on."""
        self.is_on = True
        self._apply(time_s)
        self._note(time_s, "cell_on", self.set_A if self.galvanostatic else self.set_V)

    def cell_off(self, time_s: float) -> None:
        """Open the cell switch."""
        self.is_on = False
        self._apply(time_s)
        self._note(time_s, "cell_off", math.nan)

    def use_galvanostat(self, galvanostatic: bool, time_s: float) -> None:
        """Change between imposing a potential and a current."""
        self.galvanostatic = galvanostatic
        self._apply(time_s)

    def set_potential(self, potential_V: float, time_s: float) -> None:
        """Set the potential to impose."""
        changed = potential_V != self.set_V
        self.set_V = potential_V
        self._apply(time_s)
        if changed and self.is_on:
            self._note(time_s, "set_potential", potential_V)

    def set_current(self, current_A: float, time_s: float) -> None:
        """Set the current to impose."""
        changed = current_A != self.set_A
        self.set_A = current_A
        self._apply(time_s)
        if changed and self.is_on:
            self._note(time_s, "set_current", current_A)

    def set_welded(self, welded: bool, time_s: float) -> None:
        """Weld the relay, or mend it."""
        self.welded = welded
        self._apply(time_s)

    def set_leads(self, time_s: float, *, is_open: bool = False, shorted: bool = False) -> None:
        """Break a lead or let the leads touch (potentiostat.md 3.3): the load itself then rests."""
        if self._lead_load is None and self.load is not None:
            self.load.impose(Drive.rest(), time_s)
        self.open_lead, self.shorted_leads = is_open, shorted
        kind = "open" if is_open else "short" if shorted else ""
        self._lead_load = DummyLoad(DUMMIES[kind], time_s) if kind else None
        self._apply(time_s)

    def _note(self, time_s: float, what: str, value: float) -> None:
        event = SwitchEvent(time_s, what, value, self._cell_now() if what == "cell_on" else None)
        self.log.append(event)
        self.noted += 1
        if self.on_switch is not None:
            self.on_switch(event)

    def _cell_now(self) -> CellNow | None:
        if not isinstance(self.load, CellLoad):
            return None
        cell = self.load.cell
        return CellNow(self.load.name, cell.shorted, cell.elements_ohm())

    def noted_after(self, count: int) -> list[SwitchEvent]:
        """Return the acts at the switch behind the first ``count`` ever noted, as far as the log still has them."""
        gone = self.noted - len(self.log)
        return list(self.log)[max(count - gone, 0) :]

    @property
    def seen(self) -> Load | None:
        """Return what the electronics really see at the leads."""
        return self._lead_load if self._lead_load is not None else self.load

    def _apply(self, time_s: float) -> None:
        if self.seen is None:
            return
        if not self.driving:
            drive = Drive.rest()
        elif self.galvanostatic:
            drive = Drive.cc(self.set_A)
        else:
            gain, offset_V = self._scale
            drive = Drive.cv(self.set_V * gain + offset_V, self.current_max_A)
        self.seen.impose(drive, time_s)

    @property
    def _scale(self) -> tuple[float, float]:
        """Return gain and offset (V) of the potential: setting and reading share them."""
        gain = 1.0 + self.effects.potential_error * self.chance.within("potential gain")
        return gain, self.effects.potential_offset_V * self.chance.within("potential offset")

    # -- time ----------------------------------------------------------------------------------------------

    def next_tick(self) -> int:
        """Return the tick of the load's own next event (an ageing edge, moving air)."""
        return NEVER_TICK if self.load is None else self.load.next_tick()

    def happen(self) -> None:
        """Let that event happen."""
        if self.load is not None:
            self.load.happen()

    # -- DC ------------------------------------------------------------------------------------------------

    def _true(self, time_s: float) -> tuple[float, float]:
        if self.seen is None:  # nothing connected: the set potential stands on an open lead
            return (self.set_V if self.driving and not self.galvanostatic else 0.0), 0.0
        return self.seen.at(time_s)

    def reading(self, time_s: float, measurement: int = 0, order: int = 0) -> Reading:
        """Return potential and current as shown at a moment; may change the range."""
        true_V, true_A = self._true(time_s)
        before = self.range
        self.range = used = self._ranged(abs(true_A))
        flags = self._current_flags(abs(true_A), used) if self.driving else Flag(0)
        if abs(true_V) > self.potential_max_V:
            flags |= Flag.OVERLOAD_POTENTIAL
        if used is not before:
            flags |= Flag.RANGE_CHANGED
        effects = self.effects
        full_A = used.readable_A * self.overload_share
        shown_A = true_A + effects.current_error * self.chance.within("current", used.index) * used.readable_A
        if effects.range_floor or effects.voltage_noise:
            first, second = self.chance.normals("dc", measurement, order)
            shown_A += used.readable_A * effects.range_floor * first
            true_V += effects.voltage_noise * second
        gain, offset_V = self._scale
        return Reading((true_V - offset_V) / gain, min(max(shown_A, -full_A), full_A), used, flags)

    # -- spectra -------------------------------------------------------------------------------------------

    def duration_s(self, frequencies_Hz: list[float]) -> float:
        """Return how long a sweep takes without range changes."""
        return sum(self.timing.point_s(frequency_Hz) for frequency_Hz in frequencies_Hz)

    def plan_point(self, sine: Sine, start_s: float, sweep: Sweep | None = None, order: int = 0) -> PointPlan:
        """Begin a point of a spectrum: choose its range and say when it ends."""
        sweep = sweep or Sweep(start_s=start_s)
        answer = self._answer(sine, sweep, start_s)
        applied_A = self._applied(sine, answer.impedance_ohm)[1]
        peak_A = abs(self._true(start_s)[1]) + math.sqrt(2.0) * applied_A
        before = self.range
        self.range = self._ranged(peak_A)
        changed = self.range is not before
        spent_s = self.timing.point_s(sine.frequency_Hz)
        if changed:
            spent_s += self.timing.range_change_s(sine.frequency_Hz)
        return PointPlan(sine, sweep, order, start_s, start_s + spent_s, self.range, changed)

    def _answer(self, sine: Sine, sweep: Sweep, time_s: float) -> Answer:
        """Return what the sine finds: the load beside the stray capacitance, behind the leads' inductance.

        Nothing connected answers as an open lead does.
        """
        load = self.seen or DummyLoad(DUMMIES["open"], time_s)
        effects, s = self.effects, 2j * math.pi * sine.frequency_Hz
        passed = (time_s - sweep.start_s) / sweep.duration_s
        growth = (1.0 + effects.drift * passed, 1.0 + effects.drift_series * passed)
        amplitude_V = 0.0
        if effects.non_linear:
            small_ohm = abs(load.answer(sine.frequency_Hz, time_s, 0.0, growth).impedance_ohm)
            amplitude_V = sine.amplitude * (small_ohm if sine.galvanostatic else 1.0)
        answer = load.answer(sine.frequency_Hz, time_s, amplitude_V, growth)
        admittance_S = 1.0 / answer.impedance_ohm + s * effects.stray_capacitance_F
        return Answer(1.0 / admittance_S + s * effects.lead_inductance_H, answer.distortion)

    def _applied(self, sine: Sine, impedance_ohm: complex) -> tuple[float, float]:
        """Return the amplitudes (V rms, A rms) that really stand at the leads."""
        load_ohm = abs(impedance_ohm)
        amplitude = sine.amplitude
        if sine.frequency_Hz > AMPLITUDE_STEP_Hz:
            amplitude *= 1.0 + self.effects.amplitude_error
        if sine.galvanostatic:
            return amplitude * load_ohm, amplitude
        if self.effects.amplitude_collapse:
            amplitude = collapsed(amplitude, load_ohm, sine.frequency_Hz)
        return amplitude, amplitude / load_ohm

    def point(self, plan: PointPlan) -> EisPoint:
        """Return the point at its end, with every effect that is on; the DC current flowed meanwhile."""
        sine, used = plan.sine, plan.range
        answer = self._answer(sine, plan.sweep, plan.end_s)
        e_ac_V, i_ac_A = self._applied(sine, answer.impedance_ohm)
        shown_ohm = self._spoiled(plan, answer.impedance_ohm, e_ac_V, i_ac_A)
        e_dc_V, i_dc_A = self._true(plan.end_s)
        peak_A = abs(i_dc_A) + math.sqrt(2.0) * i_ac_A
        flags = self._current_flags(peak_A, used) | (Flag.RANGE_CHANGED if plan.changed else Flag(0))
        if Flag.OVERLOAD_CURRENT in flags:  # the current reads as what the range can show
            shown_ohm *= peak_A / (used.readable_A * self.overload_share)
        if abs(e_dc_V) + math.sqrt(2.0) * e_ac_V > self.potential_max_V:
            flags |= Flag.OVERLOAD_POTENTIAL
        gain, offset_V = self._scale
        return EisPoint(
            sine.frequency_Hz, shown_ohm, e_ac_V, e_ac_V / abs(shown_ohm), (e_dc_V - offset_V) / gain, i_dc_A,
            used, flags, answer.distortion, plan.start_s, plan.end_s, self.timing.cycles(sine.frequency_Hz),
        )  # fmt: skip

    def _spoiled(self, plan: PointPlan, impedance_ohm: complex, e_ac_V: float, i_ac_A: float) -> complex:
        """Return what is shown instead of Z: gain and pole of the range, mains, noise."""
        effects, frequency_Hz, number = self.effects, plan.sine.frequency_Hz, plan.sweep.number
        integrated_s = self.timing.integrated_s(frequency_Hz)
        shown = impedance_ohm / self.chance.range_gain(effects.range_gain, plan.range.index)
        if effects.roll_off:
            shown /= 1.0 + 1j * frequency_Hz / pole_Hz(plan.range.nominal_A)
        if mains_near(frequency_Hz, effects.mains_Hz, integrated_s):
            real, imaginary = self.chance.normals("mains", number, plan.order)
            shown += abs(shown) * MAINS_DEPTH * cmath.rect(1.0, math.atan2(real, imaginary))
        floor_A = plan.range.readable_A * effects.range_floor / math.sqrt(self.timing.cycles(frequency_Hz))
        variance = effects.noise**2 + (floor_A / i_ac_A) ** 2
        variance += (
            (effects.voltage_noise / e_ac_V) ** 2 + (effects.current_noise / i_ac_A) ** 2
        ) / integrated_s
        real, imaginary = self.chance.normals("eis", number, plan.order)
        size = math.sqrt(variance)
        return complex(shown.real * (1.0 + size * real), shown.imag * (1.0 + size * imaginary))


def log_spaced_Hz(start_Hz: float, end_Hz: float, count: int) -> list[float]:
    """Return ``count`` frequencies, both ends included, spaced evenly by their logarithm."""
    if count == 1:
        return [start_Hz]
    return [float(value) for value in np.geomspace(start_Hz, end_Hz, count)]
