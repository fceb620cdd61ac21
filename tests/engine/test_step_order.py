"""A device that leaves the order of its program was made to jump by somebody else (F27)."""

from __future__ import annotations

from dataclasses import replace
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
from labctl.model.program import Loop, Segment, Step, StepMode
from labctl.model.record import QUALITY_BAD, RecordBlock
from labctl.testing.benchrun import small_bench
from labctl.testing.fakeruns import charge, cycling, job, program, rest
from labctl.testing.faultclock import SkewedClock
from labctl.testing.supervised import SupervisedBench

NESTED = Segment(1, (rest(1), Loop(2, (charge(2), Loop(3, (charge(3),)))), rest(4)))


def rows(
    *steps: int, time_s: float = 1e6, voltage_V: float = 0.0, current_A: float = 1.0, capacity_Ah: float = 0.0
) -> RecordBlock:
    """Return rows of some device steps; left out: of a time at which any step may end."""
    values = {
        "step_time_second": time_s,
        "voltage_volt": voltage_V,
        "current_ampere": current_A,
        "step_capacity_ah": capacity_Ah,
    }
    columns = {name: np.full(len(steps), value) for name, value in values.items()}
    columns["step_capacity_ah"] += np.arange(len(steps)) * 1e-9  # charge flows
    return RecordBlock(
        {
            "device_step": np.asarray(steps, "<i4"),
            "sequence": np.arange(1, len(steps) + 1, dtype="<i8"),
            "quality": np.zeros(len(steps), "<i1"),
            **columns,
        }
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


CHARGE = Step(
    1,
    StepMode.CCCV_CHARGE,
    3600.0,
    current_A=1e-3,
    voltage_V=1.0,
    end_voltage_V=1.0,
    end_current_A=1e-4,
    end_capacity_Ah=2e-3,
)
TWO = Segment(1, (CHARGE, replace(CHARGE, step_id=2), rest(3)))


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"time_s": 600.0}, True),
        ({"time_s": 3599.9}, False),
        ({"time_s": 600.0, "voltage_V": 0.99}, True),
        ({"time_s": 600.0, "voltage_V": 0.9999}, False),
        ({"time_s": 600.0, "current_A": -1.01e-4}, False),
        ({"time_s": 600.0, "current_A": 2e-4}, True),
        ({"time_s": 600.0, "capacity_Ah": 1.998e-3}, False),
        ({"time_s": 600.0, "capacity_Ah": 1.9e-3}, True),
    ],
)
def test_a_step_left_before_any_of_its_ends_is_told(values: dict[str, float], told: bool) -> None:
    for blocks in ([rows(1, 1, 2, 2, **values)], [rows(1, 1, **values), rows(2, **values)]):
        found = [watch.feed(block) for watch in [OrderWatch(TWO, 0)] for block in blocks]
        assert [item is not None for item in found] == [*[False] * (len(blocks) - 1), told]


def test_a_step_that_runs_on_at_a_restart_is_not_judged_by_its_end_but_the_next_is() -> None:
    watch = OrderWatch(TWO, 1)
    assert watch.feed(rows(1, time_s=60.0)) is None
    assert watch.feed(rows(1, 2, time_s=60.0)) is None
    assert watch.feed(rows(2, 3, time_s=60.0)) is not None


def test_readings_that_stand_still_say_nothing_about_the_end_of_their_step() -> None:
    block = rows(1, 1, 2, time_s=60.0)
    block["step_capacity_ah"][:] = 1e-4
    assert OrderWatch(TWO, 0).feed(block) is None


def test_a_charge_end_is_reached_also_where_the_counter_was_reset() -> None:
    segment = Segment(1, (replace(charge(1, 7200.0, 1e-3), end_capacity_Ah=1e-3), rest(2)))
    assert OrderWatch(segment, 0).feed(rows(1, 1, 2, time_s=3600.0, current_A=1e-3)) is None
    assert OrderWatch(segment, 0).feed(rows(1, 1, 2, time_s=3500.0, current_A=1e-3)) is not None


def test_a_bad_last_record_says_nothing_about_the_end_of_its_step() -> None:
    block = rows(1, 1, 2, time_s=60.0)
    block["quality"][1] = QUALITY_BAD
    assert OrderWatch(TWO, 0).feed(block) is None


def test_f27_a_step_that_somebody_else_cut_short_raises_an_alarm(tmp_path: Path) -> None:
    lab = SupervisedBench(small_bench({}), tmp_path, poll_s=60.0)

    async def story(engine: Supervisor) -> Outcome | None:
        run_id = await engine.start(job(program(cycling(2))))
        await lab.rows_of(run_id, 20)
        await engine._crew.tasks["neware"].instrument.cycler.skip_to("1-1", 2)
        (result,) = await lab.over(run_id)
        (told,) = [item for item in result.findings if item.kind == "order.differs"]
        assert "none of the step's ends" in told.text
        return result.outcome

    assert lab.supervise(story) is Outcome.FINISHED


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
