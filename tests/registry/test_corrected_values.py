"""A correction of area or mass changes what is divided by it, and nothing else (F30, I12)."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime

import numpy as np
import pytest

from labctl.analysis.cycles import cycles
from labctl.analysis.rundata import analyse, facts_of_run
from labctl.model.cell import Cell, CellKind
from labctl.model.ids import CellId, RunId
from labctl.station.corrected import corrected_cycles
from labctl.store.root import DataRoot
from labctl.store.runreader import RunReader
from labctl.store.runwriter import Receipt, RunWriter
from labctl.store.simdisk import SimulatedDisk
from labctl.testing.rowbuilder import RowBuilder, facts_of

START = datetime(2026, 1, 1, tzinfo=UTC)


def stored(area_cm2: float | None, mass_mg: float | None) -> RunReader:
    rows = RowBuilder().rest(60)
    for cycle in range(3):
        rows.charge(3600, 1e-3, 3.5 + 0.01 * cycle).discharge(3500, 1e-3, 3.3).next_cycle()
    facts = facts_of(CellKind.LFP_LI, area_cm2=area_cm2, active_mass_mg=mass_mg)
    disk = SimulatedDisk()
    root = DataRoot("/bench/data", disk=disk)
    manifest = {"program": {"cell": asdict(facts)}, "outcome": "finished"}
    writer = RunWriter.create(root, RunId("R1"), manifest, START)
    writer.append(rows.block(), Receipt("2026-01-01T00:00:00Z", 1.0, "x"))
    writer.write_cycles(cycles(rows.block(), facts))
    writer.finish(None)
    return RunReader(writer.folder, disk=disk)


@pytest.mark.parametrize("then", [(1.0, 0.9), (None, 0.9), (1.0, None), (None, None)])
@pytest.mark.parametrize("now", [(0.785, 0.93), (None, 0.93), (0.785, None)])
def test_derived_values_follow_a_correction_and_are_those_of_a_new_analysis(
    then: tuple[float | None, float | None], now: tuple[float | None, float | None]
) -> None:
    reader = stored(*then)
    raw, digest = reader.cycles(), reader.digest()
    cell = Cell(CellId("C1"), "made up", CellKind.LFP_LI, area_cm2=now[0], active_mass_mg=now[1])
    found = corrected_cycles(reader, cell)
    expected = analyse(reader, facts=facts_of(CellKind.LFP_LI, area_cm2=now[0], active_mass_mg=now[1])).cycles
    assert set(found) == set(expected)
    for name, column in expected.items():
        np.testing.assert_allclose(found[name], column, rtol=1e-12, err_msg=name)
    assert reader.digest() == digest
    assert reader.cycles().keys() == raw.keys()


def test_an_unchanged_cell_gives_the_stored_summary() -> None:
    reader = stored(1.0, 0.9)
    cell = Cell(CellId("C1"), "made up", CellKind.LFP_LI, area_cm2=1.0, active_mass_mg=0.9)
    for given in (cell, None):
        for name, column in corrected_cycles(reader, given).items():
            np.testing.assert_array_equal(column, reader.cycles()[name])
    assert facts_of_run(reader).area_cm2 == 1.0
