"""A filter for dead cells while a person writes it: limits as texts, what is wrong, who would be shown (U09)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

from labctl.gui.viewmodels.filters import QUANTITY_WORDS, CellFacts, Quantity, Rule, SavedFilter
from labctl.gui.viewmodels.parsing import parse_quantity
from labctl.gui.viewmodels.words import tr

BEGIN_WITH: dict[Quantity, str] = {
    Quantity.RETENTION_BELOW: "80",
    Quantity.OVERPOTENTIAL_ABOVE: "0.5",
    Quantity.OCV_BELOW: "0.1",
    Quantity.EFFICIENCY_BELOW: "90",
    Quantity.EFFICIENCY_ABOVE: "105",
}
"""What stands in the fields of a new filter."""


@dataclass(slots=True)
class FilterDraft:
    """The editor's state. ``taken``: names of the other filters."""

    name: str = ""
    on: dict[Quantity, bool] = field(default_factory=lambda: dict.fromkeys(Quantity, False))
    limits: dict[Quantity, str] = field(default_factory=lambda: dict(BEGIN_WITH))
    taken: frozenset[str] = frozenset()

    @classmethod
    def of(cls, saved: SavedFilter | None, taken: Collection[str] = ()) -> FilterDraft:
        """Return the draft of a saved filter, or of a new one."""
        made = cls(taken=frozenset(taken))
        if saved is not None:
            made.name = saved.name
            for rule in saved.rules:
                made.on[rule.quantity] = True
                made.limits[rule.quantity] = f"{rule.limit:g}"
        return made

    def label(self, quantity: Quantity) -> tuple[str, str]:
        """Return what stands before and behind the field of a limit."""
        words, _ = QUANTITY_WORDS[quantity]
        before, _, behind = tr("filters", words).partition("{limit}")
        return before.strip(), behind.strip()

    def problem(self, quantity: Quantity) -> str:
        """Return what is wrong with a limit; empty where nothing is, or the rule is not used."""
        if not self.on[quantity] or quantity is Quantity.SHORT:
            return ""
        return self._limit(quantity)[1]

    def _limit(self, quantity: Quantity) -> tuple[float, str]:
        unit = QUANTITY_WORDS[quantity][1]
        read = parse_quantity(self.limits.get(quantity, ""), unit)
        if read.value is not None:
            return read.value, ""
        if read.question is not None:
            return 0.0, read.question.text
        return 0.0, read.problem or tr("filterdraft", "A limit is missing.")

    def why_not(self) -> str:
        """Return why the filter cannot be kept yet; empty = it can."""
        if not self.name.strip():
            return tr("filterdraft", "Give the filter a name.")
        if self.name.strip() in self.taken:
            return tr("filterdraft", "Another filter has this name.")
        if not any(self.on.values()):
            return tr("filterdraft", "Tick what makes a cell one to look at.")
        return next((problem for quantity in Quantity if (problem := self.problem(quantity))), "")

    def made(self) -> SavedFilter:
        """Return the filter; rules that cannot be read are left out."""
        used = [one for one in Quantity if self.on[one] and not self.problem(one)]
        rules = (Rule(one, 0.0 if one is Quantity.SHORT else self._limit(one)[0]) for one in used)
        return SavedFilter(self.name.strip(), tuple(rules))

    def preview(self, channels: Iterable[str], facts: Callable[[str], CellFacts]) -> str:
        """Return how many channels the filter would show now."""
        made, names = self.made(), list(channels)
        hits = sum(1 for name in names if made.met(facts(name)))
        return tr("filterdraft", "{n} of {all} channels now").format(n=hits, all=len(names))
