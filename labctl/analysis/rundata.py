"""Load what analysis needs of a stored run: facts of the cell, half-cycles, cycles, how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from numpy.typing import NDArray

from labctl.analysis.cycles import CycleTable
from labctl.analysis.life import Life, LifeCriterion, life_by_short, lives, survived_h
from labctl.analysis.summary import Reference
from labctl.errors import StoreError
from labctl.model.ids import RunId
from labctl.model.program import CellFacts
from labctl.store.runreader import RunReader

CYCLE_TABLE_COLUMNS = (
    "sequence", "test_time_second", "voltage_volt", "current_ampere", "cycle_count", "step_count", "step_type",
    "step_capacity_ah", "step_energy_wh", "quality",
)  # fmt: skip
FINISHED = "finished"  # outcome of a run whose program came to its end
PROTECT = "protect"  # outcome of a run that a protection of the instrument ended


@dataclass(frozen=True, slots=True, eq=False)
class RunData:
    """One run, analysed. ``half`` and ``cycles`` are the columns of ``cycles.half_cycles`` and ``cycles.cycles``.

    ``rows`` counts the records up to the run's end; ``rest_end_s`` is the test time of the first current.
    """

    run_id: RunId
    facts: CellFacts
    coating: str
    outcome: str
    rows: int
    offset_V: float
    rest_end_s: float
    half: Mapping[str, NDArray[Any]]
    cycles: Mapping[str, NDArray[Any]]

    @property
    def label(self) -> str:
        """Return what a legend calls the cell: ``pristine`` or ``Zn-coated``."""
        return f"{self.coating}-coated" if self.coating else "pristine"

    def lives(self) -> dict[LifeCriterion, Life]:
        """Return the life by every criterion."""
        return lives(self.half, self.cycles, protected=self.outcome == PROTECT)

    def life(self) -> Life:
        """Return the life: until the short, else until the voltage limit, else open."""
        short = life_by_short(self.half)
        if short.reached:
            return short
        limit = self.lives()[LifeCriterion.VOLTAGE_LIMIT]
        return limit if limit.reached else Life(LifeCriterion.SHORT, survived_h(self.half), reached=False)


def facts_of_run(reader: RunReader) -> CellFacts:
    """Return the cell's facts as frozen into the run's program. Raises: StoreError where the manifest lacks them."""
    try:
        stated = reader.manifest["program"]["cell"]
        known = {field.name for field in fields(CellFacts)}
        return CellFacts(**{name: value for name, value in stated.items() if name in known})
    except (KeyError, TypeError, AttributeError) as error:
        raise StoreError(
            f"{reader.folder}: run.json does not tell the cell of its program ({error!r})."
        ) from error


def analyse(reader: RunReader, *, facts: CellFacts | None = None, reference: Reference = "first") -> RunData:
    """Analyse a stored run, block by block: memory stays bounded for months of records.

    ``facts`` replaces those of the program, for a cell whose area or mass was corrected later; rows are not
    touched. Raises: StoreError where the run folder cannot be read.
    """
    table = CycleTable(facts or facts_of_run(reader))
    rows = 0
    for block in reader.blocks(columns=CYCLE_TABLE_COLUMNS):
        table.update(block)
        rows += len(block)
    outcome = str(reader.manifest.get("outcome") or "")
    ended = outcome == FINISHED
    cell = reader.manifest.get("cell") or {}
    coating = str(cell.get("coating") or "")
    return RunData(
        run_id=RunId(str(reader.manifest.get("run_id", reader.folder.name))),
        facts=table.facts,
        coating="" if coating.lower() in ("none", "pristine", "-") else coating,
        outcome=outcome,
        rows=rows,
        offset_V=table.offset_V,
        rest_end_s=table.rest_end_s or 0.0,
        half=table.half_cycle_columns(ended=ended),
        cycles=table.columns(ended=ended, reference=reference),
    )
