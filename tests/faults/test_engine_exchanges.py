"""Fail the N-th exchange with the instrument, once and from then on, in every way a wire can fail.

Modes: *lost* (the request never arrives), *mute* (it takes effect, the answer is lost: F41). Whatever N, the run must
reach the end it would have reached, with the same rows, and each energising command must have taken effect once.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from labctl.engine.jobs import Job
from labctl.engine.machines.findings import Outcome
from labctl.engine.machines.life import Phase
from labctl.model.program import HostRepeat, Segment
from labctl.store.runreader import RunReader
from labctl.store.simdisk import SimulatedDisk
from labctl.testing.fakecycler import FakeBench, shorting
from labctl.testing.fakeruns import (
    CURRENT_A,
    SHORT_STOPS,
    Process,
    bench,
    charge,
    cycling,
    job,
    program,
    rest,
)

FOLDER = Path("/virtual/data")


def world() -> FakeBench:
    """Return a healthy cell, and one that shorts after the first cycle."""
    made = bench(("1-1", "1-2"))
    made.channels["1-2"].voltage_V = shorting(1)
    return made


def jobs() -> list[Job]:
    """Return a run with host decisions and one that a detection stops."""
    body = (Segment(2, (charge(2, 300.0), charge(3, 300.0, -CURRENT_A))),)
    flow = (Segment(1, (rest(1, 300.0),)), HostRepeat("pass >= 2", 3, body))
    return [job(program(flow, "1-1")), job(program(cycling(6, 300.0), "1-2", detections=[SHORT_STOPS]))]


def played(fate: object = None) -> tuple[Process, list[tuple[str, str, int | None]]]:
    """Run the jobs with a fate for each exchange; return what each run became."""
    process = Process(world(), FOLDER, poll_s=300.0, disk=SimulatedDisk())
    process.fate = fate  # type: ignore[assignment]  # the callable that FakeCycler documents
    process.run(jobs())
    root = process.root()
    found = []
    for folder in root.run_folders():
        reader = RunReader(folder, disk=root.disk)
        sequence = reader.records(["sequence", "device_sequence", "segment"])
        pairs = set(zip(sequence["segment"].tolist(), sequence["device_sequence"].tolist(), strict=True))
        assert len(pairs) == len(sequence)  # I02
        assert reader.verify() == []
        found.append((reader.digest(), reader.manifest["outcome"], reader.manifest["end_sequence"]))
    return process, found


def starts_of(process: Process) -> list[tuple[str, str, str]]:
    """Return which starts took effect: place, and cell and segment of the barcode.

    The barcode begins with the run's id and so with the moment its folder was made, which a lost first question delays.
    """
    return sorted(
        (what, place, barcode.split("-", 1)[1])
        for what, place, barcode in process.world.truth
        if what == "start"
    )


@pytest.fixture(scope="module")
def undisturbed() -> tuple[int, list[tuple[str, str, int | None]], list[tuple[str, str, str]]]:
    """Return how many exchanges a quiet run needs, what it gives, and which starts took effect."""
    process, found = played()
    assert process.cycler is not None
    return process.cycler.exchanges, found, starts_of(process)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["lost", "mute"])
def test_nth_exchange_fails_once_and_nothing_is_lost_or_repeated(
    mode: str, undisturbed: tuple[int, list[tuple[str, str, int | None]], list[tuple[str, str, str]]]
) -> None:
    exchanges, wanted, starts = undisturbed
    for number in range(1, exchanges + 1):
        process, found = played(lambda at, _, number=number: mode if at == number else "")
        assert found == wanted, (number, mode)
        assert starts_of(process) == starts, (number, mode)


@pytest.mark.slow
@pytest.mark.parametrize("operation", ["progress", "records", "live", "events", "load", "start", "stop"])
@pytest.mark.parametrize("mode", ["lost", "mute"])
def test_every_exchange_of_one_kind_fails_three_times_in_a_row(
    mode: str,
    operation: str,
    undisturbed: tuple[int, list[tuple[str, str, int | None]], list[tuple[str, str, str]]],
) -> None:
    _, wanted, starts = undisturbed
    failed: dict[str, int] = {}

    def fate(_: int, asked: str) -> str:
        if asked == operation and failed.get(asked, 0) < 3:
            failed[asked] = failed.get(asked, 0) + 1
            return mode
        return ""

    process, found = played(fate)
    assert found == wanted
    assert starts_of(process) == starts


@pytest.mark.parametrize("number", [12, 14, 17, 22, 30])
def test_link_dead_from_the_nth_exchange_on_is_waited_for_and_back_filled(number: int) -> None:
    """The runs go STALE, then UNKNOWN; nothing more is sent; the person leaves; a later process back-fills."""
    process = Process(world(), FOLDER, poll_s=300.0, disk=SimulatedDisk())

    def fate(at: int, _: str) -> str:
        if at > number + 20:
            process.stop.detach()
        return "lost" if at >= number else ""

    process.fate = fate
    results = process.run(jobs())
    assert all(result.outcome is None and result.state != "ended" for result in results)
    phases = {progress.phase for progress in process.seen}
    assert {Phase.STALE, Phase.UNKNOWN} <= phases
    sent = len(process.world.truth)
    process.world.advance_to(process.world.now_s + 7200.0)
    assert len(process.world.truth) == sent
    process.fate = None
    after = process.resume()
    assert [result.outcome for result in after] == [Outcome.FINISHED, Outcome.SHORT]
    root = process.root()
    for folder in root.run_folders():
        reader = RunReader(folder, disk=root.disk)
        sequence = reader.records(["sequence"])["sequence"]
        assert sequence.tolist() == list(range(1, len(sequence) + 1))
        assert reader.verify() == []
