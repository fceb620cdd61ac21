"""Offsets, end voltages and series of hits."""

from __future__ import annotations

import math

import numpy as np
import pytest

from labctl.analysis.detect import area_resistance_ohm_cm2, end_voltage_V, first_series, offset_V, time_mean
from labctl.model.record import RECORD_COLUMNS, RecordBlock
from labctl.testing.rowbuilder import RowBuilder


def test_the_offset_of_a_rest_is_the_mean_of_its_last_ten_minutes() -> None:
    rest = RowBuilder().rest(3600.0, lambda time_s: np.where(time_s < 3000.0, 1.0, 0.25e-3)).block()
    assert offset_V(rest) == pytest.approx(0.25e-3)


def test_without_an_opening_rest_nothing_is_corrected() -> None:
    assert offset_V(RecordBlock.empty(RECORD_COLUMNS)) == 0.0


def test_the_end_voltage_is_the_mean_of_the_last_minute() -> None:
    half = RowBuilder().charge(600.0, 1e-3, lambda time_s: np.where(time_s < 540.0, 9.0, 0.1)).block()
    assert end_voltage_V(half) == pytest.approx(0.1)


def test_area_resistance_is_the_offset_free_voltage_over_the_current_density() -> None:
    assert area_resistance_ohm_cm2(0.0806, 0.0021, 0.785e-3, 0.785) == pytest.approx(78.5)
    assert area_resistance_ohm_cm2(-0.0764, 0.0021, -0.785e-3, 0.785) == pytest.approx(78.5)
    assert math.isnan(area_resistance_ohm_cm2(0.1, 0.0, 1e-3, None))
    assert math.isnan(area_resistance_ohm_cm2(0.1, 0.0, 0.0, 1.0))


def test_uneven_records_weigh_by_the_time_they_stand_for() -> None:
    time_s = np.array([0.0, 50.0, 50.1, 50.2, 60.0])
    assert time_mean(time_s, np.array([1.0, 1.0, 3.0, 3.0, 3.0])) == pytest.approx((50 + 0.2 + 9.9 * 3) / 60)
    assert time_mean(time_s[:1], np.array([4.0])) == 4.0
    assert math.isnan(time_mean(time_s[:0], time_s[:0]))


@pytest.mark.parametrize(
    ("hits", "in_a_row", "begins"),
    [([0, 1, 1, 0, 1, 1, 1], 3, 4), ([0, 1, 1, 0], 3, None), ([1], 1, 0), ([], 1, None), ([0, 1, 0], 1, 1)],
)
def test_a_series_begins_at_its_first_hit(hits: list[int], in_a_row: int, begins: int | None) -> None:
    assert first_series(np.array(hits, dtype=bool), in_a_row) == begins
