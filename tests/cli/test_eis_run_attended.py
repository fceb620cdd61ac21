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

ENTER, NOBODY = "\n", ""
SWEEP = ("--from", "1 kHz", "--to", "1 Hz", "--points-per-decade", "3", "--settle", "1 s")


class Person:
    """The keyboard: measures in the simulated PowerSuite before the first Enter, ``presses`` what comes after."""

    def __init__(self, patch: pytest.MonkeyPatch, folder: Path) -> None:
        entry = {
            "name": "ps", "kind": "powersuite", "model": "parstat2273", "dummy": "D1", "profile": "ideal",
            "folder": str(folder),
        }  # fmt: skip
        self.virtual = open_virtual_bench({**small_bench(), "potentiostats": [entry]})
        self.folder = folder
        self.measured = False
        self.presses = [ENTER, ENTER]
        patch.setattr("sys.stdin", self)
        patch.setattr(labctl.clock, "run_with_clock", self._jump)

    def readline(self) -> str:
        pressed = self.presses.pop(0) if self.presses else ""
        if pressed and not self.measured:
            (sheet,) = self.folder.glob("*.plan.txt")
            reply = self.virtual.admin(
                {"do": "powersuite.run", "instrument": "ps", "sheet": str(sheet), "format": "parstat"}
            )
            assert reply["ok"], reply
            self.measured = True
        return pressed

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
    assert person.presses == []
    assert "Connect the cell" in call.err
    (sheet,) = person.folder.glob("*.plan.txt")
    assert f"The sheet: {sheet}" in call.err
    assert "Start frequency: 1 kHz" in call.err
    assert "See that the experiment has ended and that the cell is off" in call.err
    told = json.loads(call.out)
    assert (told["complete"], told["cell"], told["read_back"]) == (True, "off", False)
    assert len((tmp_path / "taken.csv").read_text().splitlines()) == 11
    kept = list((person.folder / "labctl-taken").iterdir())
    assert len(kept) == 1


def test_without_anybody_at_the_keyboard_the_plan_is_taken_back(person: Person, tmp_path: Path) -> None:
    person.presses = []
    call = person.run(*SWEEP, "--out", tmp_path / "none.csv")
    assert call.code == 1 and not person.measured
    assert "nobody confirms that here" in call.err
    assert (
        "ended after 0 of 10 points" in call.out and "labctl cannot read this instrument's cell" in call.out
    )


@pytest.mark.parametrize("late", [(), (NOBODY,)])
def test_a_stop_that_is_confirmed_however_late_leaves_nothing_unknown(
    person: Person, tmp_path: Path, late: tuple[str, ...]
) -> None:
    # at the end nobody says that the cell is off, so it is stopped
    person.presses = [ENTER, NOBODY, *late, ENTER]
    call = person.run(*SWEEP, "--out", tmp_path / "none.csv")
    assert call.code == 1 and person.presses == []
    assert "Stop the experiment in PowerSuite now" in call.err
    assert "NOBODY KNOWS" not in call.err and "FAILED" not in call.out
    assert "ended after 0 of 10 points" in call.out


def test_a_stop_that_nobody_confirms_is_told_large_and_without_advice_that_does_not_help(
    person: Person, tmp_path: Path
) -> None:
    person.presses = [ENTER]
    call = person.run(*SWEEP, "--out", tmp_path / "none.csv")
    assert call.code == 1
    assert "NOBODY KNOWS WHETHER THE CELL IS OFF" in call.err and "--dry-run" not in call.err
