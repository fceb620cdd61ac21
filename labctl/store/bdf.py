"""Columns of the Battery Data Format, profiles 0.1 (release 0.1.0) and 1.3 (ontology 1.3.0).

Source: data-formats section 1. Labels are the preferred ones; current is positive while charging.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labctl.model.record import STEP_TYPE_NAMES, RecordBlock
from labctl.store.derive import Totals

SIGNIFICANT_DIGITS = 9


class BdfProfile(StrEnum):
    """Which labels and columns are written."""

    RELEASE_0_1 = "0.1"
    ONTOLOGY_1_3 = "1.3"


def significant(values: NDArray[np.float64], digits: int = SIGNIFICANT_DIGITS) -> NDArray[np.float64]:
    """Return the doubles nearest to the values with so many significant decimal digits."""
    with np.errstate(divide="ignore", invalid="ignore"):
        exponent = np.floor(np.log10(np.abs(values)))
    exponent = np.where(np.isfinite(exponent), exponent, 0.0)
    shift = np.clip(digits - 1 - exponent, -22, 22)  # powers of ten beyond 1e22 are no exact doubles
    up = 10.0 ** np.maximum(shift, 0.0)
    down = 10.0 ** np.maximum(-shift, 0.0)
    return np.asarray(np.round(values * up / down) / up * down)


def columns(
    block: RecordBlock,
    profile: BdfProfile,
    totals: tuple[Totals, Totals],
    points: NDArray[np.int64],
    *,
    unix_time_s: NDArray[np.float64] | None,
    ambient_degC: NDArray[np.float64] | None,
    digits: int | None = None,
) -> dict[str, NDArray[Any]]:
    """Return the columns of some rows by preferred label.

    ``digits`` rounds all measured values (for text).
    """

    def rounded(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return values if digits is None else significant(values, digits)

    found: dict[str, NDArray[Any]] = {
        "Test Time / s": block["test_time_second"],
        "Voltage / V": rounded(block["voltage_volt"]),
        "Current / A": rounded(block["current_ampere"]),
    }
    if unix_time_s is not None:
        found["Unix Time / s"] = unix_time_s
    found["Cycle Count / 1"] = block["cycle_count"]
    found["Step Count / 1"] = block["step_count"]
    if ambient_degC is not None:
        found["Ambient Temperature / degC"] = rounded(ambient_degC)
    if profile is BdfProfile.ONTOLOGY_1_3:
        found["Step Time / s"] = block["step_time_second"]
        found["Step ID"] = block["step_id"]
        found["Step Type"] = np.array(STEP_TYPE_NAMES, dtype=object)[block["step_type"]]
        found["Step Record Index / 1"] = points
        found["Record Index / 1"] = block["sequence"]
    else:
        found["Step Index / 1"] = points
    for quantity, total in zip(("Capacity / Ah", "Energy / Wh"), totals, strict=True):
        found |= _families(quantity, total, profile, digits)
    found["Power / W"] = rounded(block["voltage_volt"] * block["current_ampere"])
    return found


def _families(
    quantity: str, total: Totals, profile: BdfProfile, digits: int | None
) -> dict[str, NDArray[np.float64]]:
    found = _family("", quantity, total.charging, total.discharging, digits)
    if profile is BdfProfile.RELEASE_0_1:
        step = _family("", quantity, total.step_charging, total.step_discharging, digits)
        return {**found, f"Step {quantity}": step[f"Cumulative {quantity}"]}
    return {
        **found,
        **_family("Step ", quantity, total.step_charging, total.step_discharging, digits),
        **_family("Cycle ", quantity, total.cycle_charging, total.cycle_discharging, digits),
    }


def _family(
    prefix: str,
    quantity: str,
    charging: NDArray[np.float64],
    discharging: NDArray[np.float64],
    digits: int | None,
) -> dict[str, NDArray[np.float64]]:
    """Return charging, discharging, net and cumulative; sum and difference are those of the rounded
    numbers.

    They get all the decimals they need, so a reader that checks the identities finds them.
    """
    if digits is not None:
        charging, discharging = significant(charging, digits), significant(discharging, digits)
    net, cumulative = charging - discharging, charging + discharging
    if digits is not None:
        net, cumulative = significant(net, digits + 4), significant(cumulative, digits + 4)
    return {
        f"{prefix}Charging {quantity}": charging,
        f"{prefix}Discharging {quantity}": discharging,
        f"{prefix}Net {quantity}": net,
        f"{prefix}Cumulative {quantity}": cumulative,
    }
