"""The comparison with the study: statements read strictly, measures on made-up runs, honest verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labctl.analysis.cycles import CycleTable
from labctl.analysis.outcomes import (
    AT_LEAST,
    AT_MOST,
    MEASURES,
    Expectation,
    StudyRun,
    Verdict,
    judge,
    within,
)
from labctl.analysis.outcomesfile import find_outcomes, load_outcomes
from labctl.analysis.rundata import RunData
from labctl.errors import UserFileError
from labctl.model.cell import CellKind
from labctl.model.ids import RunId
from labctl.testing.rowbuilder import RowBuilder, facts_of

OFFSET_V = 0.0005


def data_of(
    run: RowBuilder, kind: CellKind, *, outcome: str = "finished", mass_mg: float | None = None
) -> RunData:
    """Return the analysis of made-up rows as a stored run would give it."""
    table = CycleTable(facts_of(kind, active_mass_mg=mass_mg))
    block = run.block()
    table.update(block)
    ended = outcome == "finished"
    return RunData(
        run_id=RunId("R1"), facts=table.facts, coating="", outcome=outcome, rows=len(block),
        offset_V=table.offset_V, rest_end_s=table.rest_end_s or 0.0,
        half=table.half_cycle_columns(ended=ended), cycles=table.columns(ended=ended),
    )  # fmt: skip


def symmetric(levels_mV: list[float], *, outcome: str = "finished", last_s: float = 3600.0) -> RunData:
    """Return a Li|Li run on a channel that reads 0.5 mV high: 6 h rest, 1 h half-cycles at these |V|."""
    run = RowBuilder().rest(21600.0, OFFSET_V)
    for place, level_mV in enumerate(levels_mV):
        length_s = last_s if place == len(levels_mV) - 1 else 3600.0
        sign = -1.0 if place % 2 else 1.0
        (run.discharge if place % 2 else run.charge)(length_s, 1e-3, sign * level_mV * 1e-3 + OFFSET_V)
    return data_of(run, CellKind.SYMMETRIC, outcome=outcome)


def full_cell(discharge_min: list[float], *, gap_V: float = 0.1) -> RunData:
    """Return an LFP-like run: charges of 1 h at 1 mA, discharges of these minutes, 10 mg."""
    run = RowBuilder().rest(60.0, 3.4)
    for minutes in discharge_min:
        run.charge(3600.0, 1e-3, 3.4 + gap_V).discharge(60.0 * minutes, 1e-3, 3.4)
    return data_of(run, CellKind.LFP_LI, mass_mg=10.0)


def measured(
    name: str, data: RunData, others: Mapping[str, RunData] | None = None, **arguments: Any
) -> float:
    return MEASURES[name][0](data, others or {}, **arguments)


def verdict_of(
    data: RunData, measure: str, stated: float, tolerance: float | str, **arguments: Any
) -> Verdict:
    item = Expectation("q", "u", "as stated", stated, tolerance, "section 8", measure, arguments)
    return judge([StudyRun("run", "p", "C1", "neware:1-1", "F", (item,))], {"run": data})[0]


def test_the_shipped_outcomes_cover_ten_runs_and_know_their_protocols() -> None:
    from labctl.protocol.library import find_protocol

    study = load_outcomes(find_outcomes())
    assert [entry.run for entry in study] == [
        f"P{n} {kind}" for n in range(1, 6) for kind in ("pristine", "coated")
    ]
    assert len({entry.cell for entry in study}) == len({entry.channel for entry in study}) == 10
    for entry in study:
        assert find_protocol(entry.protocol).is_file()
        assert entry.expectations
        for item in entry.expectations:
            assert item.unit and item.source and item.text


def test_polarisations_are_free_of_the_channels_offset() -> None:
    data = symmetric([120.0, 130.0, 140.0])
    assert measured("polarisation_mV", data, at_h=1) == pytest.approx(120.0)
    assert measured("polarisation_mV", data, at_h=2) == pytest.approx(130.0)
    assert measured("largest_voltage_mV", data, until_h=2) == pytest.approx(130.0)
    assert measured("largest_voltage_mV", data, until_h=500) == pytest.approx(140.0)


def test_a_life_ends_by_short_before_it_ends_by_the_voltage_limit() -> None:
    shorted = symmetric([120.0, 130.0, 140.0] + [5.0] * 5, outcome="short", last_s=3000.0)
    assert measured("life_h", shorted) == pytest.approx(3.0)
    assert measured("last_polarisation_mV", shorted) == pytest.approx(140.0)
    assert measured("shorted_polarisation_mV", shorted) == pytest.approx(5.0)
    limited = symmetric([1000.0, 2000.0, 4900.0], outcome="protect", last_s=1800.0)
    assert measured("life_h", limited) == pytest.approx(2.5)
    lives_on = symmetric([120.0] * 4)
    assert measured("life_h", lives_on) == pytest.approx(4.0)


def test_a_half_cycle_in_whose_middle_the_short_came_is_not_the_last_healthy_one() -> None:
    run = RowBuilder().rest(21600.0, 0.0).charge(3600.0, 1e-3, 0.18).discharge(3600.0, 1e-3, -0.18)
    run.charge(3600.0, 1e-3, lambda time_s: np.where(time_s < 1800.0, 0.18, 0.006))
    for _ in range(2):
        run.discharge(3600.0, 1e-3, -0.006).charge(3600.0, 1e-3, 0.006)
    data = data_of(run, CellKind.SYMMETRIC, outcome="short")
    assert measured("last_polarisation_mV", data) == pytest.approx(180.0)
    assert measured("life_h", data) == pytest.approx(2.0)


def test_capacities_retention_and_efficiency_of_a_full_cell() -> None:
    data = full_cell([54.0, 60.0, 45.0])
    assert measured("discharge_capacity_mAh_per_g", data, cycle=1) == pytest.approx(90.0)
    assert measured("discharge_capacity_mAh_per_g", data, cycle="max") == pytest.approx(100.0)
    assert measured("largest_capacity_cycle", data) == 2.0
    assert measured("retention_percent", data, cycle=3, reference="first") == pytest.approx(100 * 45 / 54)
    assert measured("retention_percent", data, cycle=3, reference="max") == pytest.approx(75.0)
    assert measured("mean_efficiency_percent", data, first=1, last=3) == pytest.approx(
        100 * (0.9 + 1.0 + 0.75) / 3
    )
    assert measured("efficiency_scatter_percent", data, first=1, last=3) == pytest.approx(
        100 * np.std([0.9, 1.0, 0.75], ddof=1)
    )


def test_the_ratio_of_two_cells_polarisation_needs_both_runs() -> None:
    pristine, coated = full_cell([60.0], gap_V=0.3), full_cell([60.0], gap_V=0.1)
    ratio = measured("voltage_gap_ratio", coated, {"P": pristine}, cycle=1, of="P")
    assert ratio == pytest.approx(3.0)
    alone = verdict_of(coated, "voltage_gap_ratio", 1.5, AT_LEAST, cycle=1, of="P")
    assert alone.measured is None and not alone.ok and "was not done" in alone.how


@pytest.mark.parametrize(
    ("measure", "arguments", "why"),
    [
        ("polarisation_mV", {"at_h": 20}, "no half-cycle ends at 20 h"),
        ("polarisation_reached_h", {"above_V": 1}, "no half-cycle ended above 1 V"),
        ("shorted_polarisation_mV", {}, "has not shorted"),
        ("retention_percent", {"cycle": 9, "reference": "first"}, "cycle 9 is not complete"),
        ("discharge_capacity_mAh_per_g", {"cycle": 1}, "no active mass"),
        ("mean_efficiency_percent", {"first": 1, "last": 150}, "cycle 150 is not complete"),
    ],
)
def test_what_a_run_does_not_show_is_said_and_never_ok(
    measure: str, arguments: dict[str, Any], why: str
) -> None:
    verdict = verdict_of(symmetric([100.0] * 4), measure, 1.0, 1e9, **arguments)
    assert verdict.measured is None
    assert not verdict.ok
    assert why in verdict.how


def test_a_run_without_current_shows_nothing() -> None:
    data = data_of(RowBuilder().rest(60.0), CellKind.SYMMETRIC)
    arguments: dict[str, dict[str, Any]] = {
        "polarisation_mV": {"at_h": 1}, "polarisation_reached_h": {"above_V": 1}, "largest_voltage_mV": {"until_h": 1},
        "discharge_capacity_mAh_per_g": {"cycle": "max"}, "retention_percent": {"cycle": 1, "reference": "max"},
        "voltage_gap_ratio": {"cycle": 1, "of": "run"}, "mean_efficiency_percent": {"first": 1, "last": 2},
        "efficiency_scatter_percent": {"first": 1, "last": 2},
    }  # fmt: skip
    for name in MEASURES:
        verdict = verdict_of(data, name, 0.0, 1.0, **arguments.get(name, {}))
        assert verdict.measured is None, name


def test_a_quantity_that_a_cells_fate_excludes_is_left_out_but_never_for_a_run_that_broke_off() -> None:
    item = Expectation("q", "u", "t", 1.0, 1e9, "s", "polarisation_mV", {"at_h": 4}, lived_h=4.0)
    study = [StudyRun("run", "p", "C1", "neware:1-1", "F", (item,))]
    shorted = symmetric([120.0, 130.0] + [5.0] * 5, outcome="short")
    assert judge(study, {"run": shorted}) == []
    broken_off = symmetric([120.0, 130.0], outcome="held")
    assert [verdict.ok for verdict in judge(study, {"run": broken_off})] == [False]


@pytest.mark.parametrize(
    ("value", "stated", "tolerance", "agrees"),
    [
        (160.0, 160.0, 0.0, True), (180.0, 160.0, 20.0, True), (180.01, 160.0, 20.0, False),
        (499.9999999, 500.0, AT_LEAST, True), (499.9, 500.0, AT_LEAST, False),
        (250.0, 250.0, AT_MOST, True), (250.1, 250.0, AT_MOST, False),
    ],
)  # fmt: skip
def test_agreement_is_within_the_tolerance_or_on_the_right_side(
    value: float, stated: float, tolerance: float | str, agrees: bool
) -> None:
    assert within(value, stated, tolerance) is agrees


def test_a_verdict_has_the_keys_that_scripts_rely_on() -> None:
    verdict = verdict_of(symmetric([100.0]), "polarisation_mV", 100.0, 2.0, at_h=1).to_json()
    assert list(verdict) == [
        "run", "run_id", "quantity", "unit", "stated", "measured", "tolerance", "ok", "rows", "from", "how",
    ]  # fmt: skip
    assert verdict["ok"] is True
    assert verdict["rows"] == 2161 + 361
    assert verdict["from"] == "as stated (section 8)"


GOOD = """\
labctl: outcomes/1
runs:
  - run: A
    protocol: p1
    cell: C0001
    channel: neware:1-1
    figure: P1
    expect:
      - {quantity: life, unit: h, text: t, target: 160, tolerance: 20, chain: 0.5, from: s, measure: life_h}
"""


def test_table_and_chain_tolerances_add_up(tmp_path: Path) -> None:
    path = tmp_path / "outcomes.yaml"
    path.write_text(GOOD, encoding="utf-8")
    assert load_outcomes(path)[0].expectations[0].tolerance == 20.5


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("outcomes/1", "outcomes/9", "1:9: this is no outcomes file"),
        ("life_h", "life_hours", "Did you mean 'life_h'"),
        ("target: 160", "aim: 160", "there is no key 'aim'"),
        ("target: 160", "target: 160, at_least: 3", "one of 'target', 'at_least', 'at_most'"),
        ("tolerance: 20, ", "", "'tolerance' is missing"),
        ("target: 160", "target: 160 h", "'160 h' is not a number"),
        ("cell: C0001", "colour: red", "there is no key 'colour'"),
        ("    figure: P1\n", "", "'figure' is missing"),
    ],
)
def test_a_slip_in_an_outcomes_file_is_told_with_its_place(
    old: str, new: str, told: str, tmp_path: Path
) -> None:
    path = tmp_path / "outcomes.yaml"
    path.write_text(GOOD.replace(old, new), encoding="utf-8")
    with pytest.raises(UserFileError) as caught:
        load_outcomes(path)
    assert told in str(caught.value)
    assert caught.value.line is not None
