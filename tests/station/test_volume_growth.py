"""How long the disk lasts: measured after half an hour of watching, reckoned before, NaN where nothing grows."""

from __future__ import annotations

import math

import pytest

from labctl.protocol.estimate import BYTES_PER_ROW
from labctl.station.growth import DAY_S, Growth

FREE = 400_000_000_000


def test_before_it_has_watched_long_it_reckons_with_the_rows_of_the_runs() -> None:
    growth = Growth()
    growth.see(0.0, 0.0, FREE)
    assert growth.days_left(FREE, 6.0) == pytest.approx(FREE / (6.0 * BYTES_PER_ROW) / DAY_S)
    assert math.isnan(growth.days_left(FREE, 0.0))


def test_a_bench_whose_time_flies_fills_the_disk_as_much_sooner() -> None:
    growth = Growth()
    growth.see(0.0, 0.0, FREE)
    growth.see(60.0, 36_000.0, FREE)
    slow = Growth().days_left(FREE, 6.0)
    assert growth.days_left(FREE, 6.0) == pytest.approx(slow / 600.0)


def test_after_half_an_hour_it_says_what_it_has_seen() -> None:
    growth = Growth()
    for minute in range(61):
        growth.see(minute * 60.0, minute * 60.0, FREE - minute * 60_000_000)
    left = FREE - 60 * 60_000_000
    assert growth.days_left(left, 6.0) == pytest.approx(left / 1e6 / DAY_S)


def test_room_that_was_made_is_no_growth() -> None:
    growth = Growth()
    for minute in range(61):
        growth.see(minute * 60.0, minute * 60.0, FREE + minute)
    assert math.isnan(growth.days_left(FREE, 0.0))
