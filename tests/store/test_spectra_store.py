"""Imported spectra in the data root: whole or not at all, found by id, in the order of a cell's life."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from labctl.errors import StoreError, UserInputError
from labctl.model.spectrum import Spectrum, SpectrumHead
from labctl.store.root import DataRoot
from labctl.store.spectra import SpectraStore, Stored


@pytest.fixture
def store(tmp_path: Path) -> SpectraStore:
    return SpectraStore(DataRoot(tmp_path / "data"))


def spectrum(cell_id: str, cycle: int | None) -> Spectrum:
    return Spectrum.of([1e3, 1e2], [10 - 1j, 20 - 2j], SpectrumHead(cell_id=cell_id, cycle=cycle))


def test_spectra_come_back_in_the_order_of_each_cells_life(store: SpectraStore) -> None:
    for cell_id, cycle in (("B-2", 5), ("A", 50), ("A", None), ("A", 0), ("B-2", 1)):
        store.add([spectrum(cell_id, cycle)], f"{cell_id} {cycle}".encode(), "x.z")
    listed = [(entry.spectrum.head.cell_id, entry.spectrum.head.cycle) for entry in store.list()]
    assert listed == [("A", None), ("A", 0), ("A", 50), ("B-2", 1), ("B-2", 5)]
    assert [entry.spectrum.head.cycle for entry in store.list("B-2")] == [1, 5]
    assert store.list("C") == []


def test_an_id_finds_its_spectrum_also_where_the_cells_id_has_dashes(store: SpectraStore) -> None:
    (several, _) = store.add([spectrum("2026-B-7", 1), spectrum("2026-B-7", 1)], b"raw", "x.mpt")
    entry = several[0]
    found = store.get(entry.spectrum_id)
    assert found is not None
    assert found.path == entry.path
    np.testing.assert_array_equal(found.spectrum.z_ohm, entry.spectrum.z_ohm)
    for unknown in ("", "nothing", "2026-B-7", "2026-B-7-", "../2026-B-7-1", entry.spectrum_id + "9"):
        assert store.get(unknown) is None


def test_a_correction_of_one_spectrum_is_refused_before_any_of_its_file_is_changed(
    store: SpectraStore,
) -> None:
    pair = [spectrum("A", 1), spectrum("A", 1)]
    store.add(pair, b"raw", "x.mpt")
    changed = [pair[0], replace(pair[1], head=replace(pair[1].head, cycle=9))]
    with pytest.raises(UserInputError, match="--correct"):
        store.add(changed, b"raw", "x.mpt")
    assert [entry.spectrum.head.cycle for entry in store.list("A")] == [1, 1]
    outcome = [what for _, what in store.add(changed, b"raw", "x.mpt", correct=True)]
    assert outcome == [Stored.SAME, Stored.CORRECTED]
    assert sorted(entry.spectrum.head.cycle or 0 for entry in store.list("A")) == [1, 9]


def test_a_cell_id_that_cannot_name_a_folder_and_a_damaged_file_are_told(store: SpectraStore) -> None:
    with pytest.raises(UserInputError, match="cannot name a folder"):
        store.add([spectrum("../A", 1)], b"raw", "x.z")
    ((entry, _),) = store.add([spectrum("A", 1)], b"raw", "x.parquet")
    entry.path.write_bytes(entry.path.read_bytes()[:-20])
    with pytest.raises(StoreError, match=f"{entry.spectrum_id} cannot be read"):
        store.list()


def test_verify_finds_nothing_in_sound_files_and_every_changed_byte(store: SpectraStore) -> None:
    for cell_id in ("A", "B"):
        store.add([spectrum(cell_id, 1)], f"raw {cell_id}".encode(), "x.par")
    assert store.verify() == []
    folder = store.list("A")[0].path.parent
    (source,) = folder.glob("*.source.par")
    source.write_bytes(b"raw a")
    stored = store.list("B")[0].path
    stored.write_bytes(stored.read_bytes()[:-20])
    damaged = store.verify()
    assert [str(source) in damaged[0], str(stored) in damaged[1], len(damaged)] == [True, True, 2]


def test_a_source_is_kept_once_whatever_it_is_called_and_again_after_a_store_that_was_cut_off(
    store: SpectraStore,
) -> None:
    ((entry, _),) = store.add([spectrum("A", 1)], b"raw", "x.PAR")
    folder = entry.path.parent
    store.add([spectrum("A", 1)], b"raw", "renamed.z")
    (source,) = folder.glob("*.source.*")
    assert (source.suffix, source.read_bytes()) == (".par", b"raw")
    source.rename(source.with_name(source.name + ".tmp"))
    store.add([spectrum("A", 1)], b"raw", "x.par")
    assert source.read_bytes() == b"raw"
