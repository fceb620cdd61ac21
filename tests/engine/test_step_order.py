"""A device that leaves the order of its program was made to jump by somebody else (F27)."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from labctl.engine.machines.findings import Outcome
from labctl.engine.machines.order import OrderWatch, successors
from labctl.engine.machines.stale import DeviceClockWatch, SleepWatch
from labctl.engine.supervisor import Supervisor
from labctl.model.ids import RunId
from labctl.model.program import Loop, Segment
from labctl.model.record import RecordBlock
from labctl.testing.benchrun import small_bench
from labctl.testing.fakeruns import charge, cycling, job, program, rest
from labctl.testing.faultclock import SkewedClock
from labctl.testing.supervised import SupervisedBench

NESTED = Segment(1, (rest(1), Loop(2, (charge(2), Loop(3, (charge(3),)))), rest(4)))


def rows(*steps: int) -> RecordBlock:
    """Return rows of some device steps."""
    return RecordBlock(
        {"device_step": np.asarray(steps, "<i4"), "sequence": np.arange(1, len(steps) + 1, dtype="<i8")}
    )


def test_each_step_has_the_successors_that_its_loops_allow() -> None:
    assert successors(NESTED) == {
        1: frozenset({2}),
        2: frozenset({3}),
        3: frozenset({2, 3, 6}),
        6: frozenset(),
    }


@pytest.mark.parametrize(
    ("steps", "jumps"),
    [((1, 1, 2, 3, 3, 2, 3, 6), False), ((1, 3), True), ((1, 2, 6), True), ((2,), False), ((3,), True)],
)
def test_only_a_jump_that_the_program_has_not_is_told(steps: tuple[int, ...], jumps: bool) -> None:
    assert (OrderWatch(NESTED, 1).feed(rows(*steps)) is not None) == jumps


def test_a_jump_that_a_person_asked_for_here_and_lost_records_are_no_jump() -> None:
    watch = OrderWatch(NESTED, 1)
    watch.skip(1, 3)
    assert watch.feed(rows(1, 3)) is None
    watch.forget()
    assert watch.feed(rows(6)) is None


def test_f27_somebody_elses_jump_on_the_device_raises_an_alarm(tmp_path: Path) -> None:
    lab = SupervisedBench(small_bench({}), tmp_path, poll_s=60.0)

    async def story(engine: Supervisor) -> Outcome | None:
        run_id = await engine.start(job(program(cycling(2))))
        await lab.rows_of(run_id, 20)
        await engine._crew.tasks["neware"].instrument.cycler.skip_to("1-1", 3)
        (result,) = await lab.over(run_id)
        assert [item.kind for item in result.findings].count("order.differs") == 1
        return result.outcome

    assert lab.supervise(story) is Outcome.FINISHED


def test_f16_a_computer_that_slept_asks_the_state_and_marks_what_it_missed(tmp_path: Path) -> None:
    lab = SupervisedBench(small_bench({}), tmp_path, poll_s=60.0)
    slept = {"s": 0.0}
    lab.wrap_clock = lambda clock: SkewedClock(clock, lambda: 0.0, lambda: slept["s"])

    async def story(engine: Supervisor) -> RunId:
        run_id = await engine.start(job(program(cycling(2))))
        await lab.rows_of(run_id, 50)
        slept["s"] = 3600.0
        (result,) = await lab.over(run_id)
        assert result.outcome is Outcome.FINISHED
        assert [item.kind for item in result.findings].count("computer.slept") == 1
        return run_id

    run_id = lab.supervise(story)
    assert sum(receipt.backfilled for _, _, receipt in lab.folder_of(run_id).receipts()) == 1


def test_sleep_is_what_the_boot_clock_has_gained() -> None:
    watch = SleepWatch(100.0)
    assert [watch.feed(value) for value in (100.0, 100.2, 700.2, 700.2)] == [0.0, 0.0, 600.0, 0.0]


@pytest.mark.parametrize("night", ["2026-03-29T00:30:00", "2026-10-25T00:30:00"])
def test_f15_summer_time_of_the_instruments_clock_is_no_clock_that_was_set(night: str) -> None:
    zone, found = ZoneInfo("Europe/Zurich"), []
    watch, utc = DeviceClockWatch(zone), datetime.fromisoformat(night).replace(tzinfo=ZoneInfo("UTC"))
    naive = DeviceClockWatch()
    jumps = 0
    for minute in range(0, 180, 10):
        text = (utc + timedelta(minutes=minute)).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
        block = RecordBlock(
            {
                "segment": np.ones(1, "<i4"),
                "sequence": np.asarray([minute], "<i8"),
                "test_time_second": np.asarray([minute * 60.0]),
                "device_clock": np.asarray([text.encode()], "S19"),
            }
        )
        found += watch.feed(block)
        jumps += len(naive.feed(block))
    assert found == []
    assert jumps == 1
