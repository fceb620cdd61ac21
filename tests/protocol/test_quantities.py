"""Quantities: what people write, in whatever spelling, becomes one number with one unit."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from labctl.model.protocol import Quantity, QuantityKind
from labctl.protocol.quantities import (
    UNITS,
    base_value,
    format_quantity,
    parse_quantity,
    quantity,
    readable,
    readable_time,
)


@pytest.mark.parametrize(
    ("spellings", "unit", "kind", "value"),
    [
        (["1 mA/cm^2", "1 mA/cm2", "1mA/cm²", "1 mA cm-2", "1 mA / cm^2", "1 mA*cm^-2", "1 mA·cm⁻2"], "mA/cm^2",
         QuantityKind.AREAL_CURRENT, 1e-3),
        (["1 mAh/cm^2", "1 mAh/cm²", "1 mA h/cm2"], "mAh/cm^2", QuantityKind.AREAL_CAPACITY, 1e-3),
        (["78.54 uA", "78.54 µA", "78.54 μA"], "uA", QuantityKind.CURRENT, 7.854e-5),
        (["350 mA/g"], "mA/g", QuantityKind.SPECIFIC_CURRENT, 0.35),
        (["150 mAh/g"], "mAh/g", QuantityKind.SPECIFIC_CAPACITY, 0.15),
        (["1 A/m^2", "1 A/m2"], "A/m^2", QuantityKind.AREAL_CURRENT, 1e-4),
        (["25 degC", "25 °C", "25 celsius"], "degC", QuantityKind.TEMPERATURE, 25.0),
        (["1 K"], "K", QuantityKind.TEMPERATURE_DIFFERENCE, 1.0),
        (["10 ohm cm^2", "10 Ω·cm²", "10 Ohm*cm2", "10 ohm cm2"], "ohm cm^2", QuantityKind.AREA_RESISTANCE, 10.0),
        (["80 %", "80%", "80 percent"], "%", QuantityKind.FRACTION, 0.8),
        (["0.8"], "", QuantityKind.FRACTION, 0.8),
        (["61 min", "61 minutes", "61 mins"], "min", QuantityKind.TIME, 3660.0),
        (["6 h", "6 hours", "6 hr"], "h", QuantityKind.TIME, 21600.0),
        (["2 d", "2 days"], "d", QuantityKind.TIME, 172800.0),
        (["5 mV"], "mV", QuantityKind.VOLTAGE, 0.005),
        (["C/2", "C / 2", "0.5 C", "0.5C"], "C", QuantityKind.C_RATE, 0.5),
        (["1 MHz"], "MHz", QuantityKind.FREQUENCY, 1e6),
        (["100 mHz"], "mHz", QuantityKind.FREQUENCY, 0.1),
    ],
)  # fmt: skip
def test_all_spellings_mean_the_same(
    spellings: list[str], unit: str, kind: QuantityKind, value: float
) -> None:
    for text in spellings:
        found = parse_quantity(text)
        assert found is not None, text
        assert (found.unit, found.kind, base_value(found)) == (unit, kind, value), text


def test_unusual_units_are_understood_by_their_dimension() -> None:
    found = parse_quantity("1 A/mm^2")
    assert found is not None and found.kind is QuantityKind.AREAL_CURRENT and base_value(found) == 100.0
    weeks = parse_quantity("2 weeks")
    assert weeks is not None and base_value(weeks) == 14 * 86400.0


@pytest.mark.parametrize(
    "text",
    ["", "V",
     "1 parsec", "1,5 V", "1e999 V", "nan V", "inf V", "--1 V", "1 V V", "C/0", "1 mA/cm^3", "0x1F V", "1 __import__",
     "1 m^9999999999", "1 " + "m" * 200, "1 kg", "3 C*s", "1 V; 2 V"],
)  # fmt: skip
def test_what_is_no_quantity_is_none(text: str) -> None:
    assert parse_quantity(text) is None


@given(st.floats(allow_nan=False, allow_infinity=False, width=64), st.sampled_from(sorted(UNITS)))
@example(value=2.2e-309, unit="C")
def test_a_quantity_reads_back_exactly_as_it_was_written(value: float, unit: str) -> None:
    written = format_quantity(quantity(value, unit))
    assert parse_quantity(written) == quantity(value, unit)


@given(st.text(max_size=60))
def test_any_text_is_a_quantity_or_none(text: str) -> None:
    found = parse_quantity(text)
    assert found is None or isinstance(found, Quantity)


def test_values_are_shown_with_a_fitting_prefix() -> None:
    assert readable(0.785398e-3, "A") == "0.785398 mA"
    assert readable(78.54e-6, "A") == "78.54 uA"
    assert readable(3.8, "V") == "3.8 V"
    assert readable(0.0, "A") == "0 uA"
    assert [readable_time(time_s) for time_s in (90.0, 3660.0, 5400.0, 21600.0, 432000.0, 12345.6)] == [
        "1.5 min", "61 min", "1.5 h", "6 h", "5 d", "205.76 min",
    ]  # fmt: skip
