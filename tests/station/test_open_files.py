"""The limit of open files: raised as far as the system lets it, and told where it is too low for the bench."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from labctl.station import handles
from labctl.station.core import StationCore
from labctl.testing.benchrun import small_bench
from labctl.testing.corebench import CoreBench

CHILD = """
import resource
from labctl.station.handles import limit, raise_limit
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (128, hard))
print(limit(), raise_limit() == limit() == resource.getrlimit(resource.RLIMIT_NOFILE)[0], limit() > 128)
"""


def test_a_process_may_hold_as_many_files_as_the_system_lets_it() -> None:
    if sys.platform == "win32":
        assert handles.raise_limit() is handles.limit() is None
        return
    said = subprocess.run(
        [sys.executable, "-c", CHILD], capture_output=True, text=True, check=True, timeout=60
    )
    assert said.stdout.split() == ["128", "True", "True"]


def test_a_limit_is_too_low_only_where_it_is() -> None:
    assert handles.shortage(1024, None) == ""
    assert handles.shortage(1024, 8192) == ""
    assert handles.shortage(100, 1024) == ""
    assert "1024 channels may need 6394 open files and this computer allows 1024" in handles.shortage(
        1024, 1024
    )


def test_a_station_tells_that_its_channels_may_need_more_files_than_it_may_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = CoreBench(small_bench({"variant": "LIQ-P"}), tmp_path)

    async def events(core: StationCore) -> list[str]:
        number = core.feed.number
        await core.clock.link.sleep(2000.0)
        return [delta.key for delta in core.feed.since(number) or () if delta.topic == "event"]

    monkeypatch.setattr(handles, "limit", lambda: 256)
    assert bench.live(events).count("handles.few") == 1
    monkeypatch.setattr(handles, "limit", lambda: None)
    assert "handles.few" not in bench.live(events)
