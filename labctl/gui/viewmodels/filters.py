"""Which channels are shown: free, running, abnormal, mine, a search, and saved filters for dead cells (U09)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from labctl.gui.viewmodels.text import figures as shown_figures
from labctl.gui.viewmodels.words import mark, tr

NAN = float("nan")


class Show(StrEnum):
    """The segments above the grid."""

    ALL = "all"
    ABNORMAL = "abnormal"
    RUNNING = "running"
    FREE = "free"
    MINE = "mine"


class Sort(StrEnum):
    """Orders of the grid."""

    SLOT = "slot"
    AGE = "age"
    CAPACITY = "capacity"


class Group(StrEnum):
    """Groupings of the grid."""

    RACK = "rack"
    BATCH = "batch"


SHOW_WORDS: dict[Show, str] = {
    Show.ALL: mark("filters", "All"), Show.ABNORMAL: mark("filters", "Abnormal"),
    Show.RUNNING: mark("filters", "Running"), Show.FREE: mark("filters", "Free"), Show.MINE: mark("filters", "Mine"),
}  # fmt: skip
SORT_WORDS: dict[Sort, str] = {
    Sort.SLOT: mark("filters", "slot"), Sort.AGE: mark("filters", "age"), Sort.CAPACITY: mark("filters", "capacity"),
}  # fmt: skip
GROUP_WORDS: dict[Group, str] = {Group.RACK: mark("filters", "rack"), Group.BATCH: mark("filters", "batch")}


class Quantity(StrEnum):
    """What a rule of a saved filter looks at."""

    RETENTION_BELOW = "retention_below"  # % of the first cycle's capacity
    OVERPOTENTIAL_ABOVE = "overpotential_above"  # V
    OCV_BELOW = "ocv_below"  # V, of a cell at rest
    EFFICIENCY_BELOW = "efficiency_below"  # %
    EFFICIENCY_ABOVE = "efficiency_above"  # %
    SHORT = "short"


QUANTITY_WORDS: dict[Quantity, tuple[str, str]] = {
    Quantity.RETENTION_BELOW: (mark("filters", "capacity below {limit} % of the first"), "%"),
    Quantity.OVERPOTENTIAL_ABOVE: (mark("filters", "overpotential above {limit} V"), "V"),
    Quantity.OCV_BELOW: (mark("filters", "OCV below {limit} V"), "V"),
    Quantity.EFFICIENCY_BELOW: (mark("filters", "CE below {limit} %"), "%"),
    Quantity.EFFICIENCY_ABOVE: (mark("filters", "CE above {limit} %"), "%"),
    Quantity.SHORT: (mark("filters", "short"), ""),
}


@dataclass(frozen=True, slots=True)
class CellFacts:
    """What the rules look at, of one channel. Fractions and volts; NaN is never beyond a limit."""

    voltage_V: float = NAN
    at_rest: bool = False
    retention: float = NAN
    efficiency: float = NAN
    overpotential_V: float = NAN
    short: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """One limit; percent for fractions, as a person writes it."""

    quantity: Quantity
    limit: float = 0.0

    def met(self, facts: CellFacts) -> bool:
        """Tell whether a channel is beyond the limit."""
        match self.quantity:
            case Quantity.RETENTION_BELOW:
                return facts.retention * 100.0 < self.limit
            case Quantity.OVERPOTENTIAL_ABOVE:
                return abs(facts.overpotential_V) > self.limit
            case Quantity.OCV_BELOW:
                return facts.at_rest and facts.voltage_V < self.limit
            case Quantity.EFFICIENCY_BELOW:
                return facts.efficiency * 100.0 < self.limit
            case Quantity.EFFICIENCY_ABOVE:
                return facts.efficiency * 100.0 > self.limit
        return facts.short

    @property
    def told(self) -> str:
        """Return the rule in words."""
        return tr("filters", QUANTITY_WORDS[self.quantity][0]).format(limit=shown_figures(self.limit, 3))


@dataclass(frozen=True, slots=True)
class SavedFilter:
    """A named filter: a channel is shown where any of its rules is met."""

    name: str
    rules: tuple[Rule, ...]

    def met(self, facts: CellFacts) -> tuple[Rule, ...]:
        """Return the rules that a channel meets."""
        return tuple(rule for rule in self.rules if rule.met(facts))

    @property
    def needs_cycles(self) -> bool:
        """Tell whether the cycle summaries of all runs are needed to judge."""
        return any(rule.quantity not in (Quantity.OCV_BELOW, Quantity.SHORT) for rule in self.rules)

    def to_plain(self) -> dict[str, Any]:
        """Return the filter as the settings keep it."""
        return {"name": self.name, "rules": [[rule.quantity.value, rule.limit] for rule in self.rules]}

    @classmethod
    def from_plain(cls, data: Any) -> SavedFilter:
        """Return what ``to_plain`` gave. Raises: ValueError for anything else."""
        try:
            rules = tuple(Rule(Quantity(str(name)), float(limit)) for name, limit in data["rules"])
            found = cls(str(data["name"]), rules)
        except (KeyError, TypeError) as error:
            raise ValueError(f"no filter: {error}") from error
        if not all(math.isfinite(rule.limit) for rule in rules):
            raise ValueError("no filter: a limit is no number")
        return found


def ready_made() -> tuple[SavedFilter, ...]:
    """Return the filters that every operator begins with."""
    return (
        SavedFilter(tr("filters", "dead cells"), (
            Rule(Quantity.RETENTION_BELOW, 80.0), Rule(Quantity.EFFICIENCY_BELOW, 90.0),
            Rule(Quantity.EFFICIENCY_ABOVE, 105.0), Rule(Quantity.SHORT),
        )),
        SavedFilter(tr("filters", "high overpotential"), (Rule(Quantity.OVERPOTENTIAL_ABOVE, 0.5),)),
        SavedFilter(tr("filters", "low OCV"), (Rule(Quantity.OCV_BELOW, 0.1),)),
        SavedFilter(tr("filters", "shorts"), (Rule(Quantity.SHORT),)),
    )  # fmt: skip


def matches(search: str, texts: Iterable[str]) -> bool:
    """Tell whether every word of a search is in one of the texts; case does not matter."""
    wanted = search.lower().split()
    if not wanted:
        return True
    whole = "\n".join(texts).lower()
    return all(word in whole for word in wanted)
