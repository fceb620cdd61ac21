"""A run's spectrum at an instrument that only a person can drive: asked at both ends, in the run's own handover."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from labctl.config.station import PotentiostatEntry
from labctl.model.handover import HandoverStatus, Stage
from labctl.testing.handoverbench import HandoverBench, wish


class PowerSuiteBench(HandoverBench):
    """The bench with a PARSTAT behind PowerSuite in the potentiostat's place; the person does what its sheets say."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.exports = folder / "exports"
        self.exports.mkdir()
        entry = PotentiostatEntry("pstat", "powersuite-files", self.exports.as_uri())
        self.station = replace(self.station, potentiostats=(entry,))
        self.asked: list[str] = []

    def move(self, status: HandoverStatus) -> None:
        """Do what is asked at the instrument, or carry the cell."""
        self.asked.append(status.text)
        if status.stage is not Stage.MEASURING:
            super().move(status)
        elif "start it" in status.text:
            sheet = max(self.exports.glob("*.plan.txt"))
            self.admin("powersuite.run", instrument="pstat", sheet=str(sheet), format="parstat")


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PowerSuiteBench:
    spec = {"kind": "powersuite", "model": "parstat2273", "folder": str(tmp_path / "exports")}
    monkeypatch.setattr("labctl.testing.handoverbench.small_bench", _bench_with(spec))
    return PowerSuiteBench(tmp_path)


def _bench_with(keys: dict[str, str]) -> object:
    from labctl.testing.benchrun import small_bench

    class Spec(dict[str, object]):
        """A bench file whose potentiostat is of another kind."""

        def __setitem__(self, key: str, value: object) -> None:
            if key == "potentiostats" and isinstance(value, list):
                value = [{**value[0], **keys}]
            super().__setitem__(key, value)

    return lambda *cells: Spec(small_bench(*cells))


def test_a_person_begins_and_ends_the_spectrum_and_the_run_goes_on(lab: PowerSuiteBench) -> None:
    result = lab.supervise(lab.one(wish()))
    (stored,) = lab.spectra(result.run_id)
    assert len(stored.spectrum) == 7
    assert stored.outcome == "whole"
    words = [
        "Move the leads", "pstat: Connect the cell, set the experiment", "pstat: The export has come",
        "Move the leads",
    ]  # fmt: skip
    assert len(lab.asked) == len(words)
    for asked, word in zip(lab.asked, words, strict=True):
        assert word in asked
    assert any("begin confirmed by ann" in note for note in stored.spectrum.head.notes)
    assert lab.violations() == []
    assert lab.energised() == 1
