"""What a 273A and its analysers can do, as data. Pure. Source: potentiostat.md 2.4.1, 2.4.6, 2.4.7."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

ID_273A = 2731
"""What a 273A answers to ``ID``; what its relatives answer has not been found [U]: option ``id``."""

MODELS = {ID_273A: "PAR 273A"}

RANGE_CODES = tuple(range(0, -8, -1))
"""Operands of ``I/E``: 0 is 1 A, -7 is 100 nA."""

START_RANGE = -3
POTENTIAL_MAX_V = 8.0
ELECTROMETER_MAX_V = 10.0
CURRENT_MAX_A = 1.0
OVERLOAD_OF_RANGE = 2.0
SET_STEP_V = 1e-3

EIS_MIN_HZ, EIS_MAX_HZ = 50e-6, 100e3
"""The instrument's AC input, nominal [C]; more only by option ``eis_max_Hz``."""

MONITOR_LOW, MONITOR_HIGH = 0.15, 1.9
"""I MONITOR is kept between these parts of full scale (2.4.1)."""

LEAK_OF_RANGE, LEAK_A = 0.02, 20e-9
"""With the cell off no current is read but offsets: 0.5 % of range and 5 nA at worst (2.4.1), four times that here."""

RANGE_DEAD_S = 0.15
"""After a range change nothing is read for so long."""

CONTOUR_RANGE_A, CONTOUR_MAX_HZ = 10e-6, 75e3
"""On 10 uA the bandwidth is known to be above 75 kHz, on smaller ranges nothing is known [C]."""


def range_A(code: int) -> float:
    """Return the full scale of a range code."""
    return float(f"1e{code}")


def code_for(current_A: float, filled: float = 1.0) -> int:
    """Return the code of the smallest range of which the current fills at most this part; the largest where none."""
    fitting = [code for code in RANGE_CODES if current_A <= filled * range_A(code) * (1 + 1e-9)]
    return min(fitting, default=RANGE_CODES[0])


class AnalyserKind(StrEnum):
    """What makes and measures the alternating signal."""

    NONE = "none"
    LOCKIN = "lockin72xx"
    FRA = "solartron1260"


@dataclass(frozen=True, slots=True)
class AnalyserLimits:
    """What an analyser can generate and read. ``monitor_max_V`` is the largest rms at I MONITOR that it can read."""

    frequency_min_Hz: float
    frequency_max_Hz: float
    amplitude_max_V: float
    monitor_max_V: float


LIMITS = {
    AnalyserKind.LOCKIN: AnalyserLimits(1e-3, 250e3, 0.95, 0.95),
    AnalyserKind.FRA: AnalyserLimits(10e-6, 32e6, 3.0, MONITOR_HIGH / math.sqrt(2.0)),
}
"""A lock-in makes 5 V rms but reads 1 V at most. Above 10 MHz a 1260 gives 1 V, but a 273A never gets there."""

AMPLITUDE_MIN_V = 1e-3
"""labctl's choice: the 273A's own noise and the steps of the generators make less than this a guess."""

SENSITIVITIES_V = tuple(step * 1e-9 * 10.0**decade for decade in range(9) for step in (2.0, 5.0, 10.0))
"""Full scales of ``SEN 1`` to ``SEN 27``: 2 nV to 1 V."""

_TC_7270_S = tuple(step * 1e-5 * 10.0**decade for decade in range(11) for step in (1.0, 2.0, 5.0))[:31]
_TC_7265_S = (
    *(step * 1e-6 for step in (10, 20, 40, 80, 160, 320, 640)),
    5e-3,
    *(step * 1e-2 * 10.0**decade for decade in range(7) for step in (1.0, 2.0, 5.0)),
)
TIME_CONSTANTS_S = {"7265": _TC_7265_S, "7270": _TC_7270_S, "7230": _TC_7270_S, "7124": _TC_7270_S}
"""Time constants of ``TC 0`` and up, by model; the 7230's and 7124's are taken for the 7270's [I]."""

PERIODS_PER_TC, TC_MIN_S = 3.0, 0.03
SETTLE_TCS, SETTLE_TCS_MAX = 5, 10
SETTLED_WITHIN = 2e-4
"""A filter of 12 dB/octave is within 4 % of a step after 5 time constants, within 0.05 % after 10."""


def sensitivity_for(amplitude_V: float) -> int:
    """Return the operand of ``SEN`` for the smallest full scale that holds the amplitude with a third to spare."""
    for place, full_V in enumerate(SENSITIVITIES_V, 1):
        if amplitude_V * 1.3 <= full_V:
            return place
    return len(SENSITIVITIES_V)


def time_constant_for(frequency_Hz: float, model: str) -> tuple[int, float]:
    """Return operand and seconds of the shortest time constant of three periods and 30 ms at least (2.4.6)."""
    least_s = max(PERIODS_PER_TC / frequency_Hz, TC_MIN_S)
    table = TIME_CONSTANTS_S[model]
    return next(
        ((place, tc_s) for place, tc_s in enumerate(table) if tc_s >= least_s * (1 - 1e-9)),
        (len(table) - 1, table[-1]),
    )


FRA_PERIODS, FRA_LEAST_S, FRA_MORE_S = 5.0, 0.01, 0.3
"""An FRA integrates 5 periods and 10 ms (2.4.7); its answer comes a little later."""


def fra_integration_s(frequency_Hz: float) -> float:
    """Return the operand of ``IS``."""
    return FRA_PERIODS / frequency_Hz + FRA_LEAST_S
