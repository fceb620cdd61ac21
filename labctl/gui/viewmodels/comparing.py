"""What a comparison consists of: members, options, words of its groups; plain values, compared and kept as they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from labctl.gui.viewmodels.units import Scale, units
from labctl.gui.viewmodels.words import mark, tr
from labctl.model.cell import Cell, CellKind


class Per(StrEnum):
    """What charges and currents are divided by."""

    RAW = "raw"
    GRAM = "g"
    AREA = "cm2"


RAW_WORD = mark("compare", "raw")
CHARGE_BASES: Mapping[Per, str] = {Per.RAW: "Ah", Per.GRAM: "Ah/g", Per.AREA: "Ah/cm²"}
CURRENT_BASES: Mapping[Per, str] = {Per.RAW: "A", Per.GRAM: "A/g", Per.AREA: "A/cm²"}
CHARGE_WORDS: Mapping[Per, str] = {
    Per.RAW: mark("compare", "capacity"),
    Per.GRAM: mark("compare", "specific capacity"),
    Per.AREA: mark("compare", "areal capacity"),
}


def charge_scale(per: Per) -> Scale:
    """Return the unit of charges: what the person has chosen for it, else mAh, mAh/g, mAh/cm²."""
    return units.scale(CHARGE_BASES[per])


def current_scale(per: Per) -> Scale:
    """Return the unit of currents: what the person has chosen for it, else mA, mA/g, mA/cm²."""
    return units.scale(CURRENT_BASES[per])


def per_word(per: Per) -> str:
    """Return what the choice of a division is called: ``raw``, or the unit that it gives."""
    return tr("compare", RAW_WORD) if per is Per.RAW else charge_scale(per).name


class GroupBy(StrEnum):
    """How runs are put into groups when they are added; a person may move them."""

    COATING = "coating"
    BATCH = "batch"
    PROTOCOL = "protocol"
    CELL = "cell"


class XBy(StrEnum):
    """What the plots are drawn over. AUTO: each kind of cell over what suits it."""

    AUTO = "auto"
    TIME = "time"
    CAPACITY = "capacity"
    CYCLE = "cycle"


class ColourBy(StrEnum):
    """What a colour means."""

    GROUP = "group"
    CELL = "cell"


class DashBy(StrEnum):
    """What a dash means."""

    CELL = "cell"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Member:
    """One run in the comparison. ``name`` is what a person calls it; empty = the cell."""

    run_id: str
    cell_id: str
    group: str
    name: str = ""
    hidden: bool = False
    pinned: bool = False


@dataclass(frozen=True, slots=True)
class Options:
    """How the members are drawn. ``kinds`` names the plot of a card where a person chose another one."""

    per: Per = Per.RAW
    x_by: XBy = XBy.AUTO
    colour_by: ColourBy = ColourBy.GROUP
    dash_by: DashBy = DashBy.CELL
    spread: bool = False
    """Mean and standard deviation of each group in place of its cells, in plots over cycles."""
    chained: bool = False
    """Tests of one cell one behind another."""
    cycles: str = "1,2,5,10:100:10"
    first_cycle: int = 1
    last_cycle: int = 0
    """0 = all there are."""
    kinds: Mapping[str, str] = field(default_factory=dict)
    colours: Mapping[str, int] = field(default_factory=dict)
    """Places in the theme's curve colours by group, where a person chose one."""


def options_to_plain(options: Options) -> dict[str, Any]:
    """Return options as JSON says them."""
    return asdict(options)


def options_from_plain(plain: Mapping[str, Any]) -> Options:
    """Return options from what ``options_to_plain`` gave, perhaps of another version: odd words are left out."""
    kinds: Mapping[str, type[StrEnum]] = {
        "per": Per,
        "x_by": XBy,
        "colour_by": ColourBy,
        "dash_by": DashBy,
    }
    found: dict[str, Any] = {}
    standard = Options()
    for name, value in plain.items():
        if name not in Options.__dataclass_fields__:
            continue
        if name in kinds:
            if value in tuple(kinds[name]):
                found[name] = kinds[name](value)
        elif isinstance(value, type(getattr(standard, name))):
            found[name] = value
    return Options(**found)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the tree, ready to be painted: colour of its group, dash of its place in it, a word on its life.

    ``colour`` is a place in the theme's curve colours.
    """

    run_id: str
    title: str
    group: str
    colour: int
    dash: int
    hidden: bool
    pinned: bool
    note: str
    why_not: str
    running: bool = False


PRISTINE_COLOUR, COATED_COLOUR = 1, 0
"""Places of the study's two colours among the curve colours of every theme."""
ELECTROLYTE_SIGNS = 14
"""A recipe is told by its beginning; the whole stands in the registry."""
BARE = ("", "none", "pristine", "bare")


PRISTINE, NO_BATCH = mark("compare", "pristine"), mark("compare", "no batch")
COATED = mark("compare", "{film}-coated")


def group_of(coating: str) -> str:
    """Return the group of cells by their coating, in English: it is kept so, whatever language the window speaks."""
    return PRISTINE if coating.strip().casefold() in BARE else COATED.format(film=coating.strip())


def group_word(group: str) -> str:
    """Return what a group is called in the window's language; a name that a person gave stays as it is."""
    film = group.removesuffix(COATED.format(film=""))
    if film and film != group:
        return tr("compare", COATED).format(film=film)
    return tr("compare", group) if group in (PRISTINE, NO_BATCH) else group


def colours_of(
    groups: tuple[str, ...], chosen: Mapping[str, int], bare: frozenset[str] = frozenset()
) -> dict[str, int]:
    """Return a colour for each group: the chosen one, the study's own for ``bare`` groups, else the next free one."""
    found: dict[str, int] = {group: chosen[group] for group in groups if group in chosen}
    for group in groups:
        if group not in found and group in bare and PRISTINE_COLOUR not in found.values():
            found[group] = PRISTINE_COLOUR
    for group in groups:
        if group not in found:
            kept = {PRISTINE_COLOUR} if bare & set(groups) else set()
            free = [place for place in range(6) if place not in found.values() and place not in kept]
            found[group] = free[0] if free else len(found) % 6
    return found


_KINDS: Mapping[CellKind, str] = {
    CellKind.SYMMETRIC: "Li | Li",
    CellKind.LTO_LI: "LTO | Li",
    CellKind.LFP_LI: "LFP | Li",
    CellKind.OTHER: mark("compare", "cell"),
}


def experiment_title(cell: Cell | None) -> str:
    """Return what kind of cell is tested: ``Li | PEO | Li``, ``LFP | Li, carbonate``."""
    if cell is None:
        return ""
    name = _KINDS[cell.kind] if cell.kind is not CellKind.OTHER else tr("compare", "cell")
    short = cell.electrolyte.split("-")[0].split(" ")[0].strip()
    if not short or cell.kind is CellKind.OTHER:
        return name
    left, _, right = name.partition(" | ")
    if short.isupper() and short.isalpha():
        return f"{left} | {short} | {right}"
    told = (
        cell.electrolyte
        if len(cell.electrolyte) <= ELECTROLYTE_SIGNS
        else f"{cell.electrolyte[:ELECTROLYTE_SIGNS]}…"
    )
    return f"{name}, {told}"
