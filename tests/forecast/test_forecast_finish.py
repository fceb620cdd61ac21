"""The forecaster follows its place in the program and says what it knows, from rows made by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labctl.analysis.forecasting import KEPT, DurationSeries
from labctl.engine.machines.forecast import GAP_FIRST_S, FinishForecaster, estimate_remaining
from labctl.model.program import HostIf, HostRepeat, Loop, Program, Segment, Step, StepMode
from labctl.model.record import RecordBlock
from labctl.testing.fakeruns import CURRENT_A, charge, program, rest
from labctl.testing.rowbuilder import RowBuilder


def to_voltage(step_id: int, current_A: float, most_s: float = 7200.0) -> Step:
    mode = StepMode.CC_CHARGE if current_A > 0 else StepMode.CC_DISCHARGE
    end_V = 3.8 if current_A > 0 else 3.0
    return Step(step_id, mode, most_s, current_A=current_A, time_is_backstop=True, end_voltage_V=end_V)


def cycled(durations_s: list[float], *, step_ids: tuple[int, int] = (2, 3)) -> RecordBlock:
    """Return an hour of rest, then for each duration a charge and a discharge of it."""
    builder = RowBuilder(60.0).rest(3600.0)
    for number, duration_s in enumerate(durations_s):
        if number:
            builder.next_cycle()
        builder.charge(duration_s, CURRENT_A, 3.4).discharge(duration_s, CURRENT_A, 3.4)
    rows = builder.block()
    ids = np.where(rows["step_type"] == 0, 1, np.where(rows["step_type"] == 1, *step_ids)).astype("<i4")
    return RecordBlock({**rows.columns, "step_id": ids})


def cycling_to_voltage(cycles: int) -> Program:
    body = (to_voltage(2, CURRENT_A), to_voltage(3, -CURRENT_A))
    return program((Segment(1, (rest(1, 3600.0), Loop(cycles, body))),))


def test_program_of_times_and_capacities_is_known_before_it_runs() -> None:
    half = Step(2, StepMode.CC_CHARGE, 3660.0, current_A=1e-3, end_capacity_Ah=1e-3, time_is_backstop=True)
    bound = program((Segment(1, (rest(1, 600.0), Loop(250, (half, charge(3, 3600.0, -1e-3))))),))
    low_s, middle_s, high_s = sorted(estimate_remaining(bound))
    assert middle_s == pytest.approx(600.0 + 250 * 7200.0 + GAP_FIRST_S)
    assert high_s - low_s <= 1e-6 * middle_s + GAP_FIRST_S


def test_remaining_time_falls_second_by_second_within_a_step_of_known_length() -> None:
    bound = program(
        (Segment(1, (rest(1, 3600.0), Loop(3, (charge(2, 600.0), charge(3, 600.0, -CURRENT_A))))),)
    )
    forecaster = FinishForecaster(bound)
    rows = cycled([600.0, 600.0])
    forecaster.feed(rows.rows(0, 5))
    assert forecaster.remaining_s(240.0)[0] == pytest.approx(3360.0 + 3600.0)
    forecaster.feed(rows.rows(5))
    assert forecaster.remaining_s(3600.0 + 2350.0)[0] == pytest.approx(50.0 + 1200.0)


def test_answer_does_not_depend_on_how_the_rows_were_cut() -> None:
    rows = cycled([5000.0 - 20.0 * number for number in range(8)])
    whole, pieces = FinishForecaster(cycling_to_voltage(50)), FinishForecaster(cycling_to_voltage(50))
    whole.feed(rows)
    for start in range(0, len(rows), 7):
        pieces.feed(rows.rows(start, start + 7))
    now_s = float(rows["test_time_second"][-1])
    assert whole.remaining_s(now_s) == pieces.remaining_s(now_s)
    assert whole.basis == "the trend of 15 measured steps that end by voltage or current"


def test_steady_fade_is_followed_and_the_interval_narrows() -> None:
    durations_s = [5000.0 - 8.0 * number for number in range(50)]
    rows, whole_s = cycled(durations_s), 3600.0 + 2.0 * sum(durations_s)
    widths: list[float] = []
    for cycles in (2, 5, 20, 40):
        forecaster = FinishForecaster(cycling_to_voltage(50))
        upto = int(np.searchsorted(rows["cycle_count"], cycles, side="right"))
        forecaster.feed(rows.rows(0, upto))
        now_s = float(rows["test_time_second"][upto - 1])
        middle_s, low_s, high_s = forecaster.remaining_s(now_s)
        assert now_s + low_s <= whole_s <= now_s + high_s
        assert cycles < 20 or now_s + middle_s == pytest.approx(whole_s, rel=0.01)
        widths.append(high_s - low_s)
    assert widths == sorted(widths, reverse=True)


def test_step_past_its_expected_end_has_always_some_time_left_until_its_longest() -> None:
    forecaster = FinishForecaster(cycling_to_voltage(1))
    rows = cycled([4000.0])
    forecaster.feed(rows.rows(0, len(rows) - 1))
    start_s = 3600.0 + 4000.0
    left_s = [forecaster.remaining_s(start_s + age_s)[0] for age_s in (3900.0, 4100.0, 7200.0, 9000.0)]
    assert left_s[0] == pytest.approx(100.0, abs=20.0)
    assert 0.0 < left_s[1] < 400.0
    assert left_s[2:] == [0.0, 0.0]


def test_unseen_rate_is_foreseen_from_the_capacity_that_another_one_gave() -> None:
    fast = Step(4, StepMode.CC_CHARGE, 36000.0, current_A=2 * CURRENT_A, end_voltage_V=3.8)
    body = (rest(1, 3600.0), to_voltage(2, CURRENT_A), to_voltage(3, -CURRENT_A), fast)
    forecaster = FinishForecaster(program((Segment(1, body),)))
    rows = cycled([5000.0])
    forecaster.feed(rows.rows(0, len(rows) - 1))
    middle_s, low_s, high_s = forecaster.remaining_s(3600.0 + 10_000.0)
    assert middle_s == pytest.approx(2500.0, rel=0.05)
    assert low_s < 0.8 * 2500.0 < 1.2 * 2500.0 < high_s


def test_lost_rows_give_no_false_duration() -> None:
    rows = cycled([5000.0] * 6)
    lost = (rows["sequence"] < 100) | (rows["sequence"] > 400)
    kept = RecordBlock({name: column[lost] for name, column in rows.columns.items()})
    forecaster = FinishForecaster(cycling_to_voltage(12))
    forecaster.feed(kept)
    now_s = float(rows["test_time_second"][-1])
    assert forecaster.remaining_s(now_s)[0] == pytest.approx(60_000.0, rel=0.01)


def test_open_circuit_time_between_device_tests_is_learned_from_the_instruments_clock() -> None:
    body = (Segment(1, (charge(1, 3600.0),)),)
    forecaster = FinishForecaster(program((HostRepeat("pass >= 10", 10, body),)))
    for number in range(3):
        rows = RowBuilder(600.0).charge(3600.0, CURRENT_A, 0.1).block()
        begin = np.datetime64("2026-03-01T00:00:00") + np.timedelta64(number * 3720, "s")
        clock = begin + rows["step_time_second"].astype("timedelta64[s]")
        changed = {
            "step_id": np.ones(len(rows), "<i4"),
            "segment": np.full(len(rows), number + 1, "<i4"),
            "step_count": np.full(len(rows), number + 1, "<i4"),
            "cycle_count": np.full(len(rows), number + 1, "<i4"),
            "test_time_second": rows["test_time_second"] + 3600.0 * number,
            "device_cycle": np.ones(len(rows), "<i4"),
            "device_clock": np.char.replace(clock.astype("S19"), b"T", b" "),
        }
        forecaster.feed(RecordBlock({**rows.columns, **changed}))
    assert forecaster.remaining_s(3 * 3600.0)[0] == pytest.approx(7 * 3720.0)


def test_memory_of_a_series_is_bounded() -> None:
    series = DurationSeries()
    for number in range(10 * KEPT):
        series.append(1000.0 + number % 3)
    assert series.count == 10 * KEPT
    assert series.ahead(100.0, 5000.0).expected_s == pytest.approx(100_100.0, rel=0.01)


ROW = st.tuples(
    st.integers(0, 6),  # step_id, known ones are 1 to 4
    st.integers(0, 2),  # how the step count grows
    st.integers(0, 1),  # how the segment grows
    st.integers(1, 9),  # cycle
    st.floats(0.0, 1e5),  # seconds since the row before
)


@given(st.lists(st.lists(ROW, min_size=1, max_size=8), max_size=8))
@settings(max_examples=150, deadline=None)
def test_rows_that_fit_no_program_give_an_ordered_finite_answer(blocks: list[list[tuple[int, ...]]]) -> None:
    inner = (
        Segment(1, (Loop(3, (to_voltage(1, CURRENT_A), to_voltage(2, -CURRENT_A))),)),
        Segment(2, (rest(3),)),
    )
    until = HostRepeat("retention < 80 % or pass >= 6", 9, inner)
    choice = HostIf("efficiency > 50 %", (Segment(3, (to_voltage(4, 2 * CURRENT_A),)),))
    forecaster = FinishForecaster(program((until, choice)))
    steps = segment = 1
    time_s = 0.0
    for rows in blocks:
        part = RowBuilder(1.0).charge(float(len(rows) - 1) or 0.5, CURRENT_A, 3.4).block().rows(0, len(rows))
        columns = {name: column.copy() for name, column in part.columns.items()}
        for place, (step_id, more_steps, more_segments, cycle, passed_s) in enumerate(rows):
            steps, segment, time_s = steps + more_steps, segment + more_segments, time_s + passed_s
            columns["step_id"][place], columns["step_count"][place] = step_id, steps
            columns["segment"][place], columns["cycle_count"][place] = segment, cycle
            columns["test_time_second"][place] = time_s
        forecaster.feed(RecordBlock(columns))
        middle_s, low_s, high_s = forecaster.remaining_s(time_s)
        assert 0.0 <= low_s <= middle_s <= high_s < math.inf
        assert forecaster.basis
