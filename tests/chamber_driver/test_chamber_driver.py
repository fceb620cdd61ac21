"""The chamber driver against a scripted chamber: over TCP, over RTU, and with another register map
(TC-12)."""

from __future__ import annotations

import asyncio
import itertools
import math
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from labctl_drivers.chamber import create

from labctl.clock import Clock, ClockMode, ClockSpec, run_with_clock
from labctl.errors import (
    InstrumentError,
    LinkClosed,
    LinkTimeout,
    RefusedError,
    UnknownStateError,
    UsageError,
    WireError,
)
from labctl.interfaces.chamber import ChamberState, Quality, TemperatureChamber
from labctl.testing.faultplan import fail_each_byte, fail_nth_exchange, flip_each_bit, seeded_plan
from labctl.transport import open_transport
from labctl.transport.faults import Fault, FaultKind, FaultPlan, Garbling
from labctl.transport.faulty import FaultyTransport
from labctl.transport.memory import MemoryTransport

Story = Callable[[TemperatureChamber, Clock], Awaitable[None]]


def at(place: Any, story: Story) -> None:
    """Run a story with an open driver in real time."""

    async def main(clock: Clock) -> None:
        driver = create(
            "oven", place.resource, place.options, clock, lambda resource: open_transport(resource, clock)
        )
        await driver.open()
        try:
            await story(driver, clock)
        finally:
            await driver.close()

    run_with_clock(ClockSpec(), main)


def test_a_reading_says_state_temperature_and_both_set_points(place: Any) -> None:
    async def story(driver: TemperatureChamber, clock: Clock) -> None:
        place.chamber.put("temperature", 59.875)
        place.chamber.put("followed", 59.0)
        place.chamber.put("setpoint", 60.0)
        place.chamber.inputs[place.chamber.places["state"]] = 1
        reading = await driver.read()
        assert reading.quality is Quality.GOOD
        assert reading.state is ChamberState.ON
        assert (reading.temperature_degC, reading.setpoint_degC, reading.followed_degC) == (
            59.875,
            60.0,
            59.0,
        )
        assert (reading.alarm, reading.alarm_text) == (0, "")

    at(place, story)
    assert place.chamber.written == []


def test_a_set_writes_ramp_and_set_point_compares_and_then_switches_on(place: Any) -> None:
    async def story(driver: TemperatureChamber, clock: Clock) -> None:
        await driver.set(60.0, ramp_K_per_min=1.5)
        assert (await driver.read()).setpoint_degC == 60.0

    at(place, story)
    assert place.chamber.written == [("ramp", 1.5), ("setpoint", 60.0), ("on", 1)]


def test_a_set_without_a_ramp_leaves_the_ramp_alone(place: Any) -> None:
    async def story(driver: TemperatureChamber, clock: Clock) -> None:
        await driver.set(60.1)

    at(place, story)
    assert [name for name, _ in place.chamber.written] == ["setpoint", "on"]
    assert place.chamber.get("ramp") == 2.0


def test_off_writes_0_and_compares(place: Any) -> None:
    async def story(driver: TemperatureChamber, clock: Clock) -> None:
        await driver.set(60.0)
        await driver.off()
        assert (await driver.read()).state is ChamberState.OFF

    at(place, story)
    assert place.chamber.written[-1] == ("on", 0)


@pytest.mark.parametrize(
    ("temperature_degC", "ramp"), [(151.0, None), (-41.0, None), (math.nan, None), (60.0, 20.0)]
)
def test_tc_02_a_set_point_out_of_range_is_refused_here_and_nothing_is_sent(
    place: Any, temperature_degC: float, ramp: float | None
) -> None:
    async def story(driver: TemperatureChamber, clock: Clock) -> None:
        with pytest.raises(UsageError, match=r"oven: set: .* outside"):
            await driver.set(temperature_degC, ramp)

    at(place, story)
    assert place.chamber.written == []


def test_tc_02_an_exception_of_the_device_is_a_refusal_in_its_words(place: Any) -> None:
    def refuse(name: str, value: float) -> float:
        raise ValueError  # exception 3

    async def story(driver: TemperatureChamber, clock: Clock) -> None:
        place.chamber.spoil = refuse
        with pytest.raises(RefusedError, match="illegal data value") as caught:
            await driver.set(60.0)
        assert caught.value.instrument == "oven"
        assert caught.value.vendor_text == "exception 3, illegal data value"
        place.chamber.spoil = lambda name, value: value
        assert (await driver.read()).setpoint_degC == 25.0  # the link is still good

    at(place, story)


def test_a_chamber_with_another_map_than_ours_refuses_the_first_read(place: Any) -> None:
    async def main(clock: Clock) -> None:
        driver = create(
            "oven", place.resource, place.options, clock, lambda resource: open_transport(resource, clock)
        )
        with pytest.raises(RefusedError, match="illegal data address"):
            await driver.open()
        await driver.close()

    place.chamber.inputs.clear()
    run_with_clock(ClockSpec(), main)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 999.0, -200.0])
def test_tc_07_a_failed_sensor_is_bad_and_never_0(place: Any, value: float) -> None:
    async def story(driver: TemperatureChamber, clock: Clock) -> None:
        place.chamber.put("temperature", value)
        reading = await driver.read()
        assert reading.quality is Quality.BAD
        assert math.isnan(reading.temperature_degC)
        assert reading.detail
        assert reading.setpoint_degC == 25.0

    at(place, story)


def test_tc_08_a_set_point_changed_at_the_panel_is_seen_and_not_written_back(place: Any) -> None:
    async def story(driver: TemperatureChamber, clock: Clock) -> None:
        await driver.set(60.0)
        written = list(place.chamber.written)
        place.chamber.put("setpoint", 63.0)
        assert (await driver.read()).setpoint_degC == 63.0
        assert place.chamber.written == written

    at(place, story)


def test_f42_a_chamber_that_clamps_silently_is_an_unknown_state_and_is_not_switched_on(place: Any) -> None:
    async def story(driver: TemperatureChamber, clock: Clock) -> None:
        place.chamber.spoil = lambda name, value: min(value, 57.0)
        with pytest.raises(UnknownStateError, match="setpoint_degC was written as 60 and reads back as 57"):
            await driver.set(60.0)

    at(place, story)
    assert not place.chamber.is_on
    assert ("on", 1) not in place.chamber.written


def test_f42_a_chamber_that_does_not_switch_is_an_unknown_state(place: Any) -> None:
    async def story(driver: TemperatureChamber, clock: Clock) -> None:
        place.chamber.spoil = lambda name, value: 0.0 if name == "on" else value
        with pytest.raises(UnknownStateError, match="on was written as 1 and reads back as 0"):
            await driver.set(60.0)
        place.chamber.spoil = lambda name, value: 1.0 if name == "on" else value
        with pytest.raises(UnknownStateError, match="on was written as 0 and reads back as 1"):
            await driver.off()

    at(place, story)


def test_a_chamber_in_alarm_is_not_switched_on(place: Any) -> None:
    async def story(driver: TemperatureChamber, clock: Clock) -> None:
        place.chamber.inputs[place.chamber.places["state"]] = 2
        place.chamber.inputs[place.chamber.places["alarm"]] = 1
        reading = await driver.read()
        assert reading.state is ChamberState.ALARM
        assert reading.alarm_text == "over-temperature guard"
        with pytest.raises(RefusedError, match="over-temperature guard"):
            await driver.set(60.0)
        place.chamber.inputs[place.chamber.places["alarm"]] = 77
        assert (await driver.read()).alarm_text == "alarm code 77"

    at(place, story)
    assert place.chamber.written == []


def test_a_state_that_is_not_in_the_map_is_a_wire_error_after_two_more_tries(place: Any) -> None:
    async def story(driver: TemperatureChamber, clock: Clock) -> None:
        place.chamber.inputs[place.chamber.places["state"]] = 9
        with pytest.raises(WireError, match="state 9"):
            await driver.read()

    at(place, story)


def test_calls_from_many_tasks_take_turns(place: Any) -> None:
    async def story(driver: TemperatureChamber, clock: Clock) -> None:
        async with asyncio.TaskGroup() as group:
            reads = [group.create_task(driver.read()) for _ in range(20)]
            group.create_task(driver.set(40.0))
        assert {read.result().temperature_degC for read in reads} == {23.0}

    at(place, story)


def test_a_cancelled_question_does_not_leave_its_answer_to_the_next_one(place: Any) -> None:
    async def story(driver: TemperatureChamber, clock: Clock) -> None:
        for _ in range(5):
            async with asyncio.TaskGroup() as group:
                asking = group.create_task(driver.read())
                await clock.link.sleep(0.0)
                asking.cancel()
            await driver.open()
            assert (await driver.read()).temperature_degC == 23.0

    at(place, story)


# ---- in jump mode, with byte faults


def jumping(
    plan: FaultPlan, scripted: Any, story: Callable[..., Awaitable[None]], *, rtu: bool = False
) -> None:
    """Run a story with a driver over a faulty memory link; it is not opened yet."""

    async def main(clock: Clock) -> None:
        chamber = scripted(rtu=rtu)
        pipe = FaultyTransport(MemoryTransport(chamber.connected, clock), clock, plan)
        options = {"framing": "rtu" if rtu else "tcp"}
        driver = create("oven", "mem://oven", options, clock, lambda resource: pipe)
        await story(driver, chamber, pipe, clock)
        await driver.close()

    run_with_clock(ClockSpec(mode=ClockMode.JUMP), main)


async def right_or_stated(driver: TemperatureChamber) -> str:
    """Read once; a value must be right, a failure must be one of ours."""
    try:
        reading = await driver.read()
    except InstrumentError as error:
        assert str(error).startswith(("oven", "mem://"))
        return type(error).__name__
    assert (reading.temperature_degC, reading.setpoint_degC, reading.quality) == (23.0, 25.0, Quality.GOOD)
    return "right"


async def recovered(driver: TemperatureChamber) -> None:
    """Come back as the engine does: open again until it works; neighbouring faults may add up."""
    for _ in range(12):
        try:
            await driver.open()
            return
        except InstrumentError:
            continue
    raise AssertionError("the driver does not recover")


@pytest.mark.parametrize("rtu", [False, True])
@pytest.mark.parametrize(
    ("kind", "outcomes"),
    [
        (FaultKind.DROP, {"LinkClosed"}),
        (FaultKind.HANG, {"LinkTimeout"}),
        (FaultKind.LATE, {"LinkTimeout"}),
        (FaultKind.SPLIT, {"right"}),
        (FaultKind.MERGE, {"right"}),
        (FaultKind.DUPLICATE, {"right"}),
    ],
)
def test_each_fault_at_each_exchange_gives_the_stated_error_and_the_driver_recovers(
    scripted: Any, kind: FaultKind, outcomes: set[str], rtu: bool
) -> None:
    for plan in itertools.islice(fail_nth_exchange(kind, first=3), 4):

        async def story(
            driver: TemperatureChamber, chamber: Any, pipe: FaultyTransport, clock: Clock
        ) -> None:
            await driver.open()  # exchanges 1 and 2
            heard = [await right_or_stated(driver)]
            if heard == ["right"]:
                heard.append(await right_or_stated(driver))
            assert pipe.fired, "the sweep has passed the end"
            assert set(heard) <= outcomes | {"right"} and set(heard) & outcomes
            await recovered(driver)
            assert await right_or_stated(driver) == "right"

        jumping(plan, scripted, story, rtu=rtu)


@pytest.mark.parametrize("rtu", [False, True])
def test_a_reply_cut_at_any_byte_is_discarded_whole(scripted: Any, rtu: bool) -> None:
    """F03: a frame is complete at its length or not at all."""
    length = 17 if rtu else 21
    for kind in (FaultKind.DROP, FaultKind.HANG, FaultKind.SPLIT):
        for plan in fail_each_byte(kind, 3, length):

            async def story(driver: TemperatureChamber, chamber: Any, pipe: Any, clock: Clock) -> None:
                await driver.open()
                await right_or_stated(driver)
                await recovered(driver)
                assert await right_or_stated(driver) == "right"

            jumping(plan, scripted, story, rtu=rtu)


def test_any_flipped_bit_of_an_rtu_reply_is_asked_for_again_or_stated(scripted: Any) -> None:
    """F05: re-read at most twice; never a wrong value."""
    outcomes = set()
    for plan in flip_each_bit(3, 17):

        async def story(driver: TemperatureChamber, chamber: Any, pipe: Any, clock: Clock) -> None:
            await driver.open()
            outcomes.add(await right_or_stated(driver))

        jumping(plan, scripted, story, rtu=True)
    assert outcomes == {"right", "LinkTimeout"}


@pytest.mark.parametrize("garbling", [Garbling.LOSE, Garbling.NOISE])
def test_a_lost_or_added_byte_in_an_rtu_reply_never_makes_a_wrong_value(
    scripted: Any, garbling: Garbling
) -> None:
    for byte in range(17):
        fault = Fault(FaultKind.GARBLE, exchange=3, byte=byte, garbling=garbling, noise=b"\x01\x04")

        async def story(driver: TemperatureChamber, chamber: Any, pipe: Any, clock: Clock) -> None:
            await driver.open()
            await right_or_stated(driver)

        jumping(FaultPlan((fault,)), scripted, story, rtu=True)


def test_replies_that_stay_garbled_are_a_wire_error_after_three_questions(scripted: Any) -> None:
    fault = Fault(FaultKind.GARBLE, exchange=3, byte=10, from_then_on=True)

    async def story(driver: TemperatureChamber, chamber: Any, pipe: FaultyTransport, clock: Clock) -> None:
        await driver.open()
        with pytest.raises(WireError, match="oven: read"):
            await driver.read()
        assert pipe.exchanges == 5

    jumping(FaultPlan((fault,)), scripted, story, rtu=True)


@pytest.mark.parametrize("exchange", range(3, 9))
def test_f41_a_set_whose_answer_is_lost_is_unknown_and_is_never_repeated_by_the_driver(
    scripted: Any, exchange: int
) -> None:
    async def story(driver: TemperatureChamber, chamber: Any, pipe: Any, clock: Clock) -> None:
        await driver.open()
        with pytest.raises((LinkTimeout, LinkClosed)):
            await driver.set(60.0)
        written = list(chamber.written)
        assert len(written) == len(set(written))
        await driver.open()
        assert chamber.written == written
        assert (await driver.read()).setpoint_degC in (25.0, 60.0)

    jumping(FaultPlan((Fault(FaultKind.HANG, exchange=exchange),)), scripted, story)


@pytest.mark.parametrize("rtu", [False, True])
@pytest.mark.parametrize("seed", range(20))
def test_under_seeded_faults_every_value_is_right_or_the_failure_is_stated(
    scripted: Any, seed: int, rtu: bool
) -> None:
    # Modbus/TCP has no checksum: a flipped bit there may be believed, so its plans leave garbling out
    kinds = [kind for kind in FaultKind if rtu or kind is not FaultKind.GARBLE]
    plan = seeded_plan(seed, faults=15, exchanges=80, reply_bytes=17, kinds=kinds)

    async def story(driver: TemperatureChamber, chamber: Any, pipe: FaultyTransport, clock: Clock) -> None:
        await recovered(driver)
        for _ in range(60):
            if await right_or_stated(driver) != "right":
                await recovered(driver)
        assert pipe.fired

    jumping(plan, scripted, story, rtu=rtu)


def test_at_setpoint_needs_the_whole_hold_without_a_break(scripted: Any) -> None:
    async def story(driver: TemperatureChamber, chamber: Any, pipe: Any, clock: Clock) -> None:
        await driver.open()
        await driver.set(60.0)
        chamber.put("temperature", 59.5)

        async def poll_for(duration_s: float) -> None:
            end_s = clock.plant.now_s() + duration_s
            while clock.plant.now_s() < end_s:
                await driver.read()
                await clock.plant.sleep(10.0)

        await poll_for(1800.0)
        assert not driver.at_setpoint()
        await driver.read()
        assert driver.at_setpoint()
        assert not driver.at_setpoint(tolerance_K=0.4)
        chamber.put("temperature", 58.9)  # one reading outside begins anew
        await driver.read()
        chamber.put("temperature", 60.0)
        await poll_for(1790.0)
        assert not driver.at_setpoint()
        await poll_for(30.0)
        assert driver.at_setpoint()
        await clock.plant.sleep(600.0)  # nobody looked for ten minutes
        await driver.read()
        assert not driver.at_setpoint()
        await poll_for(1820.0)
        assert driver.at_setpoint()
        chamber.put("temperature", math.nan)
        await driver.read()
        assert not driver.at_setpoint(hold_s=0.0)
        chamber.put("temperature", 60.0)
        await poll_for(60.0)
        await driver.off()
        await poll_for(60.0)
        assert not driver.at_setpoint(tolerance_K=50.0, hold_s=30.0)

    jumping(FaultPlan(), scripted, story)
