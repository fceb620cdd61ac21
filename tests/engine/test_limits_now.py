"""Which limits bind a channel now, whose they are and what it reads: as the engine checks them."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from labctl.config.classes import ChannelLimits
from labctl.engine.supervisor import Supervisor
from labctl.model.ids import ChannelId
from labctl.model.layers import HostLimits, LimitOverride
from labctl.model.limitsnow import Layer, LimitNow, LimitsNow
from labctl.model.program import Limits, Segment, TemperatureDemand
from labctl.testing.benchrun import small_bench
from labctl.testing.fakeruns import CURRENT_A, charge, job, program, rest
from labctl.testing.supervised import SupervisedBench

PLACE = ChannelId("neware:1-1")
OWN = Limits(voltage_min_V=-3.0, voltage_max_V=3.0, current_max_A=2e-3)
TIGHT = replace(charge(2), limits=Limits(voltage_min_V=-3.0, voltage_max_V=1.0, current_max_A=2e-3))
FLOW = (Segment(1, (rest(1), TIGHT, charge(3, 600.0, -CURRENT_A))),)


@pytest.fixture
def lab(tmp_path: Path) -> SupervisedBench:
    """One symmetric cell, polled every minute."""
    return SupervisedBench(small_bench({}), tmp_path, poll_s=60.0)


def by_name(found: LimitsNow) -> dict[str, LimitNow]:
    """Return the limits by quantity."""
    return {limit.quantity: limit for limit in found.limits}


def layers(limit: LimitNow) -> dict[str, float]:
    """Return what each layer says."""
    return {item.layer.value: item.limit for item in limit.layers}


def test_each_quantity_says_the_tightest_value_its_layer_and_what_is_read(lab: SupervisedBench) -> None:
    lab.limit(
        PLACE,
        ChannelLimits(
            trip=Limits(voltage_min_V=-4.0, voltage_max_V=4.0, current_max_A=1e-3),
            warn=Limits(voltage_max_V=0.9),
            host=HostLimits(power_max_W=0.02, half_cycle_capacity_max_Ah=1e-3),
        ),
    )

    async def story(engine: Supervisor) -> None:
        run_id = await engine.start(job(program(FLOW, limits=OWN)))
        await lab.rows_of(run_id, 30)
        found = by_name(engine.limits_now(PLACE, None))
        high = found["voltage_max_V"]
        assert (high.limit, high.layer, high.warn, high.unit) == (3.0, Layer.PROTOCOL, 0.9, "V")
        assert layers(high) == {"L1": 5.0, "L2": 4.0, "L3": 5.0, "L4": 3.0}
        assert found["voltage_min_V"].is_lower and found["voltage_min_V"].limit == -3.0
        assert (found["current_max_A"].limit, found["current_max_A"].layer) == (1e-3, Layer.CHANNEL)
        assert (found["step_time_max_s"].limit, found["step_time_max_s"].layer) == (600.0, Layer.STEP)
        assert 0.0 < found["step_time_max_s"].now < 600.0
        assert (found["power_max_W"].limit, found["power_max_W"].layer) == (0.02, Layer.CHANNEL)
        assert found["half_cycle_capacity_max_Ah"].now == 0.0
        await lab.rows_of(run_id, 100)
        later = engine.limits_now(PLACE, None)
        found = by_name(later)
        assert later.run_id == run_id and later.step_number == 2
        assert (found["voltage_max_V"].limit, found["voltage_max_V"].layer) == (1.0, Layer.STEP)
        progress = engine.progress_of(run_id)
        assert progress is not None and found["voltage_max_V"].now == progress.voltage_V
        assert found["current_max_A"].now == pytest.approx(CURRENT_A, rel=1e-3)
        assert 0.0 < found["half_cycle_capacity_max_Ah"].now < 1e-3
        assert found["power_max_W"].now == pytest.approx(progress.voltage_V * progress.current_A, rel=1e-6)
        await lab.over(run_id)

    lab.supervise(story)


def test_a_limit_that_somebody_has_loosened_says_who_until_it_binds_again(lab: SupervisedBench) -> None:
    until = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=1)
    override = LimitOverride(Limits(current_max_A=5e-3), HostLimits(), "li", "formation", until.isoformat())
    lab.limit(PLACE, ChannelLimits(trip=Limits(current_max_A=1e-3), override=override))

    async def story(engine: Supervisor) -> None:
        run_id = await engine.start(job(program((Segment(1, (rest(1, 7200.0),)),))))
        await lab.rows_of(run_id, 30)
        loosened = by_name(engine.limits_now(PLACE, None))["current_max_A"]
        channel = next(item for item in loosened.layers if item.layer is Layer.CHANNEL)
        assert (loosened.limit, channel.loosened_by) == (5e-3, "li")
        await lab.rows_of(run_id, 500)
        again = by_name(engine.limits_now(PLACE, None))["current_max_A"]
        assert again.limit == 1e-3 and not any(item.loosened_by for item in again.layers)

    lab.supervise(story)


def test_without_a_run_the_limits_are_those_of_a_start(lab: SupervisedBench) -> None:
    lab.limit(PLACE, ChannelLimits(trip=Limits(voltage_max_V=4.2), warn=Limits(voltage_max_V=4.0)))

    async def story(engine: Supervisor) -> None:
        await lab.heard.until(lambda: PLACE in lab.heard.idle)
        cell = replace(job(program(FLOW)).cell, current_max_A=3e-3)
        found = engine.limits_now(PLACE, cell)
        assert found.run_id is None and found.step_number == 0
        limits = by_name(found)
        assert (limits["voltage_max_V"].limit, limits["voltage_max_V"].layer) == (4.2, Layer.CHANNEL)
        assert limits["voltage_max_V"].warn == 4.0 and math.isfinite(limits["voltage_max_V"].now)
        assert (limits["current_max_A"].limit, limits["current_max_A"].layer) == (3e-3, Layer.CELL)
        assert "step_time_max_s" not in limits
        bare = by_name(engine.limits_now(PLACE, None))
        assert bare["current_max_A"].layer is Layer.DEVICE

    lab.supervise(story)


def test_in_a_chamber_the_temperature_that_stops_the_run_is_told(tmp_path: Path) -> None:
    spec = small_bench({"chamber": "oven"}, chambers=[{"name": "oven"}])
    bench = SupervisedBench(spec, tmp_path, poll_s=60.0)
    demand = TemperatureDemand(40.0, soak_s=600.0, trip_K=5.0)

    async def story(engine: Supervisor) -> None:
        run_id = await engine.start(job(program(FLOW, limits=OWN, temperature=demand)))
        await bench.rows_of(run_id, 10)
        warm = by_name(engine.limits_now(PLACE, None))["temperature_max_degC"]
        assert (warm.limit, warm.layer, warm.unit) == (45.0, Layer.PROTOCOL, "degC")
        assert warm.now == pytest.approx(40.0, abs=1.5)
        await bench.over(run_id)

    bench.supervise(story)
