"""Half-cycles and cycles: hand-computed runs, conventions per cell kind, independence of how rows arrive."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labctl.analysis.cycles import CycleTable, cycles, half_cycles
from labctl.analysis.halfcycle import HALF_CYCLE_COLUMNS
from labctl.model.cell import CellKind
from labctl.model.program import StepMode
from labctl.model.record import RecordBlock
from labctl.testing.rowbuilder import RowBuilder, facts_of

SYMMETRIC = facts_of(CellKind.SYMMETRIC)


def symmetric_run(cycles_done: int = 3) -> RecordBlock:
    """Return a Li|Li run on a channel that reads 2 mV high: 1 h rest, halves of 1 h at 1 mA and 100 mV."""
    run = RowBuilder().rest(3600.0, 0.002)
    for cycle in range(cycles_done):
        if cycle:
            run.next_cycle()
        run.charge(3600.0, 1e-3, 0.102).discharge(3600.0, 1e-3, -0.098)
    return run.block()


def test_a_symmetric_cell_has_one_half_cycle_per_sign_with_offset_free_polarisation() -> None:
    half = half_cycles(symmetric_run(), SYMMETRIC)
    assert list(half["sign"]) == [1, -1, 1, -1, 1, -1]
    assert list(half["cycle"]) == [1, 1, 2, 2, 3, 3]
    assert half["start_time_second"][0] == 3600.0
    assert half["end_time_second"][-1] == 3600.0 + 6 * 3600.0
    np.testing.assert_allclose(half["capacity_ah"], 1e-3, rtol=1e-12)
    np.testing.assert_allclose(half["capacity_mah_per_cm2"], 1.0, rtol=1e-12)
    np.testing.assert_allclose(half["polarisation_volt"], 0.1, rtol=1e-12)
    np.testing.assert_allclose(half["mean_voltage_volt"][:2], [0.102, -0.098], rtol=1e-12)
    np.testing.assert_allclose(half["area_resistance_ohm_cm2"], 100.0, rtol=1e-12)
    assert np.isnan(half["capacity_mah_per_g"]).all()
    assert half["complete"].all()
    assert {name: half[name].dtype.str.lstrip("|") for name in half} == {
        name: dtype if dtype not in ("?", "<i1") else {"?": "b1", "<i1": "i1"}[dtype]
        for name, dtype in HALF_CYCLE_COLUMNS.items()
    }


def test_sequences_of_half_cycles_leave_no_row_of_current_out() -> None:
    block = symmetric_run()
    half = half_cycles(block, SYMMETRIC)
    assert half["first_sequence"][0] == 362  # 361 rows of rest: 0, 10, ... 3600 s
    assert half["last_sequence"][-1] == block["sequence"][-1]
    assert all(half["first_sequence"][1:] == half["last_sequence"][:-1] + 1)


def test_rests_between_do_not_end_a_half_cycle_and_charge_of_several_steps_adds_up() -> None:
    run = RowBuilder().rest(60.0, 3.4)
    run.charge(1800.0, 2e-3, 3.5).rest(600.0, 3.45).charge(900.0, 2e-3, 3.6)  # 1.0 + 0.5 mAh
    run.step(StepMode.CV_CHARGE, 360.0, 1e-3, 3.6)  # + 0.1 mAh
    run.rest(600.0, 3.5).discharge(3600.0, 1.2e-3, 3.3)
    half = half_cycles(run.block(), facts_of(CellKind.LFP_LI, active_mass_mg=10.0))
    assert list(half["sign"]) == [1, -1]
    np.testing.assert_allclose(half["capacity_ah"], [1.6e-3, 1.2e-3], rtol=1e-12)
    np.testing.assert_allclose(half["capacity_mah_per_g"], [160.0, 120.0], rtol=1e-12)
    np.testing.assert_allclose(half["energy_wh"], [1.0e-3 * 3.5 + 0.6e-3 * 3.6, 1.2e-3 * 3.3], rtol=1e-12)
    np.testing.assert_allclose(half["mean_voltage_volt"], [5.66 / 1.6, 3.3], rtol=1e-12)
    assert half["end_time_second"][0] == 60 + 1800 + 600 + 900 + 360


def test_a_cell_that_is_charged_first_has_its_efficiency_as_discharge_over_charge() -> None:
    run = RowBuilder().charge(3600.0, 1e-3, 3.45).discharge(3240.0, 1e-3, 3.40)
    table = cycles(run.block(), facts_of(CellKind.LFP_LI))
    assert table["coulombic_efficiency"][0] == pytest.approx(0.9, rel=1e-12)
    assert table["polarisation_volt"][0] == pytest.approx(0.05, rel=1e-9)


def test_a_cell_that_is_discharged_first_has_its_efficiency_as_charge_over_discharge() -> None:
    run = RowBuilder().discharge(3600.0, 1e-3, 1.5).charge(3240.0, 1e-3, 1.6)
    table = cycles(run.block(), facts_of(CellKind.LTO_LI))
    assert list(table["cycle"]) == [1]
    assert table["coulombic_efficiency"][0] == pytest.approx(0.9, rel=1e-12)
    assert table["polarisation_volt"][0] == pytest.approx(0.1, rel=1e-9)
    assert table["discharging_capacity_ah"][0] == pytest.approx(1e-3, rel=1e-12)


def test_retention_refers_to_the_cycle_that_is_named() -> None:
    run = RowBuilder()
    for minutes in (50, 60, 45):  # discharge of each cycle
        run.charge(3600.0, 1e-3, 3.5).discharge(minutes * 60.0, 1e-3, 3.4).next_cycle()
    block, facts = run.block(), facts_of(CellKind.LFP_LI)
    np.testing.assert_allclose(cycles(block, facts)["retention"], [1.0, 1.2, 0.9], rtol=1e-12)
    np.testing.assert_allclose(cycles(block, facts, reference="max")["retention"], [5 / 6, 1.0, 0.75])
    np.testing.assert_allclose(cycles(block, facts, reference=3)["retention"], [10 / 9, 4 / 3, 1.0])
    assert np.isnan(cycles(block, facts, reference=7)["retention"]).all()


def test_cycles_are_paired_by_sign_where_the_run_counts_no_jump_back() -> None:
    run = RowBuilder()  # two repeats of one pass each: the run's cycle count stays 1
    for _ in range(2):
        run.charge(3600.0, 1e-3, 3.5).discharge(3600.0, 1e-3, 3.4)
    table = cycles(run.block(), facts_of(CellKind.LFP_LI))
    assert list(table["cycle"]) == [1, 2]
    assert list(table["cycle_count"]) == [1, 1]


def test_a_first_half_cycle_of_the_other_sign_is_a_cycle_without_efficiency() -> None:
    run = RowBuilder().discharge(1800.0, 1e-3, 3.4).charge(3600.0, 1e-3, 3.5).discharge(3600.0, 1e-3, 3.4)
    table = cycles(run.block(), facts_of(CellKind.LFP_LI))
    assert list(table["cycle"]) == [1, 2]
    assert list(table["complete"]) == [False, True]
    assert math.isnan(table["coulombic_efficiency"][0])
    assert math.isnan(table["charging_capacity_ah"][0])
    assert table["coulombic_efficiency"][1] == pytest.approx(1.0)


def test_a_run_that_was_stopped_has_no_complete_last_half_cycle() -> None:
    block = symmetric_run()
    stopped = block.rows(0, len(block) - 100)
    half = half_cycles(stopped, SYMMETRIC, ended=False)
    assert list(half["complete"]) == [True] * 5 + [False]
    table = cycles(stopped, SYMMETRIC, ended=False)
    assert list(table["complete"]) == [True, True, False]
    assert math.isnan(table["coulombic_efficiency"][-1]) and math.isnan(table["retention"][-1])


def test_the_sign_is_that_of_the_step_not_of_a_noisy_current() -> None:
    run = RowBuilder().rest(600.0).charge(600.0, 1e-3, 0.1).rest(600.0).charge(600.0, 1e-3, 0.1)
    block = run.block()
    block.columns["current_ampere"][:] += np.where(np.arange(len(block)) % 2, 5e-9, -5e-9)
    assert list(half_cycles(block, SYMMETRIC)["sign"]) == [1]


def test_rows_of_bad_quality_take_no_part() -> None:
    block = symmetric_run()
    spoilt = RecordBlock({name: column.copy() for name, column in block.columns.items()})
    spoilt["voltage_volt"][1000] = np.nan
    spoilt["quality"][1000] = 1
    half = half_cycles(spoilt, SYMMETRIC)
    assert np.isfinite(half["voltage_max_volt"]).all()
    np.testing.assert_allclose(half["polarisation_volt"], 0.1, rtol=1e-12)


def test_a_run_without_current_has_no_cycles() -> None:
    block = RowBuilder().rest(3600.0, 0.001).block()
    assert len(half_cycles(block, SYMMETRIC)["sign"]) == 0
    table = cycles(block, SYMMETRIC)
    assert all(len(column) == 0 for column in table.values())
    assert set(table) == set(cycles(symmetric_run(), SYMMETRIC))


def test_the_offset_is_that_of_the_rests_last_ten_minutes() -> None:
    run = RowBuilder().rest(7200.0, lambda time_s: np.where(time_s < 6600.0, 0.5, 0.003))
    run.charge(60.0, 1e-3, 0.1)
    table = CycleTable(SYMMETRIC)
    table.update(run.block())
    assert table.offset_V == pytest.approx(0.003, rel=1e-12)
    assert table.rest_end_s == 7200.0


def test_a_full_cell_is_not_corrected_by_its_open_circuit_voltage() -> None:
    run = RowBuilder().rest(600.0, 3.4).charge(3600.0, 1e-3, 3.5)
    half = half_cycles(run.block(), facts_of(CellKind.LFP_LI))
    assert half["polarisation_volt"][0] == pytest.approx(3.5)


def test_end_of_a_half_cycle_is_the_last_record_and_the_last_minute_is_weighted_by_time() -> None:
    run = RowBuilder().charge(600.0, 1e-3, lambda time_s: 0.1 + 1e-3 * np.maximum(time_s - 540.0, 0.0))
    half = half_cycles(run.block(), SYMMETRIC)
    assert half["end_voltage_volt"][0] == pytest.approx(0.16)
    assert half["end_minute_voltage_volt"][0] == pytest.approx(0.13)
    assert half["end_minute_current_ampere"][0] == pytest.approx(1e-3)


def test_update_returns_each_half_cycle_once_when_the_next_begins() -> None:
    block, table = symmetric_run(), CycleTable(SYMMETRIC)
    seen = []
    for start in range(0, len(block), 75):
        seen.extend(table.update(block.rows(start, start + 75)))
    assert [half.half_cycle for half in seen] == [1, 2, 3, 4, 5]
    assert table.last_half_cycle == seen[-1]
    assert table.last_complete is not None and table.last_complete.cycle == 2
    measured = table.measured()  # the device test is over: what is under way counts as finished
    assert measured["capacity"] == pytest.approx(1e-3)
    assert measured["efficiency"] == pytest.approx(1.0)
    assert measured["retention"] == pytest.approx(1.0)


def test_measured_is_unknown_before_the_first_current() -> None:
    table = CycleTable(SYMMETRIC)
    table.update(RowBuilder().rest(60.0).block())
    assert all(math.isnan(value) for value in table.measured().values())
    assert table.last_complete is None


@st.composite
def runs(draw: st.DrawFn) -> RecordBlock:
    """Draw a run of rests, charges and discharges with odd durations and a wandering voltage."""
    run = RowBuilder(every_s=10.0)
    modes = st.sampled_from(["rest", "charge", "discharge", "next_cycle"])
    for mode in draw(st.lists(modes, min_size=1, max_size=10)):
        duration_s = draw(st.integers(1, 3000)) / 10.0
        level_V = draw(st.integers(-500, 500)) / 100.0

        def voltage(time_s: np.ndarray, level_V: float = level_V) -> np.ndarray:
            return level_V + 1e-4 * np.sin(time_s * 7.3)

        if mode == "next_cycle":
            run.next_cycle()
        elif mode == "rest":
            run.rest(duration_s, voltage)
        else:
            getattr(run, mode)(duration_s, 1e-3, voltage)
    return run.rest(5.0, 0.0).block()


@settings(max_examples=150, deadline=None)
@given(block=runs(), data=st.data(), kind=st.sampled_from(list(CellKind)))
def test_any_cut_into_blocks_gives_the_same_table_bit_for_bit(
    block: RecordBlock, data: st.DataObject, kind: CellKind
) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(block)), max_size=12)) | {0, len(block)})
    facts = facts_of(kind, active_mass_mg=2.5)
    table = CycleTable(facts)
    for start, stop in pairwise(cuts):
        table.update(block.rows(start, stop))
    whole_half, whole = half_cycles(block, facts), cycles(block, facts)
    for name, column in table.half_cycle_columns(ended=True).items():
        np.testing.assert_array_equal(column, whole_half[name], err_msg=name)
    for name, column in table.columns(ended=True).items():
        np.testing.assert_array_equal(column, whole[name], err_msg=name)


@settings(max_examples=60, deadline=None)
@given(block=runs())
def test_the_table_agrees_with_a_row_by_row_reckoning(block: RecordBlock) -> None:
    """Goal: an independent reading of the definitions. Method: plain Python, one row at a time."""
    signs: list[int] = []
    first: list[int] = []
    steps_Ah: list[dict[int, float]] = []  # per half-cycle, the newest capacity of each of its steps
    last_V: list[float] = []
    for row in range(len(block)):
        sign = {0: 0, 1: 1, 2: -1}[int(block["step_type"][row])]
        if sign == 0:
            continue
        if not signs or signs[-1] != sign:
            signs.append(sign)
            first.append(int(block["sequence"][row]))
            steps_Ah.append({})
            last_V.append(0.0)
        steps_Ah[-1][int(block["step_count"][row])] = float(block["step_capacity_ah"][row])
        last_V[-1] = float(block["voltage_volt"][row])
    half = half_cycles(block, SYMMETRIC)
    assert list(half["sign"]) == signs
    assert list(half["first_sequence"]) == first
    np.testing.assert_allclose(half["capacity_ah"], [sum(steps.values()) for steps in steps_Ah], rtol=1e-12)
    assert list(half["end_voltage_volt"]) == last_V


@settings(max_examples=40, deadline=None)
@given(block=runs(), area_cm2=st.floats(0.1, 10.0), mass_mg=st.floats(0.1, 50.0))
def test_a_corrected_area_or_mass_changes_derived_values_and_nothing_that_was_measured(
    block: RecordBlock, area_cm2: float, mass_mg: float
) -> None:
    """F30: a later correction recomputes; the raw rows stay as they are."""
    before = {name: column.tobytes() for name, column in block.columns.items()}
    wrong = half_cycles(block, facts_of(CellKind.OTHER, area_cm2=1.0, active_mass_mg=1.0))
    right = half_cycles(block, facts_of(CellKind.OTHER, area_cm2=area_cm2, active_mass_mg=mass_mg))
    assert before == {name: column.tobytes() for name, column in block.columns.items()}
    for name, factor in (("capacity_mah_per_cm2", area_cm2), ("capacity_mah_per_g", mass_mg)):
        np.testing.assert_allclose(right[name] * factor, wrong[name], rtol=1e-12)
    np.testing.assert_allclose(
        right["area_resistance_ohm_cm2"], wrong["area_resistance_ohm_cm2"] * area_cm2, rtol=1e-9
    )
    derived = {"capacity_mah_per_cm2", "capacity_mah_per_g", "area_resistance_ohm_cm2"}
    for name in set(right) - derived:
        np.testing.assert_array_equal(right[name], wrong[name], err_msg=name)
