"""Every reason why a 273A with its analyser cannot do what is asked, found before a byte is sent. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from labctl.model.technique import (
    Chronoamperometry,
    Chronopotentiometry,
    CyclicVoltammetry,
    Geis,
    LinearSweep,
    Ocv,
    Peis,
    Technique,
)
from labctl_drivers.par273a.models import (
    AMPLITUDE_MIN_V,
    CURRENT_MAX_A,
    EIS_MIN_HZ,
    ELECTROMETER_MAX_V,
    POTENTIAL_MAX_V,
    RANGE_CODES,
    SET_STEP_V,
    AnalyserLimits,
    code_for,
    range_A,
)
from labctl_drivers.par273a.plan import count_of, plan_for, turns_of

POINTS_MAX = 100_000
CYCLES_MAX = 10_000
INTERVAL_MIN_S = 0.05
"""labctl's choice: each point takes some exchanges on the bus, and ten samples in the instrument."""

SQRT2 = math.sqrt(2.0)
ALL_DC = (Ocv, Chronoamperometry, Chronopotentiometry, LinearSweep, CyclicVoltammetry)


@dataclass(frozen=True, slots=True)
class Reach:
    """What this instrument with this analyser reaches. ``analyser`` None: no spectra."""

    model: str
    eis_max_Hz: float
    step_max_s: float
    analyser: AnalyserLimits | None
    point_s: Callable[[float], float]

    @property
    def eis_min_Hz(self) -> float:
        """Return the lowest frequency."""
        return EIS_MIN_HZ if self.analyser is None else max(EIS_MIN_HZ, self.analyser.frequency_min_Hz)


def refusals(technique: Technique, reach: Reach) -> tuple[str, ...]:
    """Return one sentence per reason; empty where it can be done."""
    if isinstance(technique, Peis | Geis) and reach.analyser is None:
        return (f"The {reach.model} takes no spectra without a lock-in or FRA (option analyser).",)
    found = tuple(_of_numbers(technique))
    if not found:
        found = tuple(_of_technique(technique, reach))
    return found or tuple(_of_duration(technique, reach))


def refusals_at(technique: Peis, e_dc_V: float) -> tuple[str, ...]:
    """Return why a spectrum cannot be taken at a potential."""
    return tuple(_of_potential(e_dc_V)) or tuple(_of_peak(abs(e_dc_V) + technique.amplitude_rms_V * SQRT2))


def _of_numbers(technique: Technique) -> Iterator[str]:
    """Find numbers that no instrument could mean: not finite, or no time, step or rate at all."""
    match technique:
        case Ocv(duration_s, interval_s):
            yield from _positive(duration=duration_s, interval=interval_s)
        case Chronoamperometry(steps, interval_s) | Chronopotentiometry(steps, interval_s):
            yield from _positive(interval=interval_s)
            if not steps:
                yield "There are no steps."
            for value, duration_s in steps:
                yield from _finite(value)
                yield from _positive(step=duration_s)
        case LinearSweep() | CyclicVoltammetry():
            yield from _positive(rate=technique.rate_V_per_s, **{"potential step": technique.step_V})
            if isinstance(technique, CyclicVoltammetry) and not 1 <= technique.cycles <= CYCLES_MAX:
                yield f"Voltammetry takes 1 to {CYCLES_MAX} cycles, not {technique.cycles}."
                return
            for value in turns_of(technique)[:5]:
                yield from _finite(value)
        case Peis():
            yield from _positive(amplitude=technique.amplitude_rms_V)
            yield from _finite(technique.e_dc_V, technique.settle_s)
        case Geis():
            yield from _positive(amplitude=technique.amplitude_rms_A)
            yield from _finite(technique.i_dc_A, technique.settle_s)
    if isinstance(technique, Peis | Geis) and technique.settle_s < 0:
        yield f"The settling time must be 0 s or more, not {technique.settle_s:g}."
    range_asked_A = getattr(technique, "range_A", None)
    if range_asked_A is not None:
        yield from _positive(range=range_asked_A)


def _positive(**values: float) -> Iterator[str]:
    for name, value in values.items():
        if not (math.isfinite(value) and value > 0):
            yield f"The {name} must be above 0, not {value:g}."


def _finite(*values: float) -> Iterator[str]:
    for value in values:
        if not math.isfinite(value):
            yield f"A set point must be a number, not {value:g}."


def _of_technique(technique: Technique, reach: Reach) -> Iterator[str]:
    range_asked_A = getattr(technique, "range_A", None)
    if range_asked_A is not None and range_asked_A > range_A(RANGE_CODES[0]):
        yield f"A current range of {range_asked_A:g} A is above {range_A(RANGE_CODES[0]):g} A, its largest."
    match technique:
        case Ocv(_, interval_s):
            yield from _of_interval(interval_s)
        case Chronoamperometry(steps, interval_s):
            yield from _of_interval(interval_s)
            for e_V, _ in steps:
                yield from _of_potential(e_V)
        case Chronopotentiometry(steps, interval_s):
            yield from _of_interval(interval_s)
            for i_A, _ in steps:
                yield from _of_current(i_A)
        case LinearSweep() | CyclicVoltammetry():
            yield from _of_interval(technique.step_V / technique.rate_V_per_s)
            if technique.step_V < SET_STEP_V * (1 - 1e-9):
                yield f"A step of {technique.step_V:g} V is below {SET_STEP_V:g} V, the finest that it sets."
            for e_V in turns_of(technique)[:5]:
                yield from _of_potential(e_V)
        case Peis():
            yield from _of_sweep(technique, reach)
            yield from _of_amplitude(technique.amplitude_rms_V, reach)
            if technique.e_dc_vs == "ref":
                yield from refusals_at(technique, technique.e_dc_V)
        case Geis():
            yield from _of_sweep(technique, reach)
            peak_A = abs(technique.i_dc_A) + technique.amplitude_rms_A * SQRT2
            yield from _of_current(peak_A)
            full_A = range_A(galvanostat_code(technique))
            if peak_A > full_A:
                yield f"A peak of {peak_A:g} A does not go into a range of {full_A:g} A."
            yield from _of_amplitude(technique.amplitude_rms_A / full_A, reach)


def galvanostat_code(technique: Geis) -> int:
    """Return the code of the current range of a galvanostatic spectrum: it stays the same all the time."""
    if technique.range_A is not None:
        return code_for(technique.range_A)
    return code_for(abs(technique.i_dc_A) + technique.amplitude_rms_A * SQRT2)


def _of_interval(interval_s: float) -> Iterator[str]:
    if interval_s < INTERVAL_MIN_S * (1 - 1e-9):
        yield f"A point each {interval_s:g} s is faster than each {INTERVAL_MIN_S:g} s, what the host can drive."


def _of_potential(e_V: float) -> Iterator[str]:
    if abs(e_V) > POTENTIAL_MAX_V:
        yield f"{e_V:g} V is beyond {POTENTIAL_MAX_V:g} V, what the instrument sets."


def _of_peak(peak_V: float) -> Iterator[str]:
    if peak_V > ELECTROMETER_MAX_V:
        yield f"A peak of {peak_V:g} V is beyond {ELECTROMETER_MAX_V:g} V, what its electrometer reads."


def _of_current(i_A: float) -> Iterator[str]:
    if abs(i_A) > CURRENT_MAX_A:
        yield f"{i_A:g} A is beyond {CURRENT_MAX_A:g} A, what it can drive."


def _of_amplitude(amplitude_V: float, reach: Reach) -> Iterator[str]:
    """Judge what the generator has to put out, in V rms."""
    assert reach.analyser is not None
    if not AMPLITUDE_MIN_V <= amplitude_V <= reach.analyser.amplitude_max_V:
        yield (
            f"An amplitude of {amplitude_V:g} V rms at the external input is outside {AMPLITUDE_MIN_V:g} to "
            f"{reach.analyser.amplitude_max_V:g} V rms."
        )


def _of_sweep(technique: Peis | Geis, reach: Reach) -> Iterator[str]:
    low_Hz, high_Hz = sorted((technique.sweep.f_start_Hz, technique.sweep.f_end_Hz))
    if high_Hz > reach.eis_max_Hz * (1 + 1e-9):
        yield f"{high_Hz:g} Hz is above {reach.eis_max_Hz:g} Hz (option eis_max_Hz sets another)."
    if low_Hz < reach.eis_min_Hz * (1 - 1e-9):
        yield f"{low_Hz:g} Hz is below {reach.eis_min_Hz:g} Hz, the lowest of instrument and analyser."


def _of_duration(technique: Technique, reach: Reach) -> Iterator[str]:
    if count_of(technique) > POINTS_MAX:
        yield f"{count_of(technique):.0f} points are more than {POINTS_MAX}, what labctl drives by hand."
        return
    driven_s = plan_for(technique, reach.point_s).energised_s
    if driven_s > reach.step_max_s:
        yield (
            f"The cell would be driven for about {driven_s:.0f} s, longer than {reach.step_max_s:.0f} s: the "
            "instrument has no watchdog, and holds the cell for ever when the host is gone. Options step_max_s and "
            "step_max_by allow more, with the name of who does."
        )
