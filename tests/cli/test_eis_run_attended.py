"""``labctl eis run`` at an instrument that only a person can drive: it asks at both ends and waits for Enter."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

import labctl.clock
from labctl.cli.app import main
from labctl.clock import Clock, ClockMode, ClockSpec, run_with_clock
from labctl.engine.lease import ENVIRONMENT
from labctl.testing.benchrun import open_virtual_bench, small_bench
from labctl.testing.commandline import Call, captured

SWEEP = ("--from", "1 kHz", "--to", "1 Hz", "--points-per-decade", "3", "--settle", "1 s")


class Person:
    """The keyboard: measures in the simulated PowerSuite before the first Enter."""

    def __init__(self, patch: pytest.MonkeyPatch, folder: Path) -> None:
        entry = {
            "name": "ps", "kind": "powersuite", "model": "parstat2273", "dummy": "D1", "profile": "ideal",
            "folder": str(folder),
        }  # fmt: skip
        self.virtual = open_virtual_bench({**small_bench(), "potentiostats": [entry]})
        self.folder = folder
        self.enters = 0
        patch.setattr("sys.stdin", self)
        patch.setattr(labctl.clock, "run_with_clock", self._jump)

    def readline(self) -> str:
        self.enters += 1
        if self.enters == 1:
            (sheet,) = self.folder.glob("*.plan.txt")
            reply = self.virtual.admin(
                {"do": "powersuite.run", "instrument": "ps", "sheet": str(sheet), "format": "parstat"}
            )
            assert reply["ok"], reply
        return "\n"

    def _jump(self, spec: ClockSpec, told: Callable[[Clock], Coroutine[Any, Any, Any]]) -> Any:
        return run_with_clock(ClockSpec(mode=ClockMode.JUMP), told, bench=self.virtual)

    def run(self, *words: object) -> Call:
        where = ("--driver", "powersuite-files", "--resource", self.folder.as_uri())
        return captured(main, "eis", "run", *where, *map(str, words))


@pytest.fixture
def person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Person:
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path / "leases"))
    folder = tmp_path / "exports"
    folder.mkdir()
    return Person(monkeypatch, folder)


def test_a_person_is_shown_the_sheet_and_confirms_both_ends(person: Person, tmp_path: Path) -> None:
    call = person.run(*SWEEP, "--out", tmp_path / "taken.csv", "--json")
    assert call.code == 0, call.err
    assert person.enters == 2
    assert "Connect the cell" in call.err
    assert "Start frequency: 1 kHz" in call.err
    assert "See that the experiment has ended and that the cell is off" in call.err
    assert json.loads(call.out)
    assert len((tmp_path / "taken.csv").read_text().splitlines()) == 11
    kept = list((person.folder / "labctl-taken").iterdir())
    assert len(kept) == 1
