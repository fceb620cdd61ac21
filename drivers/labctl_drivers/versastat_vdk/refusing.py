"""Every reason why a model cannot do what is asked, found before a byte is sent. Pure.

Limits and their sources stand in ``models.py``; a limit that nobody has published is named as labctl's assumption.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

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
from labctl_drivers.versastat_vdk.models import INTERVAL_MIN_S, RANGES, Model
from labctl_drivers.versastat_vdk.options import VdkOptions
from labctl_drivers.versastat_vdk.plan import plan_for, potentials_of

POINTS_MAX = 100_000
"""More points than this in one sequence are a mistake, and would bind the instrument for very long."""

STEPS_MAX = 100
CYCLES_MAX = 10_000
SQRT2 = math.sqrt(2.0)

NAMES: dict[type, str] = {
    Ocv: "open-circuit potential",
    Chronoamperometry: "chronoamperometry",
    Chronopotentiometry: "chronopotentiometry",
    LinearSweep: "a linear sweep",
    CyclicVoltammetry: "cyclic voltammetry",
    Peis: "potentiostatic impedance",
    Geis: "galvanostatic impedance",
}


def refusals(
    technique: Technique, model: Model, offered: frozenset[type], why_not: str, options: VdkOptions
) -> tuple[str, ...]:
    """Return one sentence per reason; empty where the model can do it. ``why_not`` says what keeps techniques out."""
    if type(technique) not in offered:
        return (f"The {model.name} cannot do {NAMES[type(technique)]}{f': {why_not}' if why_not else ''}.",)
    found = tuple(_of_numbers(technique)) or tuple(_of_technique(technique, model))
    if not found and (points := plan_for(technique, options).points) > POINTS_MAX:
        found = (f"{points} points are more than {POINTS_MAX}, what labctl asks for in one sequence.",)
    return found


def refusals_at(technique: Peis, e_dc_V: float, model: Model) -> tuple[str, ...]:
    """Return why a spectrum cannot be taken at the potential that was counted from the open circuit."""
    peak_V = technique.amplitude_rms_V * SQRT2
    return tuple(_of_potentials((e_dc_V - peak_V, e_dc_V + peak_V), model))


def _of_numbers(technique: Technique) -> Iterator[str]:
    """Find numbers that no instrument could mean: not finite, or no time, step or rate at all."""
    match technique:
        case Ocv(duration_s, interval_s):
            yield from _positive(duration=duration_s, interval=interval_s)
        case Chronoamperometry(steps, interval_s) | Chronopotentiometry(steps, interval_s):
            yield from _positive(interval=interval_s)
            if not 1 <= len(steps) <= STEPS_MAX:
                yield f"A sequence holds 1 to {STEPS_MAX} steps, not {len(steps)}."
            for value, duration_s in steps:
                yield from _finite(value)
                yield from _positive(step=duration_s)
            yield from _of_ends(technique)
        case LinearSweep() | CyclicVoltammetry():
            yield from _positive(rate=technique.rate_V_per_s, **{"potential step": technique.step_V})
            for value in potentials_of(technique):
                yield from _finite(value)
            if isinstance(technique, CyclicVoltammetry) and not 1 <= technique.cycles <= CYCLES_MAX:
                yield f"Voltammetry takes 1 to {CYCLES_MAX} cycles, not {technique.cycles}."
        case Peis():
            yield from _positive(amplitude=technique.amplitude_rms_V)
            yield from _finite(technique.e_dc_V)
            yield from _not_negative(technique.settle_s)
        case Geis():
            yield from _positive(amplitude=technique.amplitude_rms_A)
            yield from _finite(technique.i_dc_A)
            yield from _not_negative(technique.settle_s)
    range_A = getattr(technique, "range_A", None)
    if range_A is not None:
        yield from _positive(range=range_A)


def _of_ends(technique: Chronoamperometry | Chronopotentiometry) -> Iterator[str]:
    if isinstance(technique, Chronoamperometry):
        if technique.i_limit_A is not None:
            yield from _positive(**{"current limit": technique.i_limit_A})
    elif technique.e_limits_V is not None:
        for limit_V in technique.e_limits_V:
            yield from _finite(limit_V)


def _positive(**values: float) -> Iterator[str]:
    for name, value in values.items():
        if not (math.isfinite(value) and value > 0):
            yield f"The {name} must be above 0, not {value:g}."


def _finite(value: float) -> Iterator[str]:
    if not math.isfinite(value):
        yield f"A set point must be a number, not {value:g}."


def _not_negative(settle_s: float) -> Iterator[str]:
    if not (math.isfinite(settle_s) and settle_s >= 0):
        yield f"The settling time must be 0 s or more, not {settle_s:g}."


def _of_technique(technique: Technique, model: Model) -> Iterator[str]:
    match technique:
        case Ocv(_, interval_s):
            yield from _of_interval(interval_s)
        case Chronoamperometry(steps, interval_s):
            yield from _of_interval(interval_s)
            yield from _of_potentials([e_V for e_V, _ in steps], model)
        case Chronopotentiometry(steps, interval_s):
            yield from _of_interval(interval_s)
            yield from _of_current(max(abs(i_A) for i_A, _ in steps), model)
        case LinearSweep() | CyclicVoltammetry():
            yield from _of_interval(technique.step_V / technique.rate_V_per_s)
            yield from _of_potentials(potentials_of(technique), model)
            if isinstance(technique, CyclicVoltammetry):
                yield from _of_cycles(technique)
        case Peis():
            yield from _of_sweep(technique, model)
            if not model.amplitude_min_V <= technique.amplitude_rms_V <= model.amplitude_max_V:
                yield (
                    f"An amplitude of {technique.amplitude_rms_V:g} V rms is outside {model.amplitude_min_V:g} to "
                    f"{model.amplitude_max_V:g} V rms, what the {model.name} can apply"
                    f"{_assumed(model, 'amplitude_max_V')}."
                )
            if technique.e_dc_vs == "ref":
                yield from refusals_at(technique, technique.e_dc_V, model)
        case Geis():
            yield from _of_sweep(technique, model)
            yield from _of_current(abs(technique.i_dc_A) + technique.amplitude_rms_A * SQRT2, model)
            if technique.range_A is not None:
                yield "The kit's galvanostatic impedance takes no current range: leave it to the instrument."
    range_A = getattr(technique, "range_A", None)
    if range_A is not None and range_A > max(RANGES.values()):
        yield f"A current range of {range_A:g} A is above {max(RANGES.values()):g} A, the kit's largest."


def _of_interval(interval_s: float) -> Iterator[str]:
    if interval_s < INTERVAL_MIN_S * (1 - 1e-9):
        yield f"{interval_s:g} s between points is below {INTERVAL_MIN_S:g} s, the shortest of the kit."


def _of_potentials(potentials_V: tuple[float, ...] | list[float], model: Model) -> Iterator[str]:
    low_V, high_V = min(potentials_V), max(potentials_V)
    if low_V < model.potential_min_V or high_V > model.potential_max_V:
        yield (
            f"{low_V:g} to {high_V:g} V is outside {model.potential_min_V:g} to {model.potential_max_V:g} V, what a "
            f"{model.name} reaches."
        )


def _of_cycles(technique: CyclicVoltammetry) -> Iterator[str]:
    """Find ways that the kit does not go: from vertex 2 it turns straight to vertex 1, or to the end."""
    begin_V, vertex2_V = technique.e_begin_V, technique.e_vertex2_V
    nexts_V = [technique.e_end_V, *([technique.e_vertex1_V] if technique.cycles > 1 else [])]
    for next_V in nexts_V:
        if not min(vertex2_V, next_V) <= begin_V <= max(vertex2_V, next_V):
            yield (
                f"The kit goes from vertex 2 ({vertex2_V:g} V) straight to {next_V:g} V, so the begin ({begin_V:g} V) "
                "must lie between them."
            )


def _of_sweep(technique: Peis | Geis, model: Model) -> Iterator[str]:
    low_Hz, high_Hz = sorted((technique.sweep.f_start_Hz, technique.sweep.f_end_Hz))
    if high_Hz > model.eis_max_Hz * (1 + 1e-9):
        limit = f"{model.eis_max_Hz:g} Hz, the highest of the {model.name}{_assumed(model, 'eis_max_Hz')}"
        yield f"{high_Hz:g} Hz is above {limit}."
    if low_Hz < model.eis_min_Hz * (1 - 1e-9):
        limit = f"{model.eis_min_Hz:g} Hz, the lowest of the {model.name}{_assumed(model, 'eis_min_Hz')}"
        yield f"{low_Hz:g} Hz is below {limit}."


def _of_current(current_A: float, model: Model) -> Iterator[str]:
    if current_A > model.current_max_A:
        yield (
            f"{current_A:g} A is above {model.current_max_A:g} A, what the {model.name} can drive"
            f"{_assumed(model, 'current_max_A')}."
        )


def _assumed(model: Model, limit: str) -> str:
    why = model.unknown.get(limit)
    return f" ({why}: option {limit} sets another)" if why else ""
