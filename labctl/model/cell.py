"""Registry entries: cells, the electrodes and batches they come from, as a person describes them.

Only numbers that a lab can know are here; nothing of a simulator's truth.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from labctl.model.ids import CellId, ChannelId, RunId
from labctl.model.units import cm2_from_disc_mm


class CellKind(StrEnum):
    """How a cell is cycled: decides first sign, CE convention and the plausible OCV window."""

    SYMMETRIC = "symmetric"  # Li|Li: 0 V at rest, first half-cycle positive
    LTO_LI = "lto_li"  # LTO against Li: discharge first, CE = Q_chg / Q_dis
    LFP_LI = "lfp_li"  # LFP against Li: charge first, CE = Q_dis / Q_chg
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell as registered.

    ``None`` means "not reported": allowed, until a protocol asks for it. ``area_cm2`` wins over
    ``diameter_mm``.
    ``one_c_mA_per_g`` is the specific current of 1 C (LFP 170, LTO 175 in the reference study), referred to
    the
    active mass. ``nominal_capacity_mAh`` defaults to active mass x one_c (an hour at 1 C) where both are
    known.
    """

    cell_id: CellId
    name: str
    kind: CellKind
    diameter_mm: float | None = None
    area_cm2: float | None = None
    active_mass_mg: float | None = None
    one_c_mA_per_g: float | None = None
    nominal_capacity_mAh: float | None = None
    electrolyte: str = ""
    coating: str = ""
    film_nm: float | None = None
    batch: str = ""
    ocv_V: float | None = None
    voltage_min_V: float | None = None
    voltage_max_V: float | None = None
    current_max_A: float | None = None
    temperature_max_degC: float | None = None
    notes: str = ""
    electrode: str = ""
    """Id of the working electrode; what the cell does not state is taken from it."""
    counter_electrode: str = ""

    @property
    def effective_area_cm2(self) -> float | None:
        """Return the electrode area, from ``area_cm2`` or the disc diameter."""
        if self.area_cm2 is not None:
            return self.area_cm2
        return None if self.diameter_mm is None else cm2_from_disc_mm(self.diameter_mm)

    @property
    def effective_capacity_mAh(self) -> float | None:
        """Return the nominal capacity, stated or from active mass and the 1 C specific current."""
        if self.nominal_capacity_mAh is not None:
            return self.nominal_capacity_mAh
        if self.active_mass_mg is None or self.one_c_mA_per_g is None:
            return None
        return self.active_mass_mg * 1e-3 * self.one_c_mA_per_g


@dataclass(frozen=True, slots=True)
class Electrode:
    """One electrode, or one sheet that electrodes are cut from (``parent`` names the sheet: lineage).

    ``active_mass_mg`` may be stated, or follow from the weighed mass: (``mass_mg`` - ``collector_mass_mg``) x
    ``active_fraction``.
    """

    electrode_id: str
    material: str = ""
    diameter_mm: float | None = None
    area_cm2: float | None = None
    thickness_um: float | None = None
    mass_mg: float | None = None
    collector_mass_mg: float | None = None
    active_fraction: float | None = None
    active_mass_mg: float | None = None
    one_c_mA_per_g: float | None = None
    coating: str = ""
    film_nm: float | None = None
    batch: str = ""
    parent: str = ""
    made_utc: str = ""
    notes: str = ""

    @property
    def effective_area_cm2(self) -> float | None:
        """Return the area, stated or from the disc diameter."""
        if self.area_cm2 is not None:
            return self.area_cm2
        return None if self.diameter_mm is None else cm2_from_disc_mm(self.diameter_mm)

    @property
    def effective_active_mass_mg(self) -> float | None:
        """Return the active mass, stated or from the weighed one."""
        if self.active_mass_mg is not None:
            return self.active_mass_mg
        if self.mass_mg is None or self.collector_mass_mg is None or self.active_fraction is None:
            return None
        return (self.mass_mg - self.collector_mass_mg) * self.active_fraction


@dataclass(frozen=True, slots=True)
class Batch:
    """Cells or electrodes made together; ``parent`` names the batch it came from."""

    batch_id: str
    name: str = ""
    electrolyte: str = ""
    coating: str = ""
    film_nm: float | None = None
    parent: str = ""
    made_utc: str = ""
    made_by: str = ""
    notes: str = ""


def completed(cell: Cell, electrode: Electrode | None, batch: Batch | None) -> Cell:
    """Return the cell with what it does not state taken from its electrode, then from its batch."""
    if electrode is not None:
        own_area = cell.area_cm2 is not None or cell.diameter_mm is not None
        cell = replace(
            cell,
            area_cm2=cell.area_cm2 if own_area else electrode.area_cm2,
            diameter_mm=cell.diameter_mm if own_area else electrode.diameter_mm,
            active_mass_mg=_first(cell.active_mass_mg, electrode.effective_active_mass_mg),
            one_c_mA_per_g=_first(cell.one_c_mA_per_g, electrode.one_c_mA_per_g),
            coating=cell.coating or electrode.coating,
            film_nm=_first(cell.film_nm, electrode.film_nm),
        )
    if batch is not None:
        cell = replace(
            cell,
            electrolyte=cell.electrolyte or batch.electrolyte,
            coating=cell.coating or batch.coating,
            film_nm=_first(cell.film_nm, batch.film_nm),
        )
    return cell


def _first(*values: float | None) -> float | None:
    return next((value for value in values if value is not None), None)


class EntryKind(StrEnum):
    """The three nouns of the registry."""

    CELL = "cell"
    ELECTRODE = "electrode"
    BATCH = "batch"


@dataclass(frozen=True, slots=True)
class Revision:
    """One version of a registry entry; ``values`` is the entry as JSON, ``changed`` names what the version before had
    differently.
    """

    revision: int
    by: str
    utc: str
    reason: str
    values: Mapping[str, object]
    changed: tuple[str, ...] = ()


class HistoryKind(StrEnum):
    """What happened to a cell."""

    REGISTERED = "registered"
    CORRECTED = "corrected"
    LOADED = "loaded"
    EJECTED = "ejected"
    RUN = "run"


@dataclass(frozen=True, slots=True)
class CellEvent:
    """One line of a cell's history."""

    kind: HistoryKind
    utc: str
    by: str = ""
    channel: ChannelId | None = None
    run_id: RunId | None = None
    text: str = ""


class ImportAction(StrEnum):
    """What an import does with a row."""

    NEW = "new"
    CHANGED = "changed"  # a new revision of a known entry
    SAME = "same"  # nothing differs
    QUESTION = "question"  # waits for an answer; nothing is stored
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class ImportQuestion:
    """A value that looks wrong. Answer with ``answers[key]``: ``keep``, or the number that is right.

    ``suggestion`` is a number that would fit (a slip of the unit or the point), empty where none does.
    """

    key: str
    column: str
    value: float
    text: str
    suggestion: str = ""


@dataclass(frozen=True, slots=True)
class ImportRow:
    """One row of an imported table. ``row`` counts from 1 with the header as row 1."""

    row: int
    entry_id: str
    action: ImportAction
    problems: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    questions: tuple[ImportQuestion, ...] = ()


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did, or with ``dry_run`` would do."""

    name: str
    dry_run: bool
    rows: tuple[ImportRow, ...]

    def count(self, action: ImportAction) -> int:
        """Return how many rows got this action."""
        return sum(row.action is action for row in self.rows)
