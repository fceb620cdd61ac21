"""Limits, warn and trip; late verification; BAD and frozen readings; start checks: tables of cases."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labctl.engine.machines.checks import start_refusals
from labctl.engine.machines.findings import Outcome, Priority
from labctl.engine.machines.limits import LimitChecker, tightest
from labctl.engine.machines.stale import (
    FROZEN_ROWS,
    BadWatch,
    CapacityWatch,
    ClockWatch,
    FrozenWatch,
    SilenceWatch,
)
from labctl.engine.machines.verify import LateVerifier, OpenCircuitWatch
from labctl.interfaces.cycler import ChannelState, CurrentRange, CyclerCapabilities, LiveReading
from labctl.model.cell import Cell, CellKind
from labctl.model.ids import CellId
from labctl.model.program import Limits, Program, Segment, StepMode
from labctl.model.record import RECORD_COLUMNS, SIDE_COLUMNS, RecordBlock
from labctl.testing.fakeruns import AREA_CM2, CURRENT_A, charge, cycling, program, rest

RANGES = (CurrentRange(1e-3), CurrentRange(10e-3))


def block(
    voltage_V: list[float],
    *,
    current_A: list[float] | float = CURRENT_A,
    first: int = 1,
    bad: tuple[int, ...] = (),
    step_id: int = 2,
    step_type: int = 1,
    step_count: int = 2,
    capacity_Ah: list[float] | None = None,
) -> RecordBlock:
    """Return rows 10 s apart of one step; ``bad`` are row indices of BAD quality."""
    count = len(voltage_V)
    columns = {name: np.zeros(count, dtype) for name, dtype in {**RECORD_COLUMNS, **SIDE_COLUMNS}.items()}
    columns["sequence"] = np.arange(first, first + count, dtype="<i8")
    columns["test_time_second"] = 10.0 * columns["sequence"]
    columns["voltage_volt"] = np.array(voltage_V, dtype=float)
    columns["current_ampere"] = (
        np.full(count, current_A) if isinstance(current_A, float) else np.array(current_A)
    )
    columns["step_id"][:] = step_id
    columns["step_type"][:] = step_type
    columns["step_count"][:] = step_count
    columns["step_capacity_ah"] = np.arange(count) * 1e-6 if capacity_Ah is None else np.array(capacity_Ah)
    for row in bad:
        columns["quality"][row] = 1
    return RecordBlock(columns)


def checker(limits: Limits, **layers: Limits) -> LimitChecker:
    """Return a checker of a program with these limits."""
    return LimitChecker(program(cycling(), limits=limits), tuple(layers.values()))


FIVE = Limits(voltage_min_V=-5.0, voltage_max_V=5.0, current_max_A=1e-3, capacity_max_Ah=1e-3)


@pytest.mark.parametrize(
    ("voltages", "row"),
    [
        ([0.0, 5.0, -5.0, 0.0], None),  # on the limit is not beyond it
        ([5.1, 0.0, 5.1, 0.0], None),  # never two in a row
        ([0.0, 5.1, 5.1, 0.0], 3),
        ([0.0, -5.1, -5.1], 3),
        ([0.0, 5.26, 0.0], 2),  # 1.05 x the limit: one row is enough
        ([0.0, 5.24, 0.0], None),
        ([0.0, -5.26], 2),
        ([5.1, -5.1, 0.0], None),  # two limits, one row each
    ],
)
def test_voltage_trips_after_two_rows_or_one_far_beyond(voltages: list[float], row: int | None) -> None:
    limits = checker(FIVE)
    limits.feed(block(voltages))
    assert (None if limits.trip is None else limits.trip.sequence) == row


@given(
    st.lists(st.sampled_from([0.0, 4.9, 5.1, 5.3, -5.1, math.nan]), min_size=1, max_size=25),
    st.sets(st.integers(1, 24), max_size=5),
)
def test_trip_row_does_not_depend_on_how_rows_are_cut(voltages: list[float], cuts: set[int]) -> None:
    bad = tuple(index for index, value in enumerate(voltages) if math.isnan(value))
    rows = block(voltages, bad=bad)
    whole, cut = checker(FIVE), checker(FIVE)
    whole.feed(rows)
    edges = [0, *sorted(value for value in cuts if value < len(voltages)), len(voltages)]
    for begin, end in pairwise(edges):
        cut.feed(rows.rows(begin, end))
    assert whole.trip == cut.trip
    naive = None
    streaks = {1: 0, -1: 0}
    for number, value in enumerate(voltages, start=1):
        if math.isnan(value) or naive is not None:
            continue
        for sign in (1, -1):
            streaks[sign] = streaks[sign] + 1 if sign * value > 5.0 else 0
            if streaks[sign] >= 2 or sign * value > 5.25:
                naive = number
    assert (None if whole.trip is None else whole.trip.sequence) == naive


def test_bad_rows_neither_count_nor_break_a_count() -> None:
    limits = checker(FIVE)
    limits.feed(block([5.1, math.nan, 5.1], bad=(1,)))
    assert limits.trip is not None
    assert limits.trip.sequence == 3


def test_current_and_charge_are_magnitudes() -> None:
    for rows in (block([0.0, 0.0], current_A=-1.02e-3), block([0.0, 0.0], capacity_Ah=[1.01e-3, 1.02e-3])):
        limits = checker(FIVE)
        limits.feed(rows)
        assert limits.trip is not None
        assert limits.trip.outcome is Outcome.TRIPPED


def test_tightest_layer_wins() -> None:
    limits = checker(FIVE, channel=Limits(voltage_max_V=2.0))
    limits.feed(block([2.05, 2.05]))
    assert limits.trip is not None
    merged = tightest((FIVE, Limits(voltage_min_V=-1.0, current_max_A=2e-3), None))
    assert (merged.voltage_min_V, merged.voltage_max_V, merged.current_max_A) == (-1.0, 5.0, 1e-3)


def test_limit_of_a_step_holds_in_that_step_alone() -> None:
    steps = (charge(1), replace(charge(2), limits=Limits(voltage_max_V=1.0)))
    limits = LimitChecker(program((Segment(1, steps),)))
    limits.feed(block([2.0, 2.0], step_id=1))
    assert limits.trip is None
    limits.feed(block([2.0, 2.0], step_id=2, first=3))
    assert limits.trip is not None
    assert limits.trip.sequence == 3  # 2 V is far beyond 1 V


def test_trip_is_told_once_and_stays() -> None:
    limits = checker(FIVE)
    first = limits.feed(block([6.0]))
    assert [finding.priority for finding in first] == [Priority.CRITICAL]
    assert limits.feed(block([6.0], first=2)) == []


def test_warning_has_delay_and_hysteresis_and_stops_nothing() -> None:
    limits = LimitChecker(program(cycling(), limits=FIVE), (), Limits(voltage_max_V=1.0, delay_s=20.0))
    voltages = [1.1, 0.5, 1.1, 1.1, 1.1, 0.999, 1.1, 0.9, 1.1]
    kinds = [(finding.kind, finding.sequence) for finding in limits.feed(block(voltages))]
    assert kinds == [("limit.warn", 5), ("limit.warn.clear", 8)]
    assert limits.trip is None


# -- late verification ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("current_A", "agrees"),
    [
        (CURRENT_A, True),
        (CURRENT_A * 0.997, True),  # the first record of a CC step is a little low
        (CURRENT_A * 1.01, False),
        (0.0, False),  # open leads
        (-CURRENT_A, False),
    ],
)
def test_first_records_must_carry_the_set_current(current_A: float, agrees: bool) -> None:
    verifier = LateVerifier(program(cycling()), RANGES)
    assert (verifier.feed(block([0.1] * 3, current_A=current_A)) == []) is agrees


def test_step_of_another_kind_is_found() -> None:
    verifier = LateVerifier(program(cycling()), RANGES)
    (problem,) = verifier.feed(block([0.1] * 3, current_A=-CURRENT_A, step_type=2))
    assert "cc_charge" in problem
    assert "CC_DCHG" in problem


def test_only_the_first_three_records_are_verified() -> None:
    verifier = LateVerifier(program(cycling()), RANGES)
    assert verifier.feed(block([0.1] * 2)) == []
    assert len(verifier.feed(block([0.1], current_A=0.0, first=3))) == 1
    verifier = LateVerifier(program(cycling()), RANGES)
    assert verifier.feed(block([0.1] * 3)) == []
    assert verifier.feed(block([0.1] * 3, current_A=0.0, first=4)) == []


def test_voltage_regulated_step_may_drive_less_and_never_more() -> None:
    step = replace(charge(2), mode=StepMode.CCCV_CHARGE, voltage_V=3.8)
    for factor, agrees in ((0.1, True), (1.0, True), (1.02, False)):
        verifier = LateVerifier(program((Segment(1, (rest(1), step)),)), RANGES)
        rows = block([3.8] * 3, current_A=CURRENT_A * factor, step_type=5)
        assert (verifier.feed(rows) == []) is agrees


# -- readings that cannot be trusted -------------------------------------------------------------------------


def test_bad_readings_become_an_alarm_after_three_polls() -> None:
    watch = BadWatch(poll_s=20.0)
    kinds = [finding.kind for finding in watch.feed(block([0.1] * 4, bad=(1, 2, 3)))]
    assert kinds == ["reading.bad"]
    assert [finding.kind for finding in watch.feed(block([0.1] * 5, bad=(0, 1, 2, 3, 4), first=5))] == [
        "reading.bad.long"
    ]
    assert [finding.kind for finding in watch.feed(block([0.1], first=10))] == ["reading.good"]


@pytest.mark.parametrize("pieces", [1, 7, 61])
def test_sixty_equal_rows_are_frozen_whatever_the_cuts(pieces: int) -> None:
    watch = FrozenWatch()
    kinds: list[str] = []
    count = FROZEN_ROWS + 1
    rows = block([0.1] * count, capacity_Ah=[1e-6] * count)
    for part in np.array_split(np.arange(count), pieces):
        kinds += [finding.kind for finding in watch.feed(rows.rows(int(part[0]), int(part[-1]) + 1))]
    assert kinds == ["reading.frozen"]


def test_voltage_alone_may_stand_still() -> None:
    assert FrozenWatch().feed(block([0.1] * 200)) == []


def test_rest_may_stand_still() -> None:
    rows = block([0.1] * 200, capacity_Ah=[0.0] * 200, step_type=0)
    assert FrozenWatch().feed(rows) == []


def test_outage_is_unknown_after_three_polls_and_five_seconds() -> None:
    silence = SilenceWatch(poll_s=10.0)
    silence.lost_at(100.0)
    assert not silence.unknown(135.0)
    assert silence.unknown(135.1)
    silence.back()
    assert not silence.lost


def test_charge_counter_that_disagrees_with_current_and_time_is_told_once_per_step() -> None:
    """F12: a counter that wrapped or was not reset."""
    time_s = np.arange(6) * 10.0
    good_Ah = (CURRENT_A * time_s / 3600.0).tolist()
    for capacity_Ah, told in ((good_Ah, 0), ([value + 1e-3 for value in good_Ah], 1), ([0.0] * 6, 1)):
        rows = block([0.1] * 6, capacity_Ah=capacity_Ah)
        columns = {**rows.columns, "step_time_second": time_s}
        watch = CapacityWatch()
        found = watch.feed(RecordBlock(columns)) + watch.feed(RecordBlock(columns))
        assert len(found) == told


def test_wall_clock_that_is_set_is_noted_and_a_slow_drift_is_not() -> None:
    """F15: an hour forth and back, three years, a leap second."""
    watch = ClockWatch()
    assert watch.feed(1000.0, 0.0) == 0.0
    assert watch.feed(1010.4, 10.0) == 0.0
    assert watch.feed(4620.4, 20.0) == pytest.approx(3600.0)
    assert watch.feed(1030.4, 30.0) == pytest.approx(-3600.0)
    assert watch.feed(1030.4 + 94_670_000.0, 40.0) != 0.0


def test_cell_that_comes_off_in_the_middle_of_a_step_is_found() -> None:
    """F28: three rows without current in a CC step; a rest may carry none."""
    watch = OpenCircuitWatch(program(cycling()))
    assert watch.feed(block([0.1] * 5, current_A=[CURRENT_A, CURRENT_A, 0.0, 0.0, CURRENT_A])) == ""
    assert watch.feed(block([0.1] * 2, current_A=0.0, first=6)) == ""
    assert "come off" in watch.feed(block([0.1], current_A=0.0, first=8))
    assert (
        OpenCircuitWatch(program(cycling())).feed(block([0.1] * 9, current_A=0.0, step_id=1, step_type=0))
        == ""
    )


# -- start checks --------------------------------------------------------------------------------------------


CAPABILITIES = CyclerCapabilities("fake", frozenset(StepMode), RANGES, -5.0, 5.0)


def live(state: ChannelState = ChannelState.IDLE, voltage_V: float = 0.001) -> LiveReading:
    """Return a live reading."""
    return LiveReading("1-1", state, voltage_V, 0.0, None, 1, 0.0, 0.0)


def cell_of(bound: Program, kind: CellKind = CellKind.SYMMETRIC, ocv_V: float | None = 0.0) -> Cell:
    """Return the cell of a program."""
    return Cell(bound.cell.cell_id, "x", kind, area_cm2=AREA_CM2, ocv_V=ocv_V)


def refused(
    reading: LiveReading, *, kind: CellKind = CellKind.SYMMETRIC, ocv_V: float | None = 0.0
) -> list[str]:
    """Return the items that refuse a start."""
    bound = program(cycling())
    found = start_refusals(bound, cell_of(bound, kind, ocv_V), reading, CAPABILITIES, None, 10**9, {})
    assert all(str(item) and item.fix for item in found)
    return [item.item for item in found]


@pytest.mark.parametrize("state", list(ChannelState))
def test_channel_must_be_free(state: ChannelState) -> None:
    free = state in (ChannelState.IDLE, ChannelState.FINISHED, ChannelState.STOPPED, ChannelState.PROTECTED)
    assert refused(live(state)) == ([] if free else ["state"])


@pytest.mark.parametrize(
    ("kind", "voltage_V", "registered_V", "good"),
    [
        (CellKind.SYMMETRIC, 0.02, 0.0, True),
        (CellKind.SYMMETRIC, -0.02, 0.0, True),  # no sign check for Li|Li
        (CellKind.SYMMETRIC, 3.2, None, False),  # an LFP cell in the holder
        (CellKind.LFP_LI, 3.4, 3.39, True),
        (CellKind.LFP_LI, -3.4, None, False),  # F34: reversed
        (CellKind.LFP_LI, 0.001, None, False),  # F29: a symmetric cell in the holder
        (CellKind.LTO_LI, 2.65, 2.655, True),
        (CellKind.LTO_LI, 1.55, 2.655, False),
        (CellKind.OTHER, 1.0, 1.02, True),
        (CellKind.OTHER, 1.0, 1.2, False),
        (CellKind.SYMMETRIC, math.nan, None, False),
    ],
)
def test_open_circuit_voltage_must_fit_class_and_cell(
    kind: CellKind, voltage_V: float, registered_V: float | None, good: bool
) -> None:
    assert (refused(live(voltage_V=voltage_V), kind=kind, ocv_V=registered_V) == []) is good


def test_disk_range_limits_and_cell_are_checked_and_can_be_overridden() -> None:
    bound = program((Segment(1, (charge(1, current_A=0.02),)),), limits=Limits(voltage_max_V=6.0))
    cell = replace(cell_of(bound), cell_id=CellId("another"))
    found = start_refusals(bound, cell, live(), CAPABILITIES, None, 10, {})
    assert sorted(item.item for item in found) == ["cell", "disk", "limits", "range"]
    left = start_refusals(
        bound, cell, live(), CAPABILITIES, None, 10, {"cell": "swapped on purpose", "disk": "y"}
    )
    assert sorted(item.item for item in left) == ["limits", "range"]
