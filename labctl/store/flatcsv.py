"""Columns of the flat Neware-like CSV (read by cellpy and PyProBE) and of labctl's own plain CSV.

Source: data-formats section 2: units A, V, Ah, Wh, times hh:mm:ss, Date YYYY-MM-DD HH:MM:SS.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from labctl.model.record import RECORD_COLUMNS, STEP_TYPE_NAMES, RecordBlock
from labctl.store.bdf import SIGNIFICANT_DIGITS, significant
from labctl.store.derive import Totals

NEWARE_STEP_TYPES = (
    "Rest", "CC Chg", "CC DChg", "CV Chg", "CV DChg", "CCCV Chg", "CCCV DChg", "Pause",
)  # fmt: skip


def clock_texts(time_s: NDArray[np.float64]) -> NDArray[Any]:
    """Return durations as hh:mm:ss, with the decimals that there are (three at most).

    Hours may exceed 24.
    """
    ms = np.round(time_s * 1000.0).astype(np.int64)
    unique, place = np.unique(ms, return_inverse=True)
    texts = [_clock_text(value) for value in unique.tolist()]
    return np.array(texts, dtype=object)[place]


def _clock_text(ms: int) -> str:
    seconds, rest = divmod(ms, 1000)
    text = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return text if rest == 0 else f"{text}.{rest:03d}"


def date_texts(unix_time_s: NDArray[np.float64]) -> NDArray[Any]:
    """Return UTC dates as YYYY-MM-DD HH:MM:SS."""
    moments = np.floor(unix_time_s + 5e-4).astype("int64").astype("datetime64[s]")
    return np.char.replace(np.datetime_as_string(moments), "T", " ").astype(object)


def neware_columns(
    block: RecordBlock, totals: tuple[Totals, Totals], unix_time_s: NDArray[np.float64]
) -> dict[str, NDArray[Any]]:
    """Return the columns of the vendor's detail layout; capacities and energies are those of the step."""
    capacity, energy = totals
    voltage = significant(block["voltage_volt"])
    current = significant(block["current_ampere"])
    return {
        "DataPoint": block["sequence"],
        "Cycle Index": block["cycle_count"],
        "Step Index": block["step_id"],
        "Step Type": np.array(NEWARE_STEP_TYPES, dtype=object)[block["step_type"]],
        "Time": clock_texts(block["step_time_second"]),
        "Cumulative Time": clock_texts(block["test_time_second"]),
        "Total Time": clock_texts(block["test_time_second"]),
        "Current(A)": current,
        "Voltage(V)": voltage,
        "Capacity(Ah)": significant(capacity.step_charging + capacity.step_discharging),
        "Chg. Cap.(Ah)": significant(capacity.step_charging),
        "DChg. Cap.(Ah)": significant(capacity.step_discharging),
        "Chg. Energy(Wh)": significant(energy.step_charging),
        "DChg. Energy(Wh)": significant(energy.step_discharging),
        "Date": date_texts(unix_time_s),
        "Power(W)": significant(block["voltage_volt"] * block["current_ampere"]),
        "Contact resistance(mO)": np.zeros(len(block)),
    }


def plain_columns(
    block: RecordBlock,
    unix_time_s: NDArray[np.float64] | None,
    ambient_degC: NDArray[np.float64] | None,
) -> dict[str, NDArray[Any]]:
    """Return labctl's own columns with their machine names; step types in words."""
    found: dict[str, NDArray[Any]] = {}
    for name, dtype in RECORD_COLUMNS.items():
        is_time = name.endswith("time_second")
        found[name] = (
            significant(block[name], SIGNIFICANT_DIGITS) if dtype == "<f8" and not is_time else block[name]
        )
    found["step_type"] = np.array(STEP_TYPE_NAMES, dtype=object)[block["step_type"]]
    if unix_time_s is not None:
        found["unix_time_second"] = unix_time_s
    if ambient_degC is not None:
        found["ambient_temperature_celsius"] = significant(ambient_degC)
    found["device_clock"] = np.char.decode(block["device_clock"], "ascii", "replace").astype(object)
    return found
