"""What the demo of spectra asks of its virtual bench at the end: who was switched on, and is all off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from labctl.adminlink import AdminLink

if TYPE_CHECKING:
    from labctl.analysis.eis.truth import Truth

POTENTIOSTATS = ("methodscript", "versastat", "par273a", "powersuite")


@dataclass(frozen=True, slots=True)
class BenchTruth:
    """What a bench knows. ``truths`` by potentiostat; ``on`` names those whose cell is on."""

    epoch_unix_s: float
    truths: Mapping[str, Sequence[Truth]]
    on: tuple[str, ...]
    violations: tuple[Mapping[str, Any], ...]

    @property
    def problems(self) -> tuple[str, ...]:
        """Return what must not be at the end, one sentence each."""
        left = [f"the cell at {name} is still on" for name in self.on]
        return (*left, *(f"the bench saw a broken rule: {one}" for one in self.violations))


def potentiostats_of(first: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the potentiostats that a bench names in its first line, by name."""
    return {str(one["name"]): one for one in first["instruments"] if one["kind"] in POTENTIOSTATS}


async def look(admin: AdminLink, names: Sequence[str]) -> BenchTruth:
    """Ask the bench. Raises: LinkClosed, LinkTimeout, RefusedError, WireError."""
    from labctl.analysis.eis.truth import truths_of

    hello = await admin.request("hello")
    told = {name: await admin.request("truth", slot=name) for name in names}
    violations = await admin.request("violations")
    return BenchTruth(
        float(hello["epoch_unix_s"]),
        {name: truths_of(one["switched"]) for name, one in told.items()},
        tuple(name for name, one in told.items() if one["cell_on"]),
        tuple(violations["violations"]),
    )
