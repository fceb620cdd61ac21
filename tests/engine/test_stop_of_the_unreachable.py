"""Stop all outputs names an instrument that has never answered: unknown is not stopped (P2)."""

from __future__ import annotations

from pathlib import Path

import pytest

from labctl.engine.supervisor import Supervisor
from labctl.testing.benchrun import small_bench
from labctl.testing.supervised import SupervisedBench


@pytest.fixture
def lab(tmp_path: Path) -> SupervisedBench:
    """Two symmetric cells, polled every minute."""
    return SupervisedBench(small_bench({}, {}), tmp_path, poll_s=60.0)


def test_an_instrument_without_runs_that_never_answered_is_told_as_not_confirmed(
    lab: SupervisedBench,
) -> None:
    lab.cable_out("neware", 0.0, 5000.0)

    async def story(engine: Supervisor) -> list[tuple[str, bool, str, str]]:
        await lab.clock.link.sleep(30.0)
        reports = await engine.stop_all("smoke")
        return [(report.channel, report.confirmed, report.text, report.what_to_do) for report in reports]

    ((channel, confirmed, text, to_do),) = lab.supervise(story, ready=False)
    assert channel == "neware" and not confirmed
    assert "has not answered since the station began" in text and "disconnect" in to_do
