"""The scripts of docs/scripting.md as promises: a campaign is queued by one process and read by another."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from labctl.api.client import connect
from labctl.testing.commandline import labctl
from labctl.testing.sim import running_bench

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "docs" / "scripts"
PAGE = ROOT / "docs" / "scripting.md"
SCRIPT_TIMEOUT_S = 240.0
ROWS_MIN = 16 * 3 * 700
"""Three cycles of two hours with a row each 10 s give more than this."""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder as the page describes it, with the bench running; a station that was started is ended."""
    for name in ("bench.yaml", "campaign.yaml", "submit.py", "results.py"):
        shutil.copy(SCRIPTS / name, tmp_path)
    words = ("--mode", "lockstep", "--bench", "bench.yaml", "--state", str(tmp_path / "my-bench"))
    with running_bench(*words, folder=tmp_path):
        try:
            yield tmp_path
        finally:
            where = (
                "--station",
                str(tmp_path / "my-bench" / "station.yaml"),
                "--data",
                str(tmp_path / "my-data"),
            )
            labctl("serve", "--stop", *where)


def script(folder: Path, name: str) -> str:
    """Run a script as a person does and return what it prints."""
    done = subprocess.run(
        [sys.executable, name], cwd=folder, capture_output=True, text=True, encoding="utf-8",
        timeout=SCRIPT_TIMEOUT_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_campaign_is_queued_left_and_read_from_another_process(folder: Path) -> None:
    """Given two units of eight channels: one script queues and leaves, another comes back and finds every row."""
    assert script(folder, "submit.py").startswith("16 jobs queued")
    assert script(folder, "submit.py").startswith("16 jobs queued"), "the same key is done once"
    table = script(folder, "results.py")
    assert "C0001" in table and "C0016" in table
    with connect(folder / "my-bench" / "station.yaml", folder / "my-data", start=False) as station:
        jobs = station.queue.list()
        assert [(job.state.value, len(job.runs)) for job in jobs] == [("ended", 1)] * 16
        frames = {job.spec.cell_id: station.runs.frame(str(job.run_id)) for job in jobs}
    assert sum(len(frame) for frame in frames.values()) > ROWS_MIN
    for cell, frame in frames.items():
        assert list(frame["sequence"]) == list(range(1, len(frame) + 1)), cell
        assert set(frame["cycle_count"]) >= {1, 2, 3}, cell


def test_the_page_shows_the_scripts_that_are_run() -> None:
    text = PAGE.read_text(encoding="utf-8")
    shown = re.findall(r"```(?:python|yaml)\n# (\S+)\n(.*?)```", text, flags=re.DOTALL)
    assert {name for name, _ in shown} == {"submit.py", "results.py", "campaign.yaml"}
    for name, content in shown:
        file = (SCRIPTS / name).read_text(encoding="utf-8")
        code = "\n".join(line for line in content.splitlines() if line.strip())
        kept = [line for line in file.splitlines() if line.strip() and not line.startswith(('"""', "# "))]
        assert code == "\n".join(kept), name


def test_the_two_scripts_have_ten_lines_of_code() -> None:
    lines = [
        line
        for name in ("submit.py", "results.py")
        for line in (SCRIPTS / name).read_text(encoding="utf-8").splitlines()
        if line.strip() and not line.startswith('"""')
    ]
    assert len(lines) == 10
