"""docs/guide.md as a promise: each command is run, in order, against a bench."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from labctl.testing.commandline import labctl
from labctl.testing.sim import running_bench

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
CALL_TIMEOUT_S = 120.0


def commands(text: str, fence: str) -> list[str]:
    """Return the command lines of the fenced blocks; ``^C`` stands for the key, behind its command."""
    blocks = re.findall(rf"```{fence}\n(.*?)```", text, flags=re.DOTALL)
    return [line.removeprefix("$ ") for block in blocks for line in block.splitlines() if line.strip()]


class Terminal:
    """Runs command lines one after the other in one folder; the bench runs beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {key: value for key, value in os.environ.items() if key != "LABCTL_STATION"}

    def enter(self, line: str, *, interrupted: bool) -> tuple[int, str]:
        if line.startswith("export "):
            name, value = line.removeprefix("export ").split("=", 1)
            self.environment[name] = value
            return 0, ""
        process = subprocess.Popen(
            [sys.executable, "-m", *shlex.split(line)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, encoding="utf-8", cwd=self.folder, env=self.environment,
        )  # fmt: skip
        if interrupted:
            assert process.stdout is not None
            seen = next((text for text in process.stdout if " running " in text), "")
            assert seen, f"{line}: never ran"
            process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=CALL_TIMEOUT_S)
        return process.returncode, out


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Terminal]:
    with running_bench("--mode", "lockstep", "--state", str(tmp_path / "my-bench"), folder=tmp_path):
        terminal = Terminal(tmp_path)
        try:
            yield terminal
        finally:  # whatever a command started goes on after it, as it should: end it here
            station = str(tmp_path / "my-bench" / "station.yaml")
            labctl("serve", "--stop", "--station", station, "--data", str(tmp_path / "labctl-data"))


def perform(lab: Terminal, lines: list[str]) -> None:
    for place, line in enumerate(lines):
        if line == "^C":
            continue
        code, out = lab.enter(line, interrupted=lines[place + 1 : place + 2] == ["^C"])
        assert code == 0, f"{line}\n{out}"


@pytest.mark.slow
def test_every_command_of_the_guide_does_what_it_says(lab: Terminal) -> None:
    lines = commands(GUIDE, "console")
    assert lines.pop(0) == "labctl sim --mode lockstep --state my-bench"
    perform(lab, lines)
    figures = {path.suffix for path in lab.folder.iterdir()}
    assert {".png", ".pdf", ".svg", ".csv", ".parquet", ".xml", ".json"} <= figures


def test_the_guide_names_only_verbs_that_exist() -> None:
    for line in commands(GUIDE, "console"):
        words = shlex.split(line)
        if words[0] == "labctl" and words[1] in ("runs", "cells", "protocols", "chamber", "store"):
            call = labctl(words[1], words[2], "--help")
            assert call.code == 0, line
