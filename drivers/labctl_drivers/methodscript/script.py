"""Writes scripts that end by themselves, with the cell off. Pure.

Every script sets its own end before ``cell_on``: no ``loop``, a number of points or a time for each measurement loop,
and ``on_finished:`` with ``cell_off``. Numbers are integers with an SI letter. Source: potentiostat.md 2.1.4, 2.1.7.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from labctl.model.technique import (
    Chronoamperometry,
    Chronopotentiometry,
    CyclicVoltammetry,
    Geis,
    LinearSweep,
    Ocv,
    Peis,
)
from labctl_drivers.methodscript.models import Mode, Model

SIGNIFICANT_DIGITS = 7
"""What a float of 32 bits holds."""

PREFIXES = {
    "E": 18, "P": 15, "T": 12, "G": 9, "M": 6, "k": 3, "": 0, "m": -3, "u": -6, "n": -9, "p": -12, "f": -15, "a": -18,
}  # fmt: skip

SETTLE_INTERVAL_S = 0.1
DC_BANDWIDTH_PER_RATE = 6.0

CELL_OFF = ("cell_off",)
"""What follows every error and every abort."""


def literal(value: float) -> str:
    """Return a number as the script language has it: an integer with the largest SI letter that leaves one.

    Rounded to 7 significant digits, and to the smallest letter.
    """
    number = Decimal(f"{value:.{SIGNIFICANT_DIGITS - 1}e}")
    smallest = number.scaleb(18).to_integral_value().scaleb(-18)
    for letter, exponent in PREFIXES.items():
        scaled = smallest.scaleb(-exponent)
        if scaled and scaled == scaled.to_integral_value():
            return f"{int(scaled)}{letter}"
    return "0"


@dataclass(frozen=True, slots=True)
class Ranging:
    """The current range: fixed, or free between the lowest and the highest."""

    first_A: float
    lowest_A: float
    highest_A: float


def ranging(mode: Mode, range_A: float | None) -> Ranging:
    """Return a fixed range that holds ``range_A``, or all ranges beginning with the highest: it cannot overload."""
    ladder = sorted(mode.ranges_A.values())
    if range_A is not None:
        return Ranging(range_A, range_A, range_A)
    return Ranging(ladder[-1], ladder[0], ladder[-1])


def ocv(technique: Ocv, mode: Mode, model: Model, *, after_cell_off: bool = True) -> tuple[str, ...]:
    """Write the measurement of the open-circuit potential; the cell is off all along.

    Without ``after_cell_off`` the script does not switch: then it is refused (code 0014) where the cell is on, which is
    how the cell switch is read.
    """
    duration, interval = literal(technique.duration_s), literal(technique.interval_s)
    return (
        "var time",
        "var volt",
        *(CELL_OFF if after_cell_off else ()),
        *_dc_mode(mode, 1.0 / technique.interval_s),
        *_potential_range(model),
        "timer_start",
        f"meas_loop_ocp volt {interval} {duration}",
        *_package("time", "volt"),
    )


def chronoamperometry(technique: Chronoamperometry, mode: Mode, model: Model) -> tuple[str, ...]:
    """Write one measurement loop per step."""
    interval = literal(technique.interval_s)
    potentials = [e_V for e_V, _ in technique.steps]
    return (
        *_variables("volt", "amps"),
        *_dc_mode(mode, 1.0 / technique.interval_s),
        *_potentiostat(
            min(potentials), max(potentials), potentials[0], ranging(mode, technique.range_A), model
        ),
        *(
            line
            for e_V, duration_s in technique.steps
            for line in (
                f"meas_loop_ca volt amps {literal(e_V)} {interval} {literal(duration_s)}",
                *_package("time", "volt", "amps"),
            )
        ),
        *FINISH,
    )


def chronopotentiometry(technique: Chronopotentiometry, mode: Mode, model: Model) -> tuple[str, ...]:
    """Write one measurement loop per step, with the range fixed to what holds the largest current."""
    interval = literal(technique.interval_s)
    largest_A = max(abs(i_A) for i_A, _ in technique.steps)
    return (
        *_variables("volt", "amps"),
        *_dc_mode(mode, 1.0 / technique.interval_s),
        *_galvanostat(technique.steps[0][0], _range_that_holds(mode, largest_A), model),
        *(
            line
            for i_A, duration_s in technique.steps
            for line in (
                f"meas_loop_cp volt amps {literal(i_A)} {interval} {literal(duration_s)}",
                *_package("time", "volt", "amps"),
            )
        ),
        *FINISH,
    )


def linear_sweep(technique: LinearSweep, mode: Mode, model: Model) -> tuple[str, ...]:
    """Write one ramp."""
    ends = (technique.e_begin_V, technique.e_end_V)
    return (
        *_variables("volt", "amps"),
        *_dc_mode(mode, technique.rate_V_per_s / technique.step_V),
        *_potentiostat(min(ends), max(ends), ends[0], ranging(mode, technique.range_A), model),
        *_ramp(*ends, technique.step_V, technique.rate_V_per_s),
        *FINISH,
    )


def cyclic_voltammetry(technique: CyclicVoltammetry, mode: Mode, model: Model) -> tuple[str, ...]:
    """Write the cycles, and a ramp to the last potential where that is not the first."""
    begin_V, step_V, rate_V_per_s = technique.e_begin_V, technique.step_V, technique.rate_V_per_s
    corners = (begin_V, technique.e_vertex1_V, technique.e_vertex2_V, technique.e_end_V)
    scans = f" nscans({technique.cycles})" if technique.cycles > 1 else ""
    first, vertex1, vertex2, _ = map(literal, corners)
    return (
        *_variables("volt", "amps"),
        *_dc_mode(mode, rate_V_per_s / step_V),
        *_potentiostat(min(corners), max(corners), begin_V, ranging(mode, technique.range_A), model),
        f"meas_loop_cv volt amps {first} {vertex1} {vertex2} {literal(step_V)} {literal(rate_V_per_s)}{scans}",
        *_package("time", "volt", "amps"),
        *(_ramp(begin_V, technique.e_end_V, step_V, rate_V_per_s) if technique.e_end_V != begin_V else ()),
        *FINISH,
    )


def peis(technique: Peis, e_dc_V: float, mode: Mode, model: Model, eis_opt: str = "") -> tuple[str, ...]:
    """Write a sweep at ``e_dc_V``, the resolved potential; the amplitude is rms on this wire."""
    sweep = technique.sweep
    dc, settle = literal(e_dc_V), literal(technique.settle_s)
    loop = (
        f"meas_loop_eis freq zre zim {literal(technique.amplitude_rms_V)} {literal(sweep.f_start_Hz)} "
        f"{literal(sweep.f_end_Hz)} {sweep.points} {dc}"
    )
    return (
        *_variables("volt", "amps", "freq", "zre", "zim"),
        *_mode(mode, max(sweep.f_start_Hz, sweep.f_end_Hz)),
        *_potentiostat(e_dc_V, e_dc_V, e_dc_V, ranging(mode, technique.range_A), model),
        *_settling(f"meas_loop_ca volt amps {dc} {literal(SETTLE_INTERVAL_S)} {settle}", technique.settle_s),
        loop + (f" {eis_opt}" if eis_opt else ""),
        *_package("time", "freq", "zre", "zim"),
        *FINISH,
    )


def geis(technique: Geis, mode: Mode, model: Model, eis_opt: str = "") -> tuple[str, ...]:
    """Write a sweep with a current of ``amplitude_rms_A`` around ``i_dc_A``."""
    sweep = technique.sweep
    dc, settle = literal(technique.i_dc_A), literal(technique.settle_s)
    largest_A = abs(technique.i_dc_A) + technique.amplitude_rms_A * 2**0.5
    loop = (
        f"meas_loop_geis freq zre zim {literal(technique.amplitude_rms_A)} {literal(sweep.f_start_Hz)} "
        f"{literal(sweep.f_end_Hz)} {sweep.points} {dc}"
    )
    return (
        *_variables("volt", "amps", "freq", "zre", "zim"),
        *_mode(mode, max(sweep.f_start_Hz, sweep.f_end_Hz)),
        *_galvanostat(technique.i_dc_A, technique.range_A or _range_that_holds(mode, largest_A), model),
        *_settling(f"meas_loop_cp volt amps {dc} {literal(SETTLE_INTERVAL_S)} {settle}", technique.settle_s),
        loop + (f" {eis_opt}" if eis_opt else ""),
        *_package("time", "freq", "zre", "zim"),
        *FINISH,
    )


FINISH = ("on_finished:", "cell_off")


def _variables(*names: str) -> tuple[str, ...]:
    return tuple(f"var {name}" for name in ("time", *names))


def _dc_mode(mode: Mode, rate_Hz: float) -> tuple[str, ...]:
    return _mode(mode, min(DC_BANDWIDTH_PER_RATE * rate_Hz, mode.bandwidth_max_Hz))


def _mode(mode: Mode, bandwidth_Hz: float) -> tuple[str, ...]:
    return (
        "set_pgstat_chan 0",
        f"set_pgstat_mode {mode.number}",
        f"set_max_bandwidth {literal(bandwidth_Hz)}",
    )


def _potentiostat(
    low_V: float, high_V: float, first_V: float, amps: Ranging, model: Model
) -> tuple[str, ...]:
    return (
        f"set_range_minmax da {literal(low_V)} {literal(high_V)}",
        f"set_range ba {literal(amps.first_A)}",
        f"set_autoranging ba {literal(amps.lowest_A)} {literal(amps.highest_A)}",
        *_potential_range(model),
        f"set_e {literal(first_V)}",
        "timer_start",
        "cell_on",
    )


def _galvanostat(first_A: float, range_A: float, model: Model) -> tuple[str, ...]:
    return (
        f"set_range db {literal(range_A)}",
        f"set_autoranging db {literal(range_A)} {literal(range_A)}",
        *_potential_range(model),
        f"set_i {literal(first_A)}",
        "timer_start",
        "cell_on",
    )


def _potential_range(model: Model) -> tuple[str, ...]:
    ladder: Sequence[float] = sorted(model.potential_ranges_V.values())
    if not ladder:
        return ()
    return (
        f"set_range ab {literal(ladder[-1])}",
        f"set_autoranging ab {literal(ladder[0])} {literal(ladder[-1])}",
    )


def _range_that_holds(mode: Mode, current_A: float) -> float:
    return min(
        (full_A for full_A, readable_A in mode.readable() if readable_A >= current_A), default=current_A
    )


def _settling(loop: str, settle_s: float) -> tuple[str, ...]:
    """Hold the working point without output; the instrument finds its range meanwhile."""
    return (loop, "endloop") if settle_s > 0 else ()


def _ramp(begin_V: float, end_V: float, step_V: float, rate_V_per_s: float) -> tuple[str, ...]:
    numbers = " ".join(map(literal, (begin_V, end_V, step_V, rate_V_per_s)))
    return (f"meas_loop_lsv volt amps {numbers}", *_package("time", "volt", "amps"))


def _package(*names: str) -> tuple[str, ...]:
    return ("timer_get time", "pck_start", *(f"pck_add {name}" for name in names), "pck_end", "endloop")
