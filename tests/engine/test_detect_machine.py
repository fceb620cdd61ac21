"""Shorts, polarisation, capacity and efficiency: which row decides, and that cuts and replays do not matter."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labctl.engine.machines.detect import Detector
from labctl.engine.machines.findings import EndDecision, Outcome
from labctl.model.ids import CellId
from labctl.model.program import CellFacts, Detection, DetectionAction, DetectionKind
from labctl.model.record import RECORD_COLUMNS, SIDE_COLUMNS, RecordBlock
from labctl.testing.fakeruns import AREA_CM2, CURRENT_A

FACTS = CellFacts(CellId("C1"), "C1", "symmetric", area_cm2=AREA_CM2)
ROWS = 61
"""Rows of a half-cycle: 600 s at 10 s."""


def rows_of(
    halves_V: Sequence[float], *, offset_V: float = 0.0, capacities_Ah: Sequence[float] | None = None
) -> RecordBlock:
    """Return an opening rest of 600 s and half-cycles of alternating sign that stand at a voltage each."""
    count = ROWS * (1 + len(halves_V))
    columns = {name: np.zeros(count, dtype) for name, dtype in {**RECORD_COLUMNS, **SIDE_COLUMNS}.items()}
    columns["sequence"] = np.arange(1, count + 1, dtype="<i8")
    columns["segment"][:] = 1
    columns["voltage_volt"][:ROWS] = offset_V
    columns["step_count"][:ROWS] = 1
    columns["step_id"][:ROWS] = 1
    columns["cycle_count"][:ROWS] = 1
    time_s = np.arange(ROWS) * 10.0
    columns["test_time_second"][:ROWS] = time_s
    for index, voltage_V in enumerate(halves_V):
        place = slice(ROWS * (index + 1), ROWS * (index + 2))
        sign = 1 if index % 2 == 0 else -1
        columns["test_time_second"][place] = 600.0 * (index + 1) + time_s
        columns["step_time_second"][place] = time_s
        columns["voltage_volt"][place] = sign * voltage_V + offset_V
        columns["current_ampere"][place] = sign * CURRENT_A
        columns["step_count"][place] = index + 2
        columns["step_id"][place] = 2 if sign > 0 else 3
        columns["step_type"][place] = 1 if sign > 0 else 2
        columns["cycle_count"][place] = index // 2 + 1
        total_Ah = CURRENT_A / 6.0 if capacities_Ah is None else capacities_Ah[index]
        columns["step_capacity_ah"][place] = total_Ah * time_s / 600.0
        columns["step_energy_wh"][place] = total_Ah * time_s / 600.0 * abs(voltage_V)
    return RecordBlock(columns)


def detect(
    rows: RecordBlock, *rules: Detection, facts: CellFacts = FACTS, cuts: Sequence[int] = ()
) -> tuple[EndDecision | None, list[tuple[str, int | None]]]:
    """Return the decision and the findings."""
    detector = Detector(rules, facts)
    found: list[tuple[str, int | None]] = []
    edges = [0, *cuts, len(rows)]
    for begin, end in pairwise(edges):
        findings, _ = detector.feed(rows.rows(begin, end))
        found += [(finding.kind, finding.sequence) for finding in findings]
    return detector.decision, found


SHORT = Detection(DetectionKind.SHORT, 10.0, 5, DetectionAction.STOP)
POLARISED = Detection(DetectionKind.POLARISATION, 1.0, 1, DetectionAction.FLAG)


def last_row(half: int) -> int:
    """Return the last sequence of a half-cycle, counted from 1."""
    return ROWS * (half + 1)


def test_short_is_five_half_cycles_in_a_row_and_the_last_row_of_the_fifth_decides() -> None:
    decision, found = detect(rows_of([0.2] * 3 + [0.005] * 8), SHORT)
    assert decision is not None
    assert (decision.outcome, decision.sequence) == (Outcome.SHORT, last_row(8))
    assert found == [("detect.short", last_row(8))]


def test_healthy_half_cycle_between_begins_the_count_anew() -> None:
    decision, _ = detect(rows_of([0.005] * 4 + [0.2] + [0.005] * 4 + [0.2]), SHORT)
    assert decision is None


def test_half_cycle_under_way_decides_nothing() -> None:
    decision, _ = detect(rows_of([0.005] * 5), SHORT)
    assert decision is None  # nobody knows yet that the fifth is over


def test_channel_offset_is_taken_off() -> None:
    """0.25 mV at 0.1 mA/cm2 is 2.5 ohm cm2: without the correction a healthy 8 mV would look wrong (P1)."""
    assert detect(rows_of([0.008] * 8, offset_V=0.02), SHORT)[0] is not None
    assert detect(rows_of([0.020] * 8, offset_V=-0.015), SHORT)[0] is None


def test_flag_is_told_once_and_ends_nothing() -> None:
    decision, found = detect(rows_of([0.2, 1.2, 1.3, 0.2, 1.4, 0.2]), POLARISED)
    assert decision is None
    assert found == [("detect.polarisation", last_row(2))]


def test_polarisation_that_stops_ends_as_dead() -> None:
    rule = Detection(DetectionKind.POLARISATION, 1.0, 2, DetectionAction.STOP)
    decision, _ = detect(rows_of([0.2, 1.2, 1.3, 0.2]), rule)
    assert decision is not None
    assert (decision.outcome, decision.sequence) == (Outcome.DEAD, last_row(3))


def test_efficiency_follows_the_cells_convention() -> None:
    """Charged first: Q_dis / Q_chg. Discharged first (LTO): Q_chg / Q_dis, so the same rows are no fault."""
    rule = Detection(DetectionKind.EFFICIENCY, 0.95, 2, DetectionAction.STOP)
    rows = rows_of([1.0] * 6, capacities_Ah=[1.0, 0.9] * 3)
    charged = CellFacts(CellId("C1"), "C1", "other", first_sign="charge")
    decision, _ = detect(rows, rule, facts=charged)
    assert decision is not None
    assert (decision.outcome, decision.sequence) == (Outcome.DEAD, last_row(4))
    discharged = CellFacts(CellId("C1"), "C1", "other", first_sign="discharge")
    assert detect(rows, rule, facts=discharged)[0] is None


def test_capacity_is_a_fraction_of_the_reference_cycle() -> None:
    capacities = [1.0, 1.0, 1.0, 1.2, 1.0, 1.1, 1.0, 0.9, 1.0]
    rows = rows_of([1.0] * 9, capacities_Ah=capacities)
    of_first = Detection(DetectionKind.CAPACITY, 0.8, 1, DetectionAction.STOP)
    of_second = Detection(DetectionKind.CAPACITY, 0.8, 1, DetectionAction.STOP, reference_cycle=2)
    assert detect(rows, of_first)[0] is None
    decision, _ = detect(rows, of_second)
    assert decision is not None
    assert decision.sequence == last_row(8)


def test_measured_values_are_those_of_the_last_half_cycle() -> None:
    detector = Detector((), FACTS)
    detector.feed(rows_of([0.2, 0.3]))
    values = detector.values()
    assert values["polarisation"] == pytest.approx(0.3)
    assert values["capacity"] == pytest.approx(CURRENT_A / 6.0)
    assert values["efficiency"] == pytest.approx(1.0)
    assert (values["cycle"], values["test_time"]) == (1.0, 1800.0)
    assert values["current"] == -CURRENT_A


@settings(max_examples=60)
@given(
    st.lists(st.sampled_from([0.2, 0.005, 1.2]), min_size=2, max_size=14),
    st.sets(st.integers(1, 14 * ROWS), max_size=10),
)
def test_decision_does_not_depend_on_how_rows_are_cut(halves_V: list[float], cuts: set[int]) -> None:
    rows = rows_of(halves_V)
    places = sorted(cut for cut in cuts if cut < len(rows))
    assert detect(rows, SHORT, POLARISED) == detect(rows, SHORT, POLARISED, cuts=places)
