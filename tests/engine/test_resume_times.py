"""Plant seconds of an earlier process: the same on a virtual bench, strangers on hardware."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from labctl.engine.machines.stale import ClockWatch
from labctl.engine.resume import segment_start_s

EPOCH_S = 1_767_225_600.0


@dataclass
class Plant:
    """A plant time that stands still."""

    virtual: bool
    now: float
    epoch_unix_s: float = EPOCH_S

    def now_s(self) -> float:
        return self.now

    def utc(self) -> datetime:
        return datetime(2026, 3, 1, 12, tzinfo=UTC)

    async def sleep(self, duration_s: float) -> None: ...
    async def sleep_until(self, t_s: float) -> None: ...


def manifest(plant_s: float, ago: timedelta) -> dict[str, Any]:
    """Return a run whose segment began so long ago, at that plant second of its own process."""
    started = (datetime(2026, 3, 1, 12, tzinfo=UTC) - ago).isoformat()
    return {
        "clock": {"epoch_unix_s": EPOCH_S},
        "segments": [{"started_plant_s": plant_s, "started_utc": started}],
    }


def test_on_hardware_a_segment_began_as_long_ago_as_the_wall_says() -> None:
    found = manifest(0.4, timedelta(days=20))
    assert segment_start_s(found, Plant(False, 3.0, EPOCH_S + 9e6)) == pytest.approx(3.0 - 20 * 86400.0)


def test_wall_clock_that_was_set_back_puts_no_start_into_the_future() -> None:
    found = manifest(0.4, timedelta(hours=-1))
    assert segment_start_s(found, Plant(False, 3.0, EPOCH_S + 9e6)) == 3.0


def test_on_a_virtual_bench_plant_seconds_are_those_of_the_bench() -> None:
    assert segment_start_s(manifest(777.0, timedelta(hours=1)), Plant(True, 9000.0)) == 777.0


def test_clock_that_drifts_for_a_month_has_not_been_set_and_one_that_was_set_has() -> None:
    watch = ClockWatch()
    drift = 50e-6  # a quartz that nobody disciplines: 4 s a day
    for poll in range(0, 30 * 8640, 60):
        assert watch.feed(poll * 10.0 * (1.0 + drift), poll * 10.0) == 0.0
    assert watch.feed(2.6e6 + 3600.0, 2.6e6) == pytest.approx(3600.0 - 130.0, abs=1.0)
