"""Spectra in a run's folder: put there whole, found again with what they belong to, damage named by ``verify``."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from labctl.errors import StoreError
from labctl.model.spectrum import Spectrum, SpectrumHead
from labctl.store.runspectra import RunFacts, damages, facts_of, spectra_of, store_spectrum, with_facts
from labctl.store.simdisk import SimulatedDisk
from labctl.store.spectra import stored_of

FOLDER = Path("/virtual/data/runs/R1")
FACTS = RunFacts("R1", 2, 3, 7200.125, "broken off", "the link is gone (closed)")


def spectrum() -> Spectrum:
    """Return two points of a resistor."""
    return Spectrum.of(np.array([10.0, 1.0]), np.array([5.0 - 1j, 6.0 - 2j]), SpectrumHead(cell_id="C1"))


def test_a_spectrum_is_found_again_with_the_moment_of_its_run() -> None:
    disk = SimulatedDisk()
    for number in (3, 11, 2):
        store_spectrum(disk, FOLDER, RunFacts("R1", 1, number), spectrum())
    store_spectrum(disk, FOLDER, FACTS, spectrum())
    found = list(spectra_of(disk, FOLDER, "R1"))
    assert [spectrum_id for spectrum_id, _ in found] == ["R1-e2", "R1-e3", "R1-e3", "R1-e11"]
    path = FOLDER / "spectra" / "2-3.parquet"
    stored = stored_of(disk.read(path), path, "R1-e3").spectrum
    assert facts_of(stored.head) == FACTS and np.array_equal(stored.z_ohm, spectrum().z_ohm)
    assert list(damages(disk, FOLDER)) == []


def test_what_belongs_to_no_run_says_so() -> None:
    assert facts_of(SpectrumHead(notes=("imported",))) is None
    again = facts_of(with_facts(SpectrumHead(), RunFacts("R1", 1, 1)))
    assert again is not None and math.isnan(again.test_time_s) and again.outcome == "whole"


def test_damage_and_a_spectrum_in_the_wrong_place_are_named() -> None:
    disk = SimulatedDisk()
    store_spectrum(disk, FOLDER, FACTS, spectrum())
    path = FOLDER / "spectra" / "2-3.parquet"
    data = disk.read(path)
    for name, content in (("2-4.parquet", data), ("2-5.parquet", data[: len(data) // 2])):
        file = disk.create(FOLDER / "spectra" / name)
        file.write((content,), 0)
        file.close()
    told = dict(damages(disk, FOLDER))
    assert set(told) == {"spectra/2-4.parquet", "spectra/2-5.parquet"}
    assert told["spectra/2-4.parquet"] == "does not say that it belongs here"
    assert told["spectra/2-5.parquet"].startswith("cannot be read")


def test_a_disk_that_refuses_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    disk = SimulatedDisk()

    def full(path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(disk, "make_folder", full)
    with pytest.raises(StoreError, match="Cannot store the spectrum R1-e3"):
        store_spectrum(disk, FOLDER, FACTS, spectrum())
