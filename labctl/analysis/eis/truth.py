"""Hold what spectra say against what a virtual bench knows of its cells.

Limits: R_b and R_SEI + R_ct of a fresh cell within 5 %, R_SEI and R_ct within 15 % at every age, told apart or not. A
cell that is shorted is to be reported so, without a fit. R_b and the sum of an aged cell are compared and held to
nothing: beside a film a hundred times as large, R_b is not to be read at 1 MHz.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from labctl.analysis.eis.cell import CellImpedance, Outcome
from labctl.analysis.eis.fit import Estimate
from labctl.model.spectrum import Spectrum

FRESH_LIMIT = 0.05
ARC_LIMIT = 0.15
NEAR_S = 900.0
"""A spectrum's begin and its cell's switching on: open circuit and, at PowerSuite, a person lie between them."""
QUANTITIES = ("R_b", "R_SEI", "R_ct", "R_SEI + R_ct")


@dataclass(frozen=True, slots=True)
class Truth:
    """A cell at the moment at which a potentiostat was switched on to it: its resistances, in ohm."""

    cell_id: str
    plant_s: float
    shorted: bool
    bulk_ohm: float
    sei_ohm: float
    ct_ohm: float

    def ohm(self, quantity: str) -> float:
        """Return one of ``QUANTITIES``."""
        values = (self.bulk_ohm, self.sei_ohm, self.ct_ohm, self.sei_ohm + self.ct_ohm)
        return values[QUANTITIES.index(quantity)]


@dataclass(frozen=True, slots=True)
class Compared:
    """One resistance. ``off`` is relative to the truth; ``limit`` is NaN where nothing is asked."""

    quantity: str
    fitted: Estimate
    truth_ohm: float
    limit: float

    @property
    def off(self) -> float:
        """Return the relative error."""
        return self.fitted.value / self.truth_ohm - 1.0

    @property
    def ok(self) -> bool:
        """Tell whether it is within its limit; a value that is no number is not."""
        return math.isfinite(self.off) and (math.isnan(self.limit) or abs(self.off) <= self.limit)


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """One spectrum beside the truth. ``problem`` says what is not as it should be; empty where all is."""

    result: CellImpedance
    truth: Truth | None
    lines: tuple[Compared, ...]
    problem: str

    @property
    def ok(self) -> bool:
        """Tell whether everything is as it should be."""
        return not self.problem


def truths_of(switched: Iterable[Mapping[str, Any]]) -> tuple[Truth, ...]:
    """Return the cells that were switched on, of the bench's truth about one potentiostat (``switched``)."""
    return tuple(
        Truth(
            str(act["cell"]),
            float(act["plant_s"]),
            bool(act["shorted"]),
            *(float(act["elements_ohm"][name]) for name in ("bulk", "sei", "ct")),
        )
        for act in switched
        if act.get("what") == "cell_on" and act.get("cell")
    )


def truth_for(spectrum: Spectrum, truths: Iterable[Truth], epoch_unix_s: float) -> Truth | None:
    """Return its cell as it was switched on for it, the nearest in time; None where it was not within ``NEAR_S``."""
    begun_s = datetime.fromisoformat(spectrum.head.taken_utc).timestamp() - epoch_unix_s
    own = [one for one in truths if one.cell_id == spectrum.head.cell_id]
    nearest = min(own, key=lambda one: abs(one.plant_s - begun_s), default=None)
    return nearest if nearest is not None and abs(nearest.plant_s - begun_s) <= NEAR_S else None


def judge(result: CellImpedance, truth: Truth | None, *, fresh: bool) -> Judged:
    """Compare one spectrum with the truth."""
    if truth is None:
        return Judged(result, None, (), "the bench does not know that this cell was switched on then")
    if truth.shorted:
        told = result.outcome is Outcome.SHORTED and result.fit is None
        return Judged(
            result, truth, (), "" if told else f"the cell is shorted, and reported as {result.outcome}"
        )
    if result.outcome is not Outcome.FITTED:
        return Judged(result, truth, (), f"{result.outcome}: {result.reason}")
    estimates = zip(QUANTITIES, (result.bulk, result.sei, result.ct, result.interfaces), strict=True)
    lines = tuple(
        Compared(name, estimate, truth.ohm(name), _limit(name, fresh=fresh))
        for name, estimate in estimates
        if estimate is not None
    )
    missing = [name for name in QUANTITIES if name not in [line.quantity for line in lines]]
    wrong = [f"{line.quantity} is {100.0 * line.off:+.1f} % off" for line in lines if not line.ok]
    wrong += [f"the fit gives no {name}" for name in missing]
    return Judged(result, truth, lines, "; ".join(wrong))


def _limit(quantity: str, *, fresh: bool) -> float:
    if quantity in ("R_SEI", "R_ct"):
        return ARC_LIMIT
    return FRESH_LIMIT if fresh else math.nan
