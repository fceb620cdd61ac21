"""Channels that pass a limit in one poll: their stops leave together, each is confirmed by itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from labctl.config.station import ChannelLimits
from labctl.engine.machines.findings import Outcome
from labctl.engine.supervisor import Supervisor
from labctl.errors import InstrumentError, LinkTimeout, UnknownStateError
from labctl.interfaces.cycler import Place
from labctl.model.ids import ChannelId, RunId
from labctl.model.layers import HostLimits
from labctl.testing.benchrun import small_bench
from labctl.testing.fakeruns import Process, bench, cycling, job, program
from labctl.testing.supervised import SupervisedBench

PLACES = ("1-1", "1-2", "1-3", "1-4")
LIMIT = ChannelLimits(host=HostLimits(half_cycle_capacity_max_Ah=2e-6))
"""The station alone guards it; every channel passes it between the same two polls."""


@pytest.fixture
def lab(tmp_path: Path) -> SupervisedBench:
    """Four symmetric cells with a limit on their charge, polled every minute."""
    lab = SupervisedBench(small_bench({}, {}, {}, {}), tmp_path, poll_s=60.0)
    limits = {ChannelId(f"neware:{place}"): LIMIT for place in PLACES}
    lab.station = replace(lab.station, limits=limits)
    return lab


def watched(engine: Supervisor) -> list[tuple[str, Any]]:
    """Return a list that grows by what the driver is asked around the stops."""
    calls: list[tuple[str, Any]] = []
    cycler = engine._crew.tasks["neware"].instrument.cycler

    def watch(name: str) -> None:
        inner = getattr(cycler, name)

        async def told(*args: Any, **options: Any) -> Any:
            calls.append((name, args[0]))
            return await inner(*args, **options)

        setattr(cycler, name, told)

    for name in ("records", "send_stop", "confirm_stop", "stop"):
        watch(name)
    return calls


async def started(engine: Supervisor) -> list[RunId]:
    """Start a run in each channel."""
    return [await engine.start(job(program(cycling(50), place))) for place in PLACES]


def test_stops_of_one_poll_leave_before_any_of_them_is_read_back(lab: SupervisedBench) -> None:
    async def story(engine: Supervisor) -> list[tuple[str, Any]]:
        calls = watched(engine)
        results = await lab.over(*await started(engine))
        assert {result.outcome for result in results} == {Outcome.TRIPPED}
        return calls

    calls = [call for call in lab.supervise(story) if call[0] != "records"]
    sent = [place for name, places in calls if name == "send_stop" for place in places]
    first_confirmed = [name for name, _ in calls].index("confirm_stop")
    assert sorted(sent) == sorted(PLACES)
    assert {name for name, _ in calls[:first_confirmed]} == {"send_stop"}
    assert calls[first_confirmed:] == [("confirm_stop", list(PLACES))]
    for place in PLACES:
        assert (lab.energising(place), lab.admin("truth", slot=f"neware:{place}")["status"]) == (
            ["start"],
            "stop",
        )


def test_a_stop_behind_a_busy_one_waits_for_no_read_back_but_joins_the_next_message(
    lab: SupervisedBench,
) -> None:
    async def story(engine: Supervisor) -> list[Sequence[Place]]:
        cycler = engine._crew.tasks["neware"].instrument.cycler
        send_stop, messages = cycler.send_stop, []

        async def slow(places: Sequence[Place]) -> Any:
            messages.append(places)
            if len(messages) == 1:
                with lab.clock.busy():
                    await lab.clock.link.sleep(2.0)
            return await send_stop(places)

        cycler.send_stop = slow
        await lab.over(*await started(engine))
        return messages

    first, *others = lab.supervise(story)
    assert len(first) < len(PLACES)
    assert sorted([*first, *(place for places in others for place in places)]) == sorted(PLACES)
    assert len(others) == 1


def test_one_of_many_that_is_not_confirmed_is_stopped_again_and_costs_no_other(lab: SupervisedBench) -> None:
    async def story(engine: Supervisor) -> list[tuple[str, Any]]:
        cycler = engine._crew.tasks["neware"].instrument.cycler
        confirm_stop = cycler.confirm_stop

        async def doubted(places: Sequence[Place]) -> tuple[InstrumentError | None, ...]:
            answers = await confirm_stop(places)
            return tuple(
                UnknownStateError("not seen to stand") if place == "1-3" and len(places) > 1 else answer
                for place, answer in zip(places, answers, strict=True)
            )

        cycler.confirm_stop = doubted
        runs = await started(engine)
        results = await lab.over(*runs)
        assert {result.outcome for result in results} == {Outcome.TRIPPED}
        return [
            (place, lab.events_of(run).count("stop.unconfirmed"))
            for place, run in zip(PLACES, runs, strict=True)
        ]

    assert lab.supervise(story) == [("1-1", 0), ("1-2", 0), ("1-3", 1), ("1-4", 0)]


def test_a_message_whose_fate_is_unknown_is_read_back_for_each_channel_before_it_is_sent_again(
    lab: SupervisedBench,
) -> None:
    async def story(engine: Supervisor) -> None:
        cycler = engine._crew.tasks["neware"].instrument.cycler
        send_stop, lost = cycler.send_stop, []

        async def unanswered(places: Sequence[Place]) -> Any:
            if not lost:
                lost.extend(places)
                raise LinkTimeout("no answer")
            return await send_stop(places)

        cycler.send_stop = unanswered
        runs = await started(engine)
        results = await lab.over(*runs)
        assert lost
        assert {result.outcome for result in results} == {Outcome.TRIPPED}
        for run in runs:
            kinds = [line["kind"] for line in lab.folder_of(run).journal()]
            assert kinds.count("stop.intent") == kinds.count("stop.confirmed") == 1

    lab.supervise(story)
    for place in PLACES:
        assert (lab.energising(place), lab.admin("truth", slot=f"neware:{place}")["status"]) == (
            ["start"],
            "stop",
        )


def test_a_cycler_that_stops_one_by_one_is_told_so_for_each(tmp_path: Path) -> None:
    process = Process(bench(PLACES[:2]), tmp_path)
    bound = [program(cycling(50), place) for place in PLACES[:2]]
    process.limits = {item.channel: LIMIT for item in bound}
    results = process.run([job(item) for item in bound])
    assert {result.outcome for result in results} == {Outcome.TRIPPED}
    assert [entry[:2] for entry in process.world.truth if entry[0] == "stop"] == [
        ("stop", "1-1"),
        ("stop", "1-2"),
    ]
