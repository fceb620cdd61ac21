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
from labctl_drivers.methodscript.models import Mode, Model
from labctl_drivers.methodscript.options import MethodScriptOptions
from labctl_drivers.methodscript.plan import dc_mode, plan_for, potentials_of

POINTS_MAX = 100_000
"""More points than this in one script are a mistake, and would bind the instrument for very long."""

STEPS_MAX = 100
"""Steps of one script; how long a script a device holds has not been found (code 4005 says that it was too long)."""

CYCLES_MAX = 10_000
SQRT2 = math.sqrt(2.0)


def refusals(
    technique: Technique, model: Model, offered: frozenset[type], options: MethodScriptOptions
) -> tuple[str, ...]:
    """Return one sentence per reason; empty where the model can do it."""
    if type(technique) not in offered:
        return (f"The {model.name} cannot do {_words(technique)}.",)
    found = tuple(_of_numbers(technique))
    if not found:
        found = tuple(_of_technique(technique, model, e_dc_V=_absolute_V(technique)))
    return found or tuple(_of_duration(technique, model, options))


def refusals_at(technique: Peis, e_dc_V: float, model: Model) -> tuple[str, ...]:
    """Return why a spectrum cannot be taken at the potential that was counted from the open circuit."""
    return tuple(_of_potential(e_dc_V - _peak_V(technique), e_dc_V + _peak_V(technique), model.eis, model))


def _words(technique: Technique) -> str:
    return {
        Ocv: "open-circuit potential",
        Chronoamperometry: "chronoamperometry",
        Chronopotentiometry: "chronopotentiometry: it has no galvanostat",
        LinearSweep: "a linear sweep",
        CyclicVoltammetry: "cyclic voltammetry",
        Peis: "potentiostatic impedance",
        Geis: "galvanostatic impedance: it has no galvanostat",
    }[type(technique)]


def _absolute_V(technique: Technique) -> float | None:
    """Return the potential of a spectrum where it is known now; None where it counts from the open circuit."""
    return technique.e_dc_V if isinstance(technique, Peis) and technique.e_dc_vs == "ref" else None


def _peak_V(technique: Peis) -> float:
    return technique.amplitude_rms_V * SQRT2


def _of_numbers(technique: Technique) -> Iterator[str]:
    """Find numbers that no instrument could mean: not finite, or no time, step or rate at all."""
    match technique:
        case Ocv(duration_s, interval_s):
            yield from _positive(duration=duration_s, interval=interval_s)
        case Chronoamperometry(steps, interval_s) | Chronopotentiometry(steps, interval_s):
            yield from _positive(interval=interval_s)
            if not 1 <= len(steps) <= STEPS_MAX:
                yield f"A script holds 1 to {STEPS_MAX} steps, not {len(steps)}."
            for value, duration_s in steps:
                yield from _finite(value)
                yield from _positive(step=duration_s)
        case LinearSweep() | CyclicVoltammetry():
            yield from _positive(rate=technique.rate_V_per_s, **{"potential step": technique.step_V})
            for value in potentials_of(technique)[:5]:
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


def _of_technique(technique: Technique, model: Model, e_dc_V: float | None) -> Iterator[str]:
    match technique:
        case Ocv(_, interval_s):
            yield from _of_rate(1.0 / interval_s, model)
        case Chronoamperometry(steps, interval_s):
            potentials_V = [e_V for e_V, _ in steps]
            yield from _of_dc(potentials_V, 1.0 / interval_s, model)
            yield from _of_range(technique.range_A, model.dc[0], model)
        case LinearSweep() | CyclicVoltammetry():
            rate_Hz = technique.rate_V_per_s / technique.step_V
            yield from _of_dc(potentials_of(technique), rate_Hz, model)
            yield from _of_range(technique.range_A, model.dc[0], model)
        case Chronopotentiometry(steps, interval_s):
            yield from _of_rate(1.0 / interval_s, model)
            yield from _of_current(max(abs(i_A) for i_A, _ in steps), model)
        case Peis():
            yield from _of_sweep(technique, model)
            if not model.amplitude_min_V <= technique.amplitude_rms_V <= model.amplitude_max_V:
                yield (
                    f"An amplitude of {technique.amplitude_rms_V:g} V rms is outside {model.amplitude_min_V:g} to "
                    f"{model.amplitude_max_V:g} V rms, what the {model.name} can apply."
                )
            if e_dc_V is not None:
                yield from refusals_at(technique, e_dc_V, model)
            yield from _of_range(technique.range_A, model.eis, model)
        case Geis():
            yield from _of_sweep(technique, model)
            yield from _of_current(abs(technique.i_dc_A) + technique.amplitude_rms_A * SQRT2, model)
            yield from _of_range(technique.range_A, model.galvanostat or model.eis, model)


def _of_sweep(technique: Peis | Geis, model: Model) -> Iterator[str]:
    low_Hz, high_Hz = sorted((technique.sweep.f_start_Hz, technique.sweep.f_end_Hz))
    if high_Hz > model.eis_max_Hz * (1 + 1e-9):
        limit = f"{model.eis_max_Hz:g} Hz, the highest of the {model.name}{_assumed(model, 'eis_max_Hz')}"
        yield f"{high_Hz:g} Hz is above {limit}."
    if low_Hz < model.eis_min_Hz * (1 - 1e-9):
        limit = f"{model.eis_min_Hz:g} Hz, the lowest of the {model.name}{_assumed(model, 'eis_min_Hz')}"
        yield f"{low_Hz:g} Hz is below {limit}."


def _assumed(model: Model, limit: str) -> str:
    why = model.unknown.get(limit)
    return f" ({why}: option {limit} sets another)" if why else ""


def _of_potential(low_V: float, high_V: float, mode: Mode, model: Model) -> Iterator[str]:
    if low_V < mode.potential_min_V or high_V > mode.potential_max_V:
        yield (
            f"{low_V:g} to {high_V:g} V is outside {mode.potential_min_V:g} to {mode.potential_max_V:g} V, what a "
            f"{model.name} reaches in {mode.name}."
        )
    if high_V - low_V > mode.span_max_V:
        limit = f"{mode.span_max_V:g} V, what the {model.name} can in {mode.name}"
        yield f"{low_V:g} to {high_V:g} V spans more than {limit}."


def _of_dc(potentials_V: list[float] | tuple[float, ...], rate_Hz: float, model: Model) -> Iterator[str]:
    if dc_mode(model, potentials_V, rate_Hz) is not None:
        return
    reach = "; ".join(
        f"{mode.name} {mode.potential_min_V:g} to {mode.potential_max_V:g} V"
        + (f" spanning at most {mode.span_max_V:g} V" if math.isfinite(mode.span_max_V) else "")
        + f" at up to {mode.bandwidth_max_Hz:g} points a second"
        for mode in model.dc
    )
    yield (
        f"{min(potentials_V):g} to {max(potentials_V):g} V at {rate_Hz:g} points a second is beyond the {model.name} "
        f"({reach})."
    )


def _of_rate(rate_Hz: float, model: Model) -> Iterator[str]:
    limit_Hz = model.dc[0].bandwidth_max_Hz
    if rate_Hz > limit_Hz * (1 + 1e-9):
        limit = f"{limit_Hz:g}, what the {model.name} does in {model.dc[0].name}"
        yield f"{rate_Hz:g} points a second are more than {limit}."


def _of_range(range_A: float | None, mode: Mode, model: Model) -> Iterator[str]:
    largest_A = max(mode.ranges_A.values())
    if range_A is not None and range_A > largest_A:
        limit = f"{largest_A:g} A, the largest of the {model.name} in {mode.name}"
        yield f"A current range of {range_A:g} A is above {limit}."


def _of_current(current_A: float, model: Model) -> Iterator[str]:
    if current_A > model.current_max_A:
        yield (
            f"{current_A:g} A is above {model.current_max_A:g} A, what the {model.name} can drive"
            f"{_assumed(model, 'current_max_A')}."
        )


def _of_duration(technique: Technique, model: Model, options: MethodScriptOptions) -> Iterator[str]:
    plan = plan_for(technique, model)
    if plan.points > POINTS_MAX:
        yield f"{plan.points} points are more than {POINTS_MAX}, what labctl asks for in one script."
    if plan.energised_max_s > options.step_max_s:
        yield (
            f"The cell could be driven for up to {plan.energised_max_s:.0f} s, longer than {options.step_max_s:.0f} s: "
            "the instrument has no watchdog and goes on when the host is gone. Options step_max_s and step_max_by "
            "allow more, with the name of who does."
        )
