"""The parameter strings of a sequence, in the order that the kit's tables give. Pure.

Codes and orders: potentiostat.md 2.2.2. Amplitudes are rms, potentials absolute (``VS REF``): what counts from the
open circuit has been made a number before. Every action but the last leaves the cell on for the next.
"""

from __future__ import annotations

from dataclasses import dataclass

from labctl.model.technique import (
    Chronoamperometry,
    Chronopotentiometry,
    CyclicVoltammetry,
    Geis,
    LinearSweep,
    Ocv,
    Peis,
)
from labctl_drivers.versastat_vdk.models import range_word

VS_REF = "VS REF"
NO_LIMIT = ("NONE", "<", "0")
NO_LIMITS = (*NO_LIMIT, *NO_LIMIT)
ELECTROMETER, E_FILTER, I_FILTER = "AUTO", "AUTO", "AUTO"
CELL, IR_COMPENSATION, SPEED = "EXTERNAL", ("DISABLED", "0", "NO"), "AUTO"
SETTLING_INTERVAL_S = 0.5


@dataclass(frozen=True, slots=True)
class Action:
    """One call that adds to the sequence, with its one string; ``None`` where it takes none."""

    method: str
    text: str | None = None


MEASURE_OPEN_CIRCUIT = Action("AddMeasureOpenCircuit")


def number(value: float) -> str:
    """Return a number as it is sent: nine significant digits."""
    return f"{value:.9g}"


def _leave_on(leave_on: bool) -> str:
    return "YES" if leave_on else "NO"


def _joined(*parts: str) -> str:
    return ",".join(parts)


def open_circuit(technique: Ocv, bandwidth: str) -> Action:
    """TPP Dur L1T L1D L1V L2T L2D L2V IR EM EF IF CTU BW LBW ERS."""
    return Action(
        "AddOpenCircuit",
        _joined(
            number(technique.interval_s), number(technique.duration_s), *NO_LIMITS,
            "AUTO", ELECTROMETER, E_FILTER, I_FILTER, CELL, bandwidth, SPEED, "AUTO",
        ),
    )  # fmt: skip


def potential_step(
    e_V: float,
    duration_s: float,
    technique: Chronoamperometry | None,
    range_A: float | None,
    bandwidth: str,
    *,
    leave_on: bool,
) -> Action:
    """IP Vs TPP Dur L1T L1D L1V L2T L2D L2V IR EM EF IF LCO CTU iRC UD UP BW LBW; no technique: settling."""
    interval_s = min(SETTLING_INTERVAL_S, duration_s) if technique is None else technique.interval_s
    limit_A = None if technique is None else technique.i_limit_A
    limits = NO_LIMITS
    if limit_A is not None:
        limits = ("CURRENT", ">", number(limit_A), "CURRENT", "<", number(-limit_A))
    return Action(
        "AddChronoamperometry",
        _joined(
            number(e_V), VS_REF, number(interval_s), number(duration_s), *limits, range_word(range_A),
            ELECTROMETER, E_FILTER, I_FILTER, _leave_on(leave_on), CELL, *IR_COMPENSATION, bandwidth, SPEED,
        ),
    )  # fmt: skip


def current_step(
    i_A: float, duration_s: float, technique: Chronopotentiometry | None, bandwidth: str, *, leave_on: bool
) -> Action:
    """IC TPP Dur L1T L1D L1V L2T L2D L2V EM EF IF LCO CTU BW LBW; no technique: settling."""
    interval_s = min(SETTLING_INTERVAL_S, duration_s) if technique is None else technique.interval_s
    limits_V = None if technique is None else technique.e_limits_V
    limits = NO_LIMITS
    if limits_V is not None:
        limits = ("POTENTIAL", "<", number(min(limits_V)), "POTENTIAL", ">", number(max(limits_V)))
    return Action(
        "AddChronopotentiometry",
        _joined(
            number(i_A), number(interval_s), number(duration_s), *limits,
            ELECTROMETER, E_FILTER, I_FILTER, _leave_on(leave_on), CELL, bandwidth, SPEED,
        ),
    )  # fmt: skip


def linear_sweep(technique: LinearSweep, bandwidth: str) -> Action:
    """IP Vs FP Vs SR L1T L1D L1V L2T L2D L2V IR EM EF IF LCO CTU iRC UD UP BW LBW."""
    return Action(
        "AddLinearScanVoltammetry",
        _joined(
            number(technique.e_begin_V), VS_REF, number(technique.e_end_V), VS_REF, number(technique.rate_V_per_s),
            *NO_LIMITS, range_word(technique.range_A), ELECTROMETER, E_FILTER, I_FILTER, _leave_on(False), CELL,
            *IR_COMPENSATION, bandwidth, SPEED,
        ),
    )  # fmt: skip


def cyclic_voltammetry(technique: CyclicVoltammetry, bandwidth: str) -> Action:
    """IP Vs VP Vs VH AH VP Vs VH AH SR C L1T .. L2V IR EM EF IF LCO CTU iRC UD UP BW FP Vs LBW, vertices not held."""
    vertices = [
        (number(vertex_V), VS_REF, "0", "NO") for vertex_V in (technique.e_vertex1_V, technique.e_vertex2_V)
    ]
    return Action(
        "AddMultiCyclicVoltammetry",
        _joined(
            number(technique.e_begin_V), VS_REF, *vertices[0], *vertices[1], number(technique.rate_V_per_s),
            str(technique.cycles), *NO_LIMITS, range_word(technique.range_A), ELECTROMETER, E_FILTER, I_FILTER,
            _leave_on(False), CELL, *IR_COMPENSATION, bandwidth, number(technique.e_end_V), VS_REF, SPEED,
        ),
    )  # fmt: skip


def potentiostatic_eis(technique: Peis, e_dc_V: float, quality: int, bandwidth: str) -> Action:
    """SF EF AP PS NP DQ MD IP Vs IR EM LCO CTU BW LBW: 15 fields, NP points per decade, AP in V rms."""
    return Action(
        "AddEISPotentiostatic",
        _joined(
            *_sweep(technique, technique.amplitude_rms_V, quality), number(e_dc_V), VS_REF,
            range_word(technique.range_A), ELECTROMETER, _leave_on(False), CELL, bandwidth, SPEED,
        ),
    )  # fmt: skip


def galvanostatic_eis(technique: Geis, quality: int, bandwidth: str) -> Action:
    """SF EF AC PS NP DQ MD IC EM LCO CTU BW LBW: 13 fields, AC in A rms."""
    return Action(
        "AddEISGalvanostatic",
        _joined(
            *_sweep(technique, technique.amplitude_rms_A, quality), number(technique.i_dc_A),
            ELECTROMETER, _leave_on(False), CELL, bandwidth, SPEED,
        ),
    )  # fmt: skip


def _sweep(technique: Peis | Geis, amplitude_rms: float, quality: int) -> tuple[str, ...]:
    sweep = technique.sweep
    return (
        number(sweep.f_start_Hz), number(sweep.f_end_Hz), number(amplitude_rms), "LOGARITHMIC",
        str(sweep.points_per_decade), str(quality), "0",
    )  # fmt: skip
