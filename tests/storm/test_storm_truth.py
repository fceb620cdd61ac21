"""The comparison of a storm finds what a storm must never leave behind; each thing is planted, one at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from labctl.model.ids import CellId, RunId
from labctl.model.job import Job, JobId, JobSpec, JobState
from labctl.testing.benchrun import BenchRun, small_bench
from labctl.testing.fakeruns import cycling, job, program
from labctl.testing.stormtruth import (
    PowerCut,
    Seen,
    Silence,
    StoredTest,
    TrueTest,
    command_problems,
    cut_problems,
    job_problems,
    judge,
    mark_problems,
    row_problems,
)

ROWS = 20
DEVICE = np.arange(1, ROWS + 1)
TRUTH = TrueTest(ROWS, {"voltage_volt": DEVICE * 0.1, "current_ampere": DEVICE * 1e-4})


def stored(device: np.ndarray[Any, np.dtype[np.int64]], *gaps: int, first: int = 101) -> StoredTest:
    """Return a test whose rows have these numbers at the tester, with the tester's values."""
    columns = {name: values[np.clip(device, 1, ROWS) - 1].copy() for name, values in TRUTH.columns.items()}
    sequence = np.arange(first, first + len(device))
    return StoredTest("run-1", "neware:1-1", 7, first, sequence, device, columns, frozenset(gaps))


def test_rows_that_are_all_there_are_no_problem() -> None:
    assert row_problems(stored(DEVICE), TRUTH) == []


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        (np.delete(DEVICE, 9), "rows 10 to 10 of 20 are missing, and no gap says so"),
        (DEVICE[3:], "rows 1 to 3 of 20 are missing, and no gap says so"),
        (DEVICE[:-1], "rows 20 to 20 of 20 are missing, and no gap says so"),
        (np.insert(DEVICE, 9, 9), "has rows twice"),
        (np.append(DEVICE, ROWS + 1), "has 1 rows that the tester never wrote"),
        (DEVICE[:0], "rows 1 to 20 of 20 are missing, and no gap says so"),
    ],
    ids=["lost", "lost at the beginning", "lost at the end", "doubled", "invented", "all lost"],
)
def test_planted_rows_are_found(rows: np.ndarray[Any, np.dtype[np.int64]], text: str) -> None:
    found = row_problems(stored(rows), TRUTH)
    assert any(text in problem for problem in found), found


def test_gap_excuses_the_rows_before_it_and_no_others() -> None:
    lost = np.delete(DEVICE, [9, 10, 14])
    assert row_problems(stored(lost, 110, 113), TRUTH) == []
    (problem,) = row_problems(stored(lost, 110), TRUTH)
    assert "rows 15 to 15" in problem
    (problem,) = row_problems(stored(lost, 111, 113), TRUTH)
    assert "rows 10 to 11" in problem


@pytest.mark.parametrize("column", ["voltage_volt", "current_ampere"])
@pytest.mark.parametrize("value", [1e-9, float("nan")])
def test_changed_value_is_found(column: str, value: float) -> None:
    test = stored(DEVICE)
    test.columns[column][4] += value
    (problem,) = row_problems(test, TRUTH)
    assert column in problem


def test_hole_in_the_runs_own_sequence_is_found() -> None:
    test = stored(DEVICE)
    found = row_problems(
        replace(test, sequence=np.where(DEVICE > 5, test.sequence + 1, test.sequence)), TRUTH
    )
    assert any("hole" in problem for problem in found)


@pytest.mark.parametrize(("marked", "problems"), [(range(11, 16), 0), (range(11, 15), 1), ((), 1)])
def test_rows_of_a_time_without_a_station_must_be_marked(marked: Sequence[int], problems: int) -> None:
    silence = Silence({"neware:1-1": Seen("working", 7, 10)}, {"neware:1-1": Seen("working", 7, 15)})
    test = replace(stored(DEVICE), backfilled=np.isin(DEVICE, list(marked)))
    assert len(mark_problems(test, [silence])) == problems
    assert mark_problems(replace(test, test_id=6), [silence]) == []


def test_test_that_began_in_the_silence_is_marked_from_its_first_row() -> None:
    silence = Silence({"neware:1-1": Seen("finish", 6, 10)}, {"neware:1-1": Seen("working", 7, 2)})
    test = replace(stored(DEVICE), backfilled=DEVICE > 1)
    (problem,) = mark_problems(test, [silence])
    assert "rows 1 to 1 came while no station ran" in problem


def sent(command: str, mark: str, test_id: int, *, accepted: bool = True) -> dict[str, object]:
    return {"command": command, "barcode": mark, "testid": test_id, "accepted": accepted}


def test_commands_that_belong_to_a_run_are_no_problem() -> None:
    commands = [sent("start", "run-1.1", 7), sent("start", "run-1.2", 8)]
    assert command_problems("1-1", commands, {"7": "run-1.1", "8": "run-1.2"}, {7: "run-1", 8: "run-1"}) == []


@pytest.mark.parametrize(
    ("command", "tests", "text"),
    [
        (sent("start", "run-1.1", 8), {}, "the start of run-1.1 was sent 2 times"),
        (sent("start", "run-1.1", 0, accepted=False), {}, "the start of run-1.1 was sent 2 times"),
        (sent("continue", "run-1.1", 7), {}, "nobody asked for 'continue'"),
        (sent("start", "run-9.1", 9), {"9": "run-9.1"}, "test 9 (run-9.1) was started and no run knows it"),
        (sent("start", "run-2.1", 7), {"7": "run-2.1"}, "bears the mark 'run-2.1' and is stored in run-1"),
    ],
    ids=["repeated", "repeated and refused", "another command", "nobody's", "another run's"],
)
def test_planted_command_is_found(command: dict[str, object], tests: dict[str, str], text: str) -> None:
    found = command_problems(
        "1-1", [sent("start", "run-1.1", 7), command], {"7": "run-1.1", **tests}, {7: "run-1"}
    )
    assert any(text in problem for problem in found), found


WORKED = {"1-1": Seen("working", 7, 50)}
KNOWN = {("1-1", 7): "run-1"}


def test_power_cut_that_leaves_the_test_in_stop_is_no_problem() -> None:
    assert cut_problems(PowerCut(WORKED, {"1-1": Seen("stop", 7, 50)}), KNOWN, {"run-1": "held"}) == []


@pytest.mark.parametrize(
    ("after", "outcome", "text"),
    [
        (Seen("working", 7, 50), "held", "goes on"),
        (Seen("stop", 7, 49), "held", "50 rows of test 7 were there, now 49"),
        (Seen("stop", 6, 60), "held", "50 rows of test 7 were there"),
        (Seen("stop", 7, 50), "finished", "its run run-1 is finished"),
    ],
    ids=["goes on", "lost rows", "lost a test", "run believes it finished"],
)
def test_power_cut_that_is_none_is_found(after: Seen, outcome: str, text: str) -> None:
    found = cut_problems(PowerCut(WORKED, {"1-1": after}), KNOWN, {"run-1": outcome})
    assert any(text in problem for problem in found), found


def queued(state: JobState, run_id: str | None = "run-1") -> Job:
    spec = JobSpec(cell_id=CellId("C1"), protocol="p")
    run = None if run_id is None else RunId(run_id)
    return Job(JobId("j-1"), spec, state, 1, "p", "hash", "me", "2026-01-01T00:00:00Z", run_id=run)


ENDED_WELL = {"run-1": ("j-1", "ended", "finished")}


def test_job_with_one_run_that_ended_as_it_says_is_no_problem() -> None:
    assert job_problems([queued(JobState.ENDED)], ENDED_WELL) == []
    assert job_problems([queued(JobState.FAILED)], {"run-1": ("j-1", "ended", "held")}) == []


@pytest.mark.parametrize(
    ("entry", "runs", "text"),
    [
        (queued(JobState.ENDED), {**ENDED_WELL, "run-2": ("j-1", "ended", "held")}, "job j-1 has 2 runs"),
        (queued(JobState.ENDED), {**ENDED_WELL, "run-2": ("j-2", "ended", "held")}, "does not know"),
        (
            queued(JobState.ENDED),
            {"run-1": ("j-1", "ended", "held")},
            "job j-1 has ended, its run run-1 is held",
        ),
        (queued(JobState.ENDED, None), {}, "job j-1 has ended, its run None is nowhere"),
        (queued(JobState.FAILED), ENDED_WELL, "its run run-1 is finished"),
        (queued(JobState.FAILED, "run-7"), {}, "names run run-7, which is not there"),
        (queued(JobState.FAILED), {"run-1": ("j-1", "running", "")}, "run run-1 is running"),
    ],
    ids=["twice", "nobody's run", "not so well", "no run", "not so bad", "lost run", "goes on"],
)
def test_planted_job_is_found(entry: Job, runs: dict[str, tuple[str, str, str]], text: str) -> None:
    found = job_problems([entry], runs)
    assert any(text in problem for problem in found), found


# -- the whole comparison, on a run that really was -----------------------------------------------------------------


class Liar:
    """A bench whose admin link tells something else than what happened."""

    def __init__(self, lab: BenchRun, change: Callable[[dict[str, Any]], None]) -> None:
        self._lab, self._change = lab, change

    def admin(self, do: str, **fields: object) -> dict[str, Any]:
        reply = self._lab.admin(do, **fields)
        self._change(reply)
        return reply


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> BenchRun:
    made = BenchRun(small_bench(), tmp_path_factory.mktemp("lab"))
    made.run([job(program(cycling(2)))])
    return made


def judged(lab: BenchRun, change: Callable[[dict[str, Any]], None]) -> list[str]:
    """Return what is found about the rows and commands of the only run; no queue has started it."""
    verdict = judge(lab.root(), Liar(lab, change), [])
    assert verdict.rows > 0
    assert verdict.starts > 0
    return [problem for problem in verdict.problems if "names job None" not in problem]


def test_run_that_nobody_disturbed_is_what_the_bench_tells(lab: BenchRun) -> None:
    assert judged(lab, lambda reply: None) == []


def one_more_row(reply: dict[str, Any]) -> None:
    reply["count"] += 1


def one_row_less(reply: dict[str, Any]) -> None:
    reply["count"] -= 1


def other_voltage(reply: dict[str, Any]) -> None:
    reply["records"]["volt_V"] = [volt_V + 1e-6 for volt_V in reply["records"].get("volt_V", ())]


def second_start(reply: dict[str, Any]) -> None:
    reply["commands"] = reply["commands"] * 2


def unknown_test(reply: dict[str, Any]) -> None:
    reply["tests"]["99"] = "20260101T000000-C9.1"


def still_at_work(reply: dict[str, Any]) -> None:
    reply["status"] = "working"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (one_more_row, "missing, and no gap says so"),
        (one_row_less, "the tester never wrote"),
        (other_voltage, "voltage_volt differs"),
        (second_start, "was sent 2 times"),
        (unknown_test, "no run knows it"),
        (still_at_work, "still works"),
    ],
)
def test_bench_that_tells_something_else_is_believed(
    lab: BenchRun, change: Callable[[dict[str, Any]], None], text: str
) -> None:
    found = judged(lab, change)
    assert any(text in problem for problem in found), found
