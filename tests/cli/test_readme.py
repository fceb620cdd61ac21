"""The README's campaign and terminal sections as promises: its own text is run, in order, against a bench."""

from __future__ import annotations

import os
import re
import shlex
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
README = (ROOT / "README.md").read_text(encoding="utf-8")
CAMPAIGN = "A campaign over night, in ten lines"
STATION = Path("my-bench") / "station.yaml"
CALL_TIMEOUT_S = 240.0
ROWS_MIN = 16 * 3 * 700
"""Three cycles of two hours with a row each 10 s give more than this."""


def section(title: str) -> str:
    return README.split(f"## {title}\n")[1].split("\n## ")[0]


def blocks(title: str) -> list[tuple[str, str]]:
    """Return the fenced blocks of a section: language and text."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", section(title), flags=re.DOTALL | re.MULTILINE)


def scripts() -> dict[str, str]:
    """Return the code of the ten lines by file name, as the README shows it."""
    named = [text.split("\n", 1) for language, text in blocks(CAMPAIGN) if language == "python"]
    return {name.removeprefix("# "): code for name, code in named}


def shell(title: str) -> list[str]:
    """Return the command lines of a section, without what is said about them."""
    lines = [line for language, text in blocks(title) if not language for line in text.splitlines()]
    return [re.sub(r" {2,}#.*", "", line).strip() for line in lines]


def entered(folder: Path, *words: str) -> str:
    """Run a command as a person does and return what it prints."""
    done = subprocess.run(
        [sys.executable, *words], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        encoding="utf-8", timeout=CALL_TIMEOUT_S, check=False, env={**os.environ, "LABCTL_STATION": str(STATION)},
    )  # fmt: skip
    assert done.returncode == 0, f"{words}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A copy of docs/scripts with the bench running as the README starts it; a station that was started is ended."""
    shutil.copytree(ROOT / "docs" / "scripts", tmp_path, dirs_exist_ok=True)
    for name, code in scripts().items():
        (tmp_path / name).write_text(code, encoding="utf-8")
    activate, enter, begin = shell(CAMPAIGN)
    assert (activate, enter) == (". .venv/bin/activate", "cd docs/scripts")
    with running_bench(*shlex.split(begin.removeprefix("labctl sim ")), folder=tmp_path):
        try:
            yield tmp_path
        finally:
            data = str(tmp_path / "labctl-data")
            labctl("serve", "--stop", "--station", str(tmp_path / STATION), "--data", data)


@pytest.mark.slow
def test_ten_lines_queue_a_campaign_leave_and_read_it_from_another_process(folder: Path) -> None:
    """Given two units of eight channels: one script queues and leaves, another comes back and finds every row."""
    assert entered(folder, "submit.py").startswith("16 jobs queued")
    assert entered(folder, "submit.py").startswith("16 jobs queued"), "the same key is done once"
    table = entered(folder, "results.py")
    assert "C0001" in table and "C0016" in table
    with connect(folder / STATION, folder / "labctl-data", start=False) as station:
        jobs = station.queue.list()
        assert [(job.state.value, len(job.runs)) for job in jobs] == [("ended", 1)] * 16
        frames = {job.spec.cell_id: station.runs.frame(str(job.run_id)) for job in jobs}
    assert sum(len(frame) for frame in frames.values()) > ROWS_MIN
    for cell, frame in frames.items():
        assert list(frame["sequence"]) == list(range(1, len(frame) + 1)), cell
        assert set(frame["cycle_count"]) >= {1, 2, 3}, cell

    export, *lines = shell("At the terminal")
    assert export == f"export LABCTL_STATION={STATION.as_posix()}"
    for line in lines:
        entered(folder, "-m", *shlex.split(line))
    assert {path.suffix for path in folder.iterdir()} >= {".png", ".csv"}


def test_the_ten_lines_are_ten_and_are_the_files_that_ship() -> None:
    shown = scripts()
    assert list(shown) == ["submit.py", "results.py"]
    assert sum(1 for code in shown.values() for line in code.splitlines() if line.strip()) == 10
    for name, code in shown.items():
        shipped = (ROOT / "docs" / "scripts" / name).read_text(encoding="utf-8")
        assert shipped.split("\n", 1)[1].strip() == code.strip(), name
