"""A running program is changed: at the next segment boundary, with who, when and why; what has begun stays (I11)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from labctl.engine.machines.findings import Outcome
from labctl.engine.machines.revise import problem_of, with_more_cycles
from labctl.engine.supervisor import Supervisor
from labctl.errors import UserInputError
from labctl.model.ids import RunId
from labctl.model.program import HostRepeat, Limits, Program, Segment, program_from_json, program_to_json
from labctl.testing.benchrun import small_bench
from labctl.testing.fakeruns import CURRENT_A, charge, cycling, job, program, rest
from labctl.testing.supervised import SupervisedBench

FIRST = Segment(1, (rest(1), charge(2)))
SECOND = Segment(2, (charge(3, 600.0, -CURRENT_A),))
LONGER = Segment(2, (charge(3, 1200.0, -CURRENT_A),))


@pytest.fixture
def lab(tmp_path: Path) -> SupervisedBench:
    """One symmetric cell, polled every minute."""
    return SupervisedBench(small_bench({}), tmp_path, poll_s=60.0)


def changed(segment: Segment = LONGER) -> Program:
    """Return the program of two segments with another second one."""
    return replace(program((FIRST, segment)), protocol_hash="1" * 64)


async def revise(engine: Supervisor, run_id: RunId, bound: Program) -> int:
    """Ask for a change as Ada would."""
    return await engine.revise(run_id, bound, protocol_text="new", by="ada", reason="longer discharge")


def test_a_change_is_taken_over_at_the_boundary_and_each_row_knows_its_revision(lab: SupervisedBench) -> None:
    async def story(engine: Supervisor) -> RunId:
        run_id = await engine.start(job(program((FIRST, SECOND))))
        await lab.rows_of(run_id, 80)
        assert await revise(engine, run_id, changed()) == 2
        (result,) = await lab.over(run_id)
        assert result.outcome is Outcome.FINISHED
        return run_id

    run_id = lab.supervise(story)
    reader = lab.folder_of(run_id)
    rows = reader.records(["sequence", "segment", "step_time_second"])
    assert rows["step_time_second"][-1] == 1200.0
    (entry,) = reader.manifest["revisions"]
    boundary = int(rows["sequence"][rows["segment"] == 2][0])
    assert entry["from_sequence"] == boundary
    assert (reader.revision_of(boundary - 1), reader.revision_of(boundary)) == (1, 2)
    assert (entry["by"], entry["reason"], entry["protocol"]["text"]) == ("ada", "longer discharge", "new")
    assert reader.manifest["protocol"]["hash"] == "0" * 64
    assert reader.manifest["program"]["flow"][1]["body"][0]["end_time_s"] == 600.0
    assert lab.energising("1-1") == ["start", "start"]


def test_what_has_begun_cannot_be_changed(lab: SupervisedBench) -> None:
    async def story(engine: Supervisor) -> None:
        run_id = await engine.start(job(program((FIRST, SECOND))))
        await lab.rows_of(run_id, 80)
        begun = replace(FIRST, body=(rest(1), charge(2, 900.0)))
        with pytest.raises(UserInputError, match="segment 1 has begun"):
            await revise(engine, run_id, program((begun, SECOND)))
        with pytest.raises(UserInputError, match="has been done already"):
            await revise(engine, run_id, program((HostRepeat("pass >= 1", 2, (FIRST,)), SECOND)))
        await engine.stop(run_id, "done")

    lab.supervise(story)


def test_a_change_that_waits_survives_a_restart(lab: SupervisedBench) -> None:
    async def leaves(engine: Supervisor) -> RunId:
        run_id = await engine.start(job(program((FIRST, SECOND))))
        await lab.rows_of(run_id, 80)
        await revise(engine, run_id, changed())
        return run_id

    async def goes_on(engine: Supervisor) -> Outcome | None:
        await engine.take_up([run_id])
        (result,) = await lab.over(run_id)
        return result.outcome

    run_id = lab.supervise(leaves)
    assert lab.folder_of(run_id).manifest["revisions"][0]["from_sequence"] is None
    assert lab.supervise(goes_on) is Outcome.FINISHED
    assert lab.folder_of(run_id).records()["step_time_second"][-1] == 1200.0


def test_a_restart_behind_the_boundary_goes_on_with_the_changed_program(lab: SupervisedBench) -> None:
    third = (FIRST, LONGER, Segment(3, (rest(4),)))

    async def leaves(engine: Supervisor) -> RunId:
        run_id = await engine.start(job(program((FIRST, SECOND))))
        await lab.rows_of(run_id, 80)
        await revise(engine, run_id, program(third))
        await lab.rows_of(run_id, 150)
        return run_id

    async def goes_on(engine: Supervisor) -> Outcome | None:
        await engine.take_up([run_id])
        (result,) = await lab.over(run_id)
        return result.outcome

    run_id = lab.supervise(leaves)
    assert lab.supervise(goes_on) is Outcome.FINISHED
    rows = lab.folder_of(run_id).records(["segment", "step_id"])
    assert sorted(set(rows["segment"].tolist())) == [1, 2, 3]
    assert lab.energising("1-1") == ["start"] * 3


def test_cycles_that_are_added_go_on_counting(lab: SupervisedBench) -> None:
    async def story(engine: Supervisor) -> RunId:
        run_id = await engine.start(job(program(cycling(2))))
        await lab.rows_of(run_id, 80)
        assert await engine.add_cycles(run_id, 3, by="ada", reason="still good") == 2
        (result,) = await lab.over(run_id)
        assert result.outcome is Outcome.FINISHED
        return run_id

    run_id = lab.supervise(story)
    rows = lab.folder_of(run_id).records(["cycle_count", "step_type", "sequence"])
    assert np.unique(rows["cycle_count"]).tolist() == [1, 2, 3, 4, 5]
    reader = lab.folder_of(run_id)
    assert reader.revision_of(int(rows["sequence"][rows["cycle_count"] == 2][-1])) == 1
    assert reader.revision_of(int(rows["sequence"][rows["cycle_count"] == 3][0])) == 2
    told = [item.cycles for item in lab.heard.told if item.run_id == run_id]
    assert told[-1] == 5


def test_cycles_are_added_twice_before_the_boundary_without_losing_the_first_wish(
    lab: SupervisedBench,
) -> None:
    async def story(engine: Supervisor) -> RunId:
        run_id = await engine.start(job(program(cycling(1))))
        await lab.rows_of(run_id, 80)
        await engine.add_cycles(run_id, 1, by="ada", reason="one more")
        await engine.add_cycles(run_id, 2, by="bo", reason="two more")
        await lab.over(run_id)
        return run_id

    run_id = lab.supervise(story)
    rows = lab.folder_of(run_id).records(["cycle_count"])
    assert np.unique(rows["cycle_count"]).tolist() == [1, 2, 3, 4]


def test_cycles_cannot_be_added_where_there_is_no_loop(lab: SupervisedBench) -> None:
    async def story(engine: Supervisor) -> None:
        run_id = await engine.start(job(program((FIRST, SECOND))))
        await lab.rows_of(run_id, 20)
        for count, problem in ((1, "no loop"), (0, "from 1 to")):
            with pytest.raises(UserInputError, match=problem):
                await engine.add_cycles(run_id, count, by="ada", reason="more")
        await engine.stop(run_id, "done")

    lab.supervise(story)


def test_a_program_with_more_cycles_survives_its_json() -> None:
    longer = with_more_cycles(program(cycling(2)), 3)
    assert longer is not None
    assert program_from_json(program_to_json(longer)) == longer
    assert longer.estimate.cycles == 5


@pytest.mark.parametrize(
    ("other", "problem"),
    [
        (replace(program((FIRST, SECOND), "1-2")), "the change is for cell"),
        (program((FIRST, SECOND), limits=Limits(voltage_max_V=4.0)), "limits"),
        (program(()), "no steps"),
        (program((FIRST, LONGER)), ""),
    ],
)
def test_each_change_that_cannot_be_says_why(other: Program, problem: str) -> None:
    found = problem_of(program((FIRST, SECOND)), other, [1])
    assert problem in found
    assert bool(found) == bool(problem)
