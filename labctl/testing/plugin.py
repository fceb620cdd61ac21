"""The pytest plug-in that comes with labctl: a lab tests its own protocols, scripts and drivers in seconds.

Fixtures: ``virtual_bench`` (protocols on virtual cells, in jump mode), ``station`` (a real station process on a
virtual bench, driven through the public client), ``jumping_clock`` (tell a story in which waiting takes no time) and
``faults`` (seeded byte faults). Nothing of labctl is imported before a test asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from labctl.testing.labbench import LabBench
    from labctl.testing.stationrun import StationRun
    from labctl.transport.faults import FaultPlan


@pytest.fixture
def virtual_bench(tmp_path: Path) -> LabBench:
    """Give a laboratory of virtual cells: ``virtual_bench.run("protocol.yaml", "LIQ-P")``."""
    from labctl.testing.labbench import LabBench

    return LabBench(tmp_path / "virtual-bench")


@pytest.fixture
def station(tmp_path: Path) -> Iterator[StationRun]:
    """Give a running station on a virtual bench of 16 channels: ``station.client`` is the public client."""
    from labctl.testing.stationrun import running_station

    with running_station(tmp_path / "station") as running:
        yield running


@pytest.fixture
def jumping_clock() -> Callable[..., Any]:
    """Give ``jumping_clock(story, bench=None)``: runs ``async def story(clock)`` in jump mode."""
    from labctl.testing.clocks import jump

    return jump


@pytest.fixture
def faults() -> Callable[..., FaultPlan]:
    """Give ``faults(seed=7, faults=5, exchanges=100)``: a plan for ``FaultyTransport``, the same for the same seed."""
    from labctl.testing.faultplan import seeded_plan

    return seeded_plan
