"""Predicted curves: sketches of a text, predictions of runs kept in their folders, and honest refusals."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from labctl.clock import Clock, ClockMode, ClockSpec, run_with_clock
from labctl.config.station import DeviceEntry, StationFile
from labctl.errors import ConflictError, UserInputError
from labctl.interfaces.cycler import CurrentRange, CyclerCapabilities
from labctl.model.cell import CellKind
from labctl.model.plain import to_plain
from labctl.model.prediction import Prediction, PredictionState
from labctl.model.program import StepMode, program_to_json
from labctl.model.typed import from_plain
from labctl.protocol.bind import bind
from labctl.protocol.parse import parse_protocol
from labctl.station.feed import Feed
from labctl.station.predictions import FILE, FOLDER, Predictions, RehearsalProcess
from labctl.station.rehearsalprocess import Wish, answer, predicted
from labctl.station.rehearsing import TWIN_CHANNEL
from labctl.store.manifest import write_manifest
from labctl.store.root import DataRoot
from labctl.store.simdisk import SimulatedDisk
from labctl.testing.queuebench import SHORT, symmetric
from labctl.worker import Worker

RUN = "20260101T000000-C0001"
CELL = symmetric(1)
Story = Callable[[Predictions, Clock], Coroutine[Any, Any, None]]


class OneRun:
    """The runs of a station that has one."""

    def get(self, run_id: str) -> str:
        """Return it. Raises: UserInputError."""
        if run_id != RUN:
            raise UserInputError(f"There is no run {run_id!r}.")
        return run_id


def a_program(cycles: str = "2") -> Any:
    """Return the bound program of the run, as its manifest has it."""
    ranges = (CurrentRange(1e-3), CurrentRange(10e-3))
    capabilities = CyclerCapabilities("fake", frozenset(StepMode), ranges, -5.0, 5.0)
    program = bind(
        parse_protocol(SHORT, "short", {"cycles": cycles}), CELL, TWIN_CHANNEL, capabilities, has_chamber=True
    )
    return json.loads(program_to_json(program))


def live(disk: SimulatedDisk, story: Story, rehearse: Callable[[bytes, float], bytes]) -> Feed:
    """Serve predictions on a disk that outlives them, and tell a story."""
    feed = Feed("test")

    async def main(clock: Clock) -> None:
        root, reader = DataRoot(Path("/virtual/data"), disk=disk), Worker("test-read", clock)
        file = StationFile("fake", None, instruments=(DeviceEntry("neware", "neware-bts", "mem://"),))
        keeper = Predictions(root, clock, file, feed, OneRun(), reader, rehearse)
        async with asyncio.TaskGroup() as group:
            serving = group.create_task(keeper.serve())
            try:
                await story(keeper, clock)
            finally:
                serving.cancel()
                keeper.close()
                reader.close()

    run_with_clock(ClockSpec(mode=ClockMode.JUMP), main)
    return feed


def a_run(disk: SimulatedDisk, program: Any) -> Path:
    """Write the folder of a run that goes on."""
    root = DataRoot(Path("/virtual/data"), disk=disk)
    folder = root.path / "runs" / "2026" / "01" / RUN
    manifest = {
        "run_id": RUN, "channel": "neware:1-1", "state": "running", "cell": to_plain(CELL), "program": program,
        "revisions": [],
    }  # fmt: skip
    write_manifest(disk, folder, manifest)
    return folder


def test_a_sketch_follows_the_text_and_the_same_question_is_answered_from_memory() -> None:
    asked: list[bytes] = []

    def rehearse(request: bytes, limit_s: float) -> bytes:
        asked.append(request)
        return answer(request)

    async def story(keeper: Predictions, clock: Clock) -> None:
        found = await keeper.sketch(SHORT, CELL)
        assert found.state is PredictionState.READY and found.outcome == "finished" and found.twin == "LIQ-P"
        assert found.duration_s == pytest.approx(7800.0, rel=0.01)
        sizes = {name: len(values) for name, values in found.columns.items()}
        assert set(sizes) == {"cycle", "test_time_s", "voltage_V", "capacity_Ah"}
        assert len(set(sizes.values())) == 1 and 10 < sizes["voltage_V"] <= 2_000
        assert max(found.columns["voltage_V"]) > 0.0 > min(found.columns["voltage_V"])
        assert max(found.columns["capacity_Ah"]) == pytest.approx(0.5 * 0.785e-3, rel=0.02)
        assert await keeper.sketch(SHORT, CELL) is found and len(asked) == 1
        await keeper.sketch(SHORT, CELL, variables={"cycles": "1"})
        assert len(asked) == 2

    live(SimulatedDisk(), story, rehearse)


def test_what_cannot_be_rehearsed_is_an_answer_with_the_reason() -> None:
    odd = replace(CELL, kind=CellKind.OTHER)
    broken = predicted(Wish(CELL, SHORT.replace("10 min", "10 mni"), "mine"))
    assert broken.state is PredictionState.NONE and broken.reason.startswith("mine:9:11: 'mni' is not a unit")
    small = predicted(Wish(replace(CELL, diameter_mm=None), SHORT))
    assert small.state is PredictionState.NONE and "electrode area" in small.reason
    assert "no twin fits" in predicted(Wish(odd, SHORT)).reason


def test_a_rehearsal_that_takes_too_long_hands_over_the_beginning() -> None:
    found = predicted(Wish(CELL, SHORT, variables={"cycles": "400"}, limit_s=0.0))
    assert found.state is PredictionState.READY and not found.whole
    assert found.reason == "cut off after 0 s of computing" and found.duration_s < 400 * 3600.0


def test_the_prediction_of_a_run_is_pending_then_ready_and_kept_beside_its_derived_data() -> None:
    disk = SimulatedDisk()
    folder = a_run(disk, a_program())

    async def begin(keeper: Predictions, clock: Clock) -> None:
        assert (await keeper.predicted(RUN)).state is PredictionState.PENDING
        await clock.link.sleep(1.0)
        found = await keeper.predicted(RUN)
        assert found.state is PredictionState.READY, found.reason
        assert list(found.cycles["cycle"]) == [1.0, 2.0]
        assert set(found.columns["cycle"]) == {1.0, 2.0}
        with pytest.raises(UserInputError, match="There is no run 'x'"):
            await keeper.predicted("x")

    feed = live(disk, begin, lambda request, limit_s: answer(request))
    told = [delta for delta in feed.since(0) or () if delta.key == "run.predicted"]
    assert [delta.data and delta.data["state"] for delta in told] == ["ready"]
    assert disk.size(folder / FOLDER / FILE)

    def never(request: bytes, limit_s: float) -> bytes:
        raise AssertionError("it is kept in the folder")

    async def go_on(keeper: Predictions, clock: Clock) -> None:
        assert (await keeper.predicted(RUN)).state is PredictionState.READY

    live(disk, go_on, never)


def test_a_revised_program_is_predicted_anew() -> None:
    disk = SimulatedDisk()
    folder = a_run(disk, a_program())
    asked: list[str] = []

    def rehearse(request: bytes, limit_s: float) -> bytes:
        asked.append(json.loads(request)["program"])
        return json.dumps(to_plain(Prediction(PredictionState.READY))).encode()

    async def story(keeper: Predictions, clock: Clock) -> None:
        await keeper.predicted(RUN)
        await clock.link.sleep(1.0)
        manifest = {
            "run_id": RUN, "channel": "neware:1-1", "state": "running", "cell": to_plain(CELL), "program": a_program(),
            "revisions": [{"revision": 2, "program": a_program("3")}],
        }  # fmt: skip
        write_manifest(disk, folder, manifest)
        assert (await keeper.predicted(RUN)).state is PredictionState.PENDING
        await clock.link.sleep(1.0)
        assert (await keeper.predicted(RUN)).state is PredictionState.READY
        assert len(asked) == 2 and asked[0] != asked[1]

    live(disk, story, rehearse)


def test_a_bench_without_a_model_gives_no_curve_and_says_why() -> None:
    disk = SimulatedDisk()
    a_run(disk, a_program())
    reason = "a rehearsal needs the simulators; install labctl again from its folder."

    def rehearse(request: bytes, limit_s: float) -> bytes:
        return json.dumps(to_plain(Prediction(PredictionState.NONE, reason))).encode()

    async def story(keeper: Predictions, clock: Clock) -> None:
        await keeper.predicted(RUN)
        await clock.link.sleep(1.0)
        found = await keeper.predicted(RUN)
        assert (found.state, found.reason, dict(found.columns)) == (PredictionState.NONE, reason, {})

    live(disk, story, rehearse)


def test_too_many_sketches_at_once_are_refused() -> None:
    async def story(keeper: Predictions, clock: Clock) -> None:
        keeper._waiting = 8
        with pytest.raises(ConflictError, match="8 rehearsals are waiting"):
            await keeper.sketch(SHORT, CELL)

    live(SimulatedDisk(), story, lambda request, limit_s: answer(request))


@pytest.mark.slow
def test_a_rehearsal_in_a_process_of_its_own_says_the_same_and_a_broken_one_says_why() -> None:
    process = RehearsalProcess()
    request = json.dumps(to_plain(Wish(CELL, SHORT))).encode()
    found = from_plain(Prediction, json.loads(process(request, 60.0)))
    assert to_plain(found) == to_plain(predicted(Wish(CELL, SHORT)))
    broken = from_plain(Prediction, json.loads(process(b"{}", 60.0)))
    assert broken.state is PredictionState.NONE and broken.reason.startswith("the rehearsal broke: ")
    process.close()
    assert "closing" in from_plain(Prediction, json.loads(process(request, 60.0))).reason


def test_a_run_that_breaks_its_reader_ends_neither_the_others_nor_the_station(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    disk = SimulatedDisk()
    a_run(disk, a_program())
    computed: list[str] = []

    async def broken(self: Predictions, run_id: str) -> Prediction:
        computed.append(run_id)
        raise AttributeError("'str' object has no attribute 'get'")

    monkeypatch.setattr(Predictions, "_compute", broken)

    async def story(keeper: Predictions, clock: Clock) -> None:
        for _ in range(2):
            assert (await keeper.predicted(RUN)).state is PredictionState.PENDING
            await clock.link.sleep(1.0)

    feed = live(disk, story, answer_nothing)
    assert computed == [RUN, RUN]
    told = [delta.data for delta in feed.since(0) or [] if delta.key == "run.predicted"]
    assert len(told) == 2 and all(data is not None and "cannot be read" in data["reason"] for data in told)


def answer_nothing(request: bytes, limit_s: float) -> bytes:
    """Never be asked."""
    raise AssertionError("nothing is rehearsed")


def test_runs_that_wait_for_their_rehearsal_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    from labctl.station import predictions

    monkeypatch.setattr(predictions, "WANTED_MAX", 1)
    disk = SimulatedDisk()
    a_run(disk, a_program())

    async def story(keeper: Predictions, clock: Clock) -> None:
        keeper._wanted["another-run"] = None
        with pytest.raises(ConflictError, match="wait to be rehearsed"):
            await keeper.predicted(RUN)
        keeper._wanted.clear()

    live(disk, story, answer_nothing)
