"""The view-models on what a real station says: every word of it is understood, none is left as a problem."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from labctl.gui.viewmodels.acts import Acts
from labctl.gui.viewmodels.alarms import AlarmList
from labctl.gui.viewmodels.batches import Batch, LinkNews, LinkPhase, Me
from labctl.gui.viewmodels.events import event_rows
from labctl.gui.viewmodels.figures import figures_of
from labctl.gui.viewmodels.grid import Grid
from labctl.gui.viewmodels.lab import Lab
from labctl.gui.viewmodels.programlines import program_lines
from labctl.gui.viewmodels.queue import QueueModel
from labctl.gui.viewmodels.traces import envelope_of
from labctl.model.bench import Delta
from labctl.model.ids import ChannelId
from labctl.model.job import OPEN_STATES, JobSpec
from labctl.model.person import Role
from labctl.model.typed import from_plain
from labctl.station.core import StationCore
from labctl.testing.benchrun import small_bench
from labctl.testing.corebench import ANNA, CoreBench
from labctl.testing.guilab import FakeAsks, TurnedClock

JOB = {"cell_id": "C101", "protocol": "p1-li-li-1mA", "variables": {"cycles": "1", "opening_rest": "10 min"}}


def sent(deltas: Any) -> tuple[Delta, ...]:
    """Return deltas as they come over the wire."""
    return tuple(Delta(one.number, one.topic, one.key, json.loads(json.dumps(one.data))) for one in deltas)


def test_a_run_is_seen_from_its_wish_to_its_end_and_nothing_is_left_unread(tmp_path: Path) -> None:
    bench = CoreBench(small_bench({"variant": "LIQ-P"}), tmp_path)
    clock = TurnedClock()
    lab = Lab(clock)
    grid, channel = Grid(lab), ChannelId("neware:1-1")
    words: set[str] = set()
    asks = FakeAsks()
    queue = QueueModel(lab, Acts(asks, clock), asks)
    alarms = AlarmList(lab, Acts(asks, clock), asks)

    async def story(core: StationCore) -> None:
        await bench.load_cells(core)
        snapshot = core.feed.snapshot()
        news = LinkNews(LinkPhase.LIVE, clock.s, me=Me("anna", Role.ADMIN))
        lab.apply(Batch(sent(snapshot.state), link=news, reset=True))
        lab.take_cells(core.registry.cells())
        number = snapshot.number
        await core.queue.submit(ANNA, (from_plain(JobSpec, JOB),))
        seen_open = False
        for _ in range(2000):
            await core.clock.plant.sleep(600.0)
            deltas = core.feed.since(number)
            assert deltas is not None
            number = core.feed.number
            lab.apply(Batch(sent(deltas)))
            if channel in lab.channels:
                words.add(grid.tile(channel).word)
            seen_open = seen_open or bool(queue.rows())
            jobs = core.queue.jobs()
            if all(job.state not in OPEN_STATES for job in jobs):
                break
        assert seen_open and {job.state.value for job in jobs} == {"ended"}
        (run,) = core.runs.list()
        detail = await core.runs.detail(run.run_id)
        lines = program_lines(detail.manifest["program"])
        assert [line.name for line in lines if line.step_id][:3] == ["REST", "CC-CHG", "CC-DIS"]
        assert all(line.until for line in lines if line.step_id)
        found = figures_of(await core.runs.cycles(run.run_id))
        assert found.cycles >= 1 and math.isfinite(found.overpotential_V)
        table = await core.series.series(run.run_id, ["voltage_volt"], width_px=200)
        envelope, last = envelope_of(table, "voltage_volt")
        block = await core.runs.records(run.run_id)
        assert last == int(block["sequence"][-1]) and np.nanmax(envelope.high) == block["voltage_volt"].max()
        queue._take(core.queue.calendar())

    bench.live(story)
    assert list(lab.problems) == []
    assert {"CHG", "DIS"} <= words
    assert lab.station is not None and lab.station.virtual and queue.counts()
    assert [lane.channel for lane in queue.lanes()] == [channel]
    assert event_rows(lab) and alarms.tree() and alarms.groups() is not None
