"""Numbers are shown with a unit and read back as they were shown; where two readings are possible a person is asked."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labctl.gui.viewmodels import text
from labctl.gui.viewmodels.parsing import canonical_unit, parse_quantity, plain

THIN = text.THIN
FULL_WIDTH = str.maketrans("0123456789.+-eE/", "０１２３４５６７８９．＋－ｅＥ／")
BASES = ["V", "A", "Ah", "A/cm²", "Ah/g", "g"]


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (-78.53e-6, "A", f"−78.53{THIN}µA"),
        (3.3393, "V", f"3.339{THIN}V"),
        (0.9996e-3, "A", f"999.6{THIN}µA"),
        (0.99996e-3, "A", f"1.000{THIN}mA"),
        (0.0, "A", f"0.000{THIN}A"),
        (float("nan"), "V", f"-{THIN}V"),
        (54.8e-3, "Ah/g", f"54.80{THIN}mAh/g"),
        (60.02, "°C", f"60.02{THIN}°C"),
        (412e9, "B", f"412.0{THIN}GB"),
    ],
)
def test_u22_a_quantity_has_four_figures_its_unit_and_a_real_minus(
    value: float, unit: str, expected: str
) -> None:
    assert text.quantity(value, unit) == expected


def test_resolution_fixes_the_decimals_and_zero_has_no_minus() -> None:
    assert text.quantity(-0.0883, "V", prefix="mV", resolution=1e-4) == f"−88.3{THIN}mV"
    assert text.quantity(3.3724, "V", resolution=1e-3) == f"3.372{THIN}V"
    assert text.number(-0.0001, 3) == "0.000" and text.number(0.0, 1, sign=True) == "+0.0"


def test_r7_a_field_keeps_its_unit_when_the_value_wanders() -> None:
    fields = text.FieldUnits()
    assert str(fields.show("now I", 0.0, "A")) == f"0.000{THIN}A"
    assert str(fields.show("now I", 0.0008, "A")) == f"800.0{THIN}µA"
    assert str(fields.show("now I", 0.0012, "A")) == f"1200{THIN}µA"
    fields.choose("now I", "mA")
    assert str(fields.show("now I", 0.0012, "A")) == f"1.200{THIN}mA"
    assert "nA" in text.units_of("A")


@given(st.sampled_from(BASES), st.floats(1e-8, 999.0), st.booleans(), st.integers(2, 9))
def test_what_is_shown_is_read_back_as_shown(unit: str, size: float, negative: bool, digits: int) -> None:
    value = -size if negative else size
    parsed = parse_quantity(text.quantity(value, unit, digits=digits), unit)
    assert parsed.value is not None
    assert math.isclose(parsed.value, value, rel_tol=0.6 * 10.0 ** (1 - digits), abs_tol=1e-17)


@given(st.floats(1e-30, 1e30), st.integers(1, 8), st.booleans())
def test_significant_figures_are_what_they_say(value: float, digits: int, sign: bool) -> None:
    parsed = parse_quantity(text.figures(-value if sign else value, digits), "V")
    assert parsed.value is not None
    assert math.isclose(abs(parsed.value), value, rel_tol=0.51 * 10.0 ** (1 - digits))
    assert (parsed.value < 0) is sign


@given(st.floats(-1e6, 1e6, allow_subnormal=False), st.sampled_from(["-", "−", "–", "—", "－", "﹣"]))
def test_r7_full_width_digits_and_every_minus_mean_the_same(value: float, minus: str) -> None:
    typed = f"{value!r}"
    usual = parse_quantity(typed, "mA")
    assert usual.ok and math.isclose(usual.value or 0.0, value, rel_tol=1e-14, abs_tol=1e-300)
    assert parse_quantity(typed.translate(FULL_WIDTH), "mA") == usual
    assert parse_quantity(typed.replace("-", minus), "mA") == usual


@given(st.text(max_size=40))
def test_nothing_that_a_person_types_raises(typed: str) -> None:
    for unit in ("A", "mg", "h", "%"):
        parsed = parse_quantity(typed, unit, also=("C",))
        assert sum(x is not None and x != "" for x in (parsed.value, parsed.question, parsed.problem)) <= 1
        assert parsed.value is None or math.isfinite(parsed.value)


@pytest.mark.parametrize(
    ("typed", "unit", "value"),
    [
        ("1e-3", "A", 1e-3),
        ("1 mA", "A", 1e-3),
        ("１．５ｍＡ", "A", 1.5e-3),
        ("12.4", "mg", 12.4),
        ("0.0124 g", "mg", 12.4),
        ("12400ug", "mg", 12.4),
        ("12400 μg", "mg", 12.4),
        ("1 mA cm-2", "mA/cm²", 1.0),
        ("1 mA/cm^2", "A/cm²", 1e-3),
        ("1.131 cm²", "cm2", 1.131),
        ("113.1 mm2", "cm2", 1.131),
        ("80 %", "%", 80.0),
        ("0.8", "%", 0.8),
        ("60 degC", "°C", 60.0),
        ("60 ℃", "°C", 60.0),
        ("2 h 30 min", "h", 2.5),
        ("90min", "h", 1.5),
        ("61 h 20 min", "s", 220_800.0),
        ("00:30:00", "h", 0.5),
        ("2 小时", "h", 2.0),
        ("1,234.5 mV", "V", 1.2345),
        ("1,234,567", "s", 1_234_567.0),
        ("3×10^-4", "A", 3e-4),
        ("3·10⁻⁴ A", "A", 3e-4),
        (".5", "V", 0.5),
        ("+5.", "V", 5.0),
        ("100 khz", "Hz", 1e5),
        ("5 MV", "Hz", None),
    ],
)
def test_r7_what_operators_type_is_understood(typed: str, unit: str, value: float | None) -> None:
    parsed = parse_quantity(typed, unit)
    assert parsed.value == (None if value is None else pytest.approx(value, rel=1e-12)), parsed


@pytest.mark.parametrize("typed", ["C/20", "c / 20", "0.05 C", "Ｃ／２０"])
def test_r7_a_c_rate_is_told_as_one_where_it_is_allowed(typed: str) -> None:
    parsed = parse_quantity(typed, "A", also=("C", "mA/cm²"))
    assert (parsed.value, parsed.unit) == (0.05, "C")
    assert not parse_quantity(typed, "V").ok


@pytest.mark.parametrize(
    ("typed", "unit", "values"),
    [
        ("1,234", "mg", [1234.0, 1.234]),
        ("1,5", "mg", [1.5]),
        ("1.234,5", "mg", [1234.5]),
        ("1 234", "mg", [1234.0]),
        ("1 MA", "mA", [1.0]),
        ("1 m", "V", [1e-3]),
        ("5 mhZ", "Hz", [5e-3, 5e6]),
        ("1:30", "min", [90.0, 1.5]),
    ],
)
def test_r7_where_a_text_has_two_readings_a_person_chooses(
    typed: str, unit: str, values: list[float]
) -> None:
    parsed = parse_quantity(typed, unit)
    assert parsed.question is not None and parsed.value is None
    assert sorted(choice.value for choice in parsed.question.choices) == pytest.approx(sorted(values))
    assert all(choice.label for choice in parsed.question.choices)


@pytest.mark.parametrize("typed", ["abc", "1.2.3", "12 bananas", "1e999", "--5", "5 V V", "C/0"])
def test_what_is_no_quantity_is_refused_with_words(typed: str) -> None:
    parsed = parse_quantity(typed, "A", also=("C",))
    assert parsed.problem and not parsed.ok and parsed.question is None


def test_an_empty_field_is_no_value_and_no_problem() -> None:
    assert parse_quantity("", "mg") == parse_quantity(" - ", "mg") == parse_quantity("n/a", "mg")
    assert parse_quantity("", "mg").problem == ""


def test_units_and_typed_signs_have_one_spelling() -> None:
    assert {canonical_unit(name) for name in ("mA cm-2", "mA/cm^2", "mA/cm²", "mA / cm2")} == {"mA/cm2"}
    assert plain("　１２３　ｍＡ") == "123 mA"


@pytest.mark.parametrize(
    ("age_s", "expected"),
    [
        (0.42, f"0.4{THIN}s"),
        (35.0, f"35{THIN}s"),
        (240.0, f"4{THIN}min"),
        (3 * 3600.0, f"3{THIN}h"),
        (44 * 86_400.0, f"44{THIN}d"),
        (-1.0, f"0.0{THIN}s"),
        (math.inf, "never"),
    ],
)
def test_u22_an_age_is_one_number_and_one_unit(age_s: float, expected: str) -> None:
    assert text.age(age_s) == expected


@given(st.floats(0.0, 3e7))
def test_a_length_of_time_is_read_back_within_its_last_unit(time_s: float) -> None:
    parsed = parse_quantity(text.duration(time_s), "s")
    assert parsed.value is not None
    assert abs(parsed.value - time_s) <= (0.5 if time_s < 3600 else 30.5 if time_s < 359_000 else 1830)


def test_lengths_of_time_and_counts_are_short() -> None:
    assert text.duration(220_800.0) == f"61{THIN}h 20{THIN}min"
    assert text.duration(59.7) == f"1{THIN}min" and text.duration(math.nan) == "-"
    assert text.clock_time(2304.0) == "00:38:24" and text.short_clock(720.0) == "00:12"
    assert (
        text.count(842) == "842"
        and text.count(199_400) == f"199{THIN}k"
        and text.count(2_600_000) == f"2.6{THIN}M"
    )


def test_moments_are_short_local_and_24_hours() -> None:
    zone = timezone(timedelta(hours=8))
    now = datetime(2026, 4, 21, 1, 42, 17, tzinfo=UTC)
    assert text.moment(now, now, zone=zone) == "09:42"
    assert text.moment(now - timedelta(days=1), now, zone=zone) == "04-20 09:42"
    assert text.moment(now - timedelta(days=400), now, zone=zone) == "2025-03-17"
    assert text.moment(None, now) == "-"
    assert text.iso_local(now, zone=zone) == "2026-04-21 09:42:17 +08:00"
    assert text.iso_utc(now) == "2026-04-21 01:42:17 UTC"


@pytest.mark.parametrize(
    ("value", "unit", "forms"),
    [
        ("+66.9", "mV", ["+66.9 mV", "+67 mV", "+0.067 V", "+0.07 V", "+0.1 V"]),
        ("\u2212912", "mV", ["\u2212912 mV", "\u22120.912 V", "\u22120.91 V", "\u22120.9 V"]),
        ("3.326", "V", ["3.326 V", "3.33 V", "3.3 V", "3 V"]),
        ("-", "V", ["- V"]),
    ],
)
def test_a_value_in_a_narrow_place_is_rounded_and_keeps_its_unit(
    value: str, unit: str, forms: list[str]
) -> None:
    assert [f"{number} {name}" for number, name in text.shorter_forms(value, unit)] == forms
