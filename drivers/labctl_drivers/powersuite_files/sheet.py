"""The plan sheet: what a person sets in PowerSuite, one setting a line, and what there is to refuse. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator

from labctl.model.technique import Peis, Technique
from labctl_drivers.powersuite_files.options import PowerSuiteOptions

AMPLITUDE_MIN_V = 1e-4
SQRT2 = math.sqrt(2.0)
PREFIXES = ((1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "u"), (0.0, "n"))


def with_unit(value: float, unit: str) -> str:
    """Return a quantity as people write it: 100 kHz, 10 mV."""
    if value == 0.0:
        return f"0 {unit}"
    scale, prefix = next(pair for pair in PREFIXES if abs(value) >= pair[0] * (1 - 1e-9))
    return f"{value / (scale or 1e-9):.10g} {prefix}{unit}"


def sheet(technique: Peis, stem: str, folder: str, options: PowerSuiteOptions) -> str:
    """Return the text of a sheet. The amplitude is rms, as PowerSuite counts it."""
    sweep = technique.sweep
    versus = "OC" if technique.e_dc_vs == "ocv" else "REF"
    lines = (
        "# labctl: plan for Electrochemistry PowerSuite",
        "# 1. Connect the cell. 2. Set the experiment as below. 3. Start it, and confirm in labctl.",
        "# 4. When it has ended, export the data as text into the folder below; the cell must be off. Confirm again.",
        "",
        f"Plan: {stem}",
        f"Instrument: {options.model} {options.serial_number}".rstrip(),
        "Technique: Potentiostatic EIS",
        f"Start frequency: {with_unit(sweep.f_start_Hz, 'Hz')}",
        f"End frequency: {with_unit(sweep.f_end_Hz, 'Hz')}",
        f"Points per decade: {sweep.points_per_decade}",
        f"Number of points: {sweep.points}",
        f"Amplitude: {with_unit(technique.amplitude_rms_V, 'V')} rms",
        f"DC potential: {with_unit(technique.e_dc_V, 'V')} vs {versus}",
        f"Settle time: {technique.settle_s:g} s",
        f"Current range: {'AUTO' if technique.range_A is None else with_unit(technique.range_A, 'A')}",
        f"Save as: {stem}.txt",
        f"Export folder: {folder}",
        "",
    )
    return "\n".join(lines)


def refusals(technique: Technique, options: PowerSuiteOptions) -> tuple[str, ...]:
    """Return one sentence per reason why that cannot be asked of a person; empty where it can."""
    if not isinstance(technique, Peis):
        words = "potentiostatic impedance alone is taken over from PowerSuite's files"
        return (f"{type(technique).__name__} is not offered: {words}.",)
    return tuple(_of_numbers(technique)) or tuple(_of_limits(technique, options))


def _of_numbers(technique: Peis) -> Iterator[str]:
    positive = {"amplitude": technique.amplitude_rms_V}
    if technique.range_A is not None:
        positive["range"] = technique.range_A
    for name, value in positive.items():
        if not (math.isfinite(value) and value > 0):
            yield f"The {name} must be above 0, not {value:g}."
    if not math.isfinite(technique.e_dc_V):
        yield f"A set point must be a number, not {technique.e_dc_V:g}."
    if not (math.isfinite(technique.settle_s) and technique.settle_s >= 0):
        yield f"The settling time must be 0 s or more, not {technique.settle_s:g}."


def _of_limits(technique: Peis, options: PowerSuiteOptions) -> Iterator[str]:
    limits, sweep = options.limits, technique.sweep
    low_Hz, high_Hz = sorted((sweep.f_start_Hz, sweep.f_end_Hz))
    if high_Hz > limits["eis_max_Hz"] * (1 + 1e-9):
        yield f"{high_Hz:g} Hz is above {limits['eis_max_Hz']:g} Hz{_assumed('eis_max_Hz')}."
    if low_Hz < limits["eis_min_Hz"] * (1 - 1e-9):
        yield f"{low_Hz:g} Hz is below {limits['eis_min_Hz']:g} Hz{_assumed('eis_min_Hz')}."
    if not AMPLITUDE_MIN_V <= technique.amplitude_rms_V <= limits["amplitude_max_V"]:
        yield (
            f"An amplitude of {technique.amplitude_rms_V:g} V rms is outside {AMPLITUDE_MIN_V:g} to "
            f"{limits['amplitude_max_V']:g} V rms{_assumed('amplitude_max_V')}."
        )
    if abs(technique.e_dc_V) + technique.amplitude_rms_V * SQRT2 > limits["potential_max_V"]:
        yield (
            f"{technique.e_dc_V:g} V with its amplitude is beyond {limits['potential_max_V']:g} V"
            f"{_assumed('potential_max_V')}."
        )


def _assumed(option: str) -> str:
    return f", labctl's limit for this class (option {option} sets another)"
