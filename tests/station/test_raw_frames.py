"""Raw frames of a living station: newest first, by channel, in the driver's words, also what was not written yet."""

from __future__ import annotations

from pathlib import Path

import pytest

from labctl.errors import UserInputError
from labctl.model.ids import CellId, ChannelId
from labctl.model.job import JobSpec
from labctl.model.rawframe import FrameKind
from labctl.station.core import StationCore
from labctl.testing.benchrun import small_bench
from labctl.testing.corebench import ANNA, CoreBench, submitted

PLACE = ChannelId("neware:1-1")


def lab(folder: Path, *, keep: bool) -> CoreBench:
    """Return a bench with two Li|Li cells that keeps raw frames, or does not."""
    bench = CoreBench(small_bench({"variant": "LIQ-P"}, {"variant": "LIQ-P"}), folder)
    bench.keep_frames = keep
    return bench


def test_frames_of_a_link_and_of_a_channel_come_in_pages(tmp_path: Path) -> None:
    bench = lab(tmp_path, keep=True)

    async def story(core: StationCore) -> None:
        await bench.load_cells(core)
        await submitted(core, JobSpec(CellId("C101"), protocol="p1-li-li-1mA", variables={"cycles": "20"}))
        await core.clock.plant.sleep(3 * 3600.0)
        page = await core.frames.page("neware", limit=20)
        assert len(page.frames) == 20 and page.earlier and page.kept_in == "wire/neware.log"
        assert {frame.kind for frame in page.frames} <= {FrameKind.OUT, FrameKind.IN}
        assert all(frame.utc and frame.link == "neware/1" and frame.text for frame in page.frames)
        older = await core.frames.page("neware", before=page.earlier, limit=20)
        assert older.frames[0].utc <= page.frames[-1].utc and older.frames != page.frames
        run = core.channel(PLACE).run_id
        await core.runs.stop(ANNA, run)
        ours = await core.frames.page("neware", channel=PLACE, limit=200)
        assert all(PLACE in frame.channels for frame in ours.frames)
        assert any(frame.text == "stop 1-1" and frame.kind is FrameKind.OUT for frame in ours.frames)
        early = await core.frames.page("neware", until="2026-01-01T00:30:00+00:00", limit=5)
        assert early.frames and all(frame.utc < "2026-01-01T00:30:00.001" for frame in early.frames)

    bench.live(story)


def test_a_place_or_moment_that_is_none_is_refused_in_words(tmp_path: Path) -> None:
    bench = lab(tmp_path, keep=True)

    async def story(core: StationCore) -> None:
        with pytest.raises(UserInputError, match="no instrument"):
            core.frames.known("nobody")
        with pytest.raises(UserInputError, match="no moment"):
            await core.frames.page("neware", until="yesterday")
        with pytest.raises(UserInputError, match="earlier"):
            await core.frames.page("neware", before="17")

    bench.live(story)


def test_a_station_that_keeps_no_frames_says_so(tmp_path: Path) -> None:
    bench = lab(tmp_path, keep=False)

    async def story(core: StationCore) -> None:
        page = await core.frames.page("neware")
        assert page.frames == () and "not kept" in page.trouble

    bench.live(story)
