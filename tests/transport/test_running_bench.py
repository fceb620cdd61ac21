"""A bench in a process of its own: its first line, its admin port, its end."""

from __future__ import annotations

import pytest

from labctl.clock import Clock, ClockMode, ClockSpec, run_with_clock
from labctl.errors import LinkClosed, RefusedError
from labctl.testing.sim import running_bench


def test_a_bench_says_where_it_listens_answers_requests_and_ends_when_asked() -> None:
    with running_bench("--mode", "lockstep", "--seed", "7") as bench:
        assert bench.first["schema"] == "labctl.sim/1"
        assert bench.station_file.exists()
        assert bench.instrument("neware")["kind"] == "neware-bts"
        with pytest.raises(KeyError):
            bench.instrument("no such thing")
        assert bench.admin("hello")["plant_s"] == 0.0
        with pytest.raises(RefusedError):
            bench.admin("no such request")

        async def main(clock: Clock) -> None:
            await clock.plant.sleep(3600.0)

        spec = ClockSpec(mode=ClockMode.LOCKSTEP, admin=bench.first["admin"])
        run_with_clock(spec, main)
        assert bench.admin("hello")["plant_s"] == 3600.0  # frozen: the leader has gone
        assert bench.stop() == 0


def test_a_bench_that_is_killed_is_a_closed_link() -> None:
    with running_bench("--mode", "lockstep") as bench:
        bench.admin("hello")
        bench.kill()
        with pytest.raises(LinkClosed):
            bench.admin("hello")


def test_a_bench_that_does_not_start_says_why() -> None:
    with pytest.raises(LinkClosed, match="ended with exit code 2"), running_bench("--no-such-option"):
        pass
