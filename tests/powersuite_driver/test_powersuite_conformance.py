"""The examiner of attended potentiostats on the PowerSuite driver, and on drivers with mistakes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from labctl_drivers.powersuite_files import create

from labctl.clock import Clock
from labctl.interfaces.potentiostat import PersonAct, PersonAsked, Potentiostat
from labctl.testing.attendedconformance import ATTENDED
from labctl.testing.benchrun import VirtualBench, open_virtual_bench, small_bench
from labctl.testing.potentiostatconformance import check_potentiostat
from labctl.testing.potentiostatrig import PotentiostatSetup

ENDS = "nothing goes on before a person has begun, and nothing ends before one has confirmed"
UNCONFIRMED = "an abort that nobody confirms leaves the cell unknown, and stays asked"
SPECTRUM = "a spectrum of the dummy cell is its formula, Z'' signed, amplitude rms, points exact"


class PersonRig:
    """The driver on a folder, and a simulated person with PowerSuite who does what a sheet says."""

    def __init__(self, bench: VirtualBench, folder: Path, clock: Clock, layout: str) -> None:
        self._bench = bench
        self._folder = folder
        self._layout = layout
        self._sheets_before = len(list(folder.iterdir()))
        self.potentiostat: Potentiostat = create(
            "ps", folder.as_uri(), {}, clock, lambda resource: _no_link()
        )

    def _truth(self) -> dict[str, Any]:
        return self._bench.admin({"do": "truth", "slot": "ps"})

    def act(self, asked: PersonAsked) -> bool:
        if asked.act is PersonAct.BEGIN:
            request = {
                "do": "powersuite.run",
                "instrument": "ps",
                "sheet": asked.sheet,
                "format": self._layout,
            }
        elif asked.act is PersonAct.STOP:
            request = {"do": "powersuite.stop", "instrument": "ps"}
        else:
            return not self.cell_on()
        reply = self._bench.admin(request)
        assert reply["ok"], reply
        return True

    def cell_on(self) -> bool:
        return bool(self._truth()["cell_on"])

    def energisings(self) -> int:
        return sum(act["what"] == "cell_on" for act in self._truth()["switched"])

    def sent(self) -> int:
        return len(list(self._folder.iterdir()))

    def cut(self) -> None:
        raise AssertionError("there is no link")

    def hang(self, hung: bool) -> None:
        return


def _no_link() -> Any:
    raise AssertionError("nothing is connected: there is no link")


def setups(
    folder: Path, layout: str = "parstat", spoil: Callable[[PersonRig], None] | None = None
) -> Callable[[], PotentiostatSetup]:
    """Return a maker of fresh benches with a person; ``spoil`` plants a mistake in the driver."""

    def make() -> PotentiostatSetup:
        entry = {
            "name": "ps", "kind": "powersuite", "model": "parstat2273", "dummy": "D1", "profile": "ideal",
            "folder": str(folder),
        }  # fmt: skip
        bench = open_virtual_bench({**small_bench(), "potentiostats": [entry]})

        def rig(clock: Clock) -> PersonRig:
            made = PersonRig(bench, folder, clock, layout)
            if spoil is not None:
                spoil(made)
            return made

        return PotentiostatSetup(rig, bench)

    return make


@pytest.mark.parametrize("case", ATTENDED)
def test_the_powersuite_driver_keeps_each_case_with_a_simulated_person(case: str, tmp_path: Path) -> None:
    report = check_potentiostat(setups(tmp_path), only=[case], cases=ATTENDED)
    assert not report.problems, report
    assert report.kept == (case,)


def _confirms_by_itself(rig: PersonRig) -> None:
    inner = rig.potentiostat.measure

    async def measure(technique: Any) -> Any:
        measurement: Any = await inner(technique)
        measurement.confirm("nobody")
        return measurement

    rig.potentiostat.measure = measure  # type: ignore[method-assign]  # the planted mistake


def _believes_itself(rig: PersonRig) -> None:
    inner = rig.potentiostat.measure

    async def measure(technique: Any) -> Any:
        measurement: Any = await inner(technique)

        async def abort() -> None:
            measurement._over = True

        measurement.abort = abort
        return measurement

    rig.potentiostat.measure = measure  # type: ignore[method-assign]  # the planted mistake


@pytest.mark.parametrize(("case", "spoil"), [(ENDS, _confirms_by_itself), (UNCONFIRMED, _believes_itself)])
def test_a_driver_that_pretends_is_found(
    case: str, spoil: Callable[[PersonRig], None], tmp_path: Path
) -> None:
    assert check_potentiostat(setups(tmp_path, spoil=spoil), only=[case], cases=ATTENDED).problems
