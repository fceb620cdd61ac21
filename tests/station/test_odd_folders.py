"""One run folder that nobody can use keeps no station from opening and no other run from going on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labctl.model.ids import RunId
from labctl.station.core import StationCore
from labctl.store.manifest import read_manifest, write_manifest
from labctl.testing.benchrun import small_bench
from labctl.testing.corebench import CoreBench
from labctl.testing.fakeruns import cycling, job, program

Spoil = Callable[[dict[str, Any]], object]

SPOILT: dict[str, Spoil] = {
    "no cell": lambda manifest: manifest.update(cell=None),
    "a cell that is a word": lambda manifest: manifest.update(cell="x"),
    "a cell without a name": lambda manifest: manifest["cell"].pop("name"),
    "a cell of no kind": lambda manifest: manifest["cell"].update(kind="x", cell_id="other"),
    "no channel": lambda manifest: manifest.pop("channel"),
    "a channel that is nowhere": lambda manifest: manifest.update(channel="nowhere:1-1"),
    "no protocol": lambda manifest: manifest.update(protocol=None),
    "a program without steps": lambda manifest: manifest["program"].update(flow=[]),
    "marks that are a word": lambda manifest: manifest.update(marks="x"),
    "another run's id": lambda manifest: manifest.update(run_id="20250101T000000-Z"),
    "an id that is a number": lambda manifest: manifest.update(run_id=-1),
    "an id that is a list": lambda manifest: manifest.update(run_id=[]),
    "segments that are a number": lambda manifest: manifest.update(segments=-1),
    "no clock": lambda manifest: manifest.pop("clock"),
    "no instrument": lambda manifest: manifest.update(instrument=None),
}


@pytest.fixture
def lab(tmp_path: Path) -> CoreBench:
    """Two symmetric cells."""
    return CoreBench(small_bench({}, {}), tmp_path, poll_s=60.0)


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
def test_a_station_opens_beside_an_odd_folder_tells_or_follows_it_and_follows_the_other_run(
    lab: CoreBench, spoil: Spoil
) -> None:
    async def begins(core: StationCore) -> list[RunId]:
        runs = [await core.supervisor.start(job(program(cycling(50), place))) for place in ("1-1", "1-2")]
        await core.clock.plant.sleep(900.0)
        return runs

    odd, good = lab.live(begins)
    folder = lab.root().run_folder(odd)
    manifest = read_manifest(lab.disk, folder)
    spoil(manifest)
    write_manifest(lab.disk, folder, manifest)

    async def goes_on(core: StationCore) -> tuple[bool, int]:
        before = core.supervisor.progress_of(good)
        assert before is not None
        await core.clock.plant.sleep(1800.0)
        after = core.supervisor.progress_of(good)
        assert after is not None
        told = [f"{alarm.text} {alarm.channel}" for alarm in core.alarms.alarms()]
        followed = core.supervisor.progress_of(odd) is not None
        return followed or any(odd in text or "1-1" in text for text in told), after.rows - before.rows

    followed_or_told, rows = lab.live(goes_on)
    assert followed_or_told
    assert rows > 100
    assert lab.energising("1-1") == ["start"]
