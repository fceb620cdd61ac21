"""The way of one cell to a potentiostat and back as a table: which stage follows which, and what is allowed where.

Pure. The table is the truth: a measurement is begun in MEASURING alone, and a cell is the cycler's again only out of a
stage in which its leads are at the cycler. Anything else is a bug and raises (I07, I08).
"""

from __future__ import annotations

import math

from labctl.errors import InvariantError
from labctl.model.handover import Stage, Via

FOLLOWING: dict[Stage, frozenset[Stage]] = {
    Stage.QUEUED: frozenset({Stage.TO_POTENTIOSTAT}),
    Stage.TO_POTENTIOSTAT: frozenset({Stage.CHECKING, Stage.TO_CYCLER}),
    Stage.CHECKING: frozenset({Stage.MEASURING, Stage.TO_POTENTIOSTAT, Stage.TO_CYCLER}),
    Stage.MEASURING: frozenset({Stage.CHECKING, Stage.TO_CYCLER}),
    Stage.TO_CYCLER: frozenset({Stage.CHECKING_BACK}),
    Stage.CHECKING_BACK: frozenset({Stage.TO_CYCLER}),
}
AT_THE_CYCLER = frozenset({Stage.QUEUED, Stage.CHECKING_BACK})
"""Stages out of which the run takes its cell again."""


class Handover:
    """Where one cell is. Begins and ends with the cycler; ``is_back`` says that it has ended."""

    __slots__ = ("_stage", "is_back")

    def __init__(self, stage: Stage = Stage.QUEUED) -> None:
        self._stage = stage
        self.is_back = False

    @property
    def stage(self) -> Stage:
        """Return the present stage."""
        return self._stage

    def to(self, stage: Stage) -> None:
        """Enter a stage. Raises: InvariantError I07 for one that does not follow; nothing has then changed."""
        if self.is_back or stage not in FOLLOWING[self._stage]:
            raise InvariantError("I07", f"a cell cannot go from {self._stage} to {stage}")
        self._stage = stage

    def give_back(self) -> None:
        """Give the cell back to the cycler. Raises: InvariantError I07 where its leads may be elsewhere."""
        if self._stage not in AT_THE_CYCLER:
            raise InvariantError("I07", f"a cell in stage {self._stage} is not at its cycler")
        self.is_back = True

    def allow_measuring(self) -> None:
        """Pass where the potentiostat may drive the cell. Raises: InvariantError I08 where it may not."""
        if self.is_back or self._stage is not Stage.MEASURING:
            raise InvariantError("I08", f"a cell in stage {self._stage} is not the potentiostat's to drive")


def difference(expected_V: float, measured_V: float, tolerance_V: float, tolerance_fraction: float) -> str:
    """Return what is wrong with an open-circuit voltage, empty where it is that of the cell that was expected.

    The larger of the two tolerances counts. What nobody could measure agrees with nothing.
    """
    allowed_V = max(tolerance_V, tolerance_fraction * abs(expected_V))
    if math.isfinite(measured_V) and math.isfinite(expected_V) and abs(measured_V - expected_V) <= allowed_V:
        return ""
    measured = f"{measured_V:.4f} V" if math.isfinite(measured_V) else "no voltage"
    expected = f"{expected_V:.4f} V" if math.isfinite(expected_V) else "a voltage that nobody knows"
    return f"{measured} is read there, {expected} (within {allowed_V * 1e3:.0f} mV) was expected"


def stage_again(stage: Stage, via: Via) -> Stage:
    """Return where a handover stands after its process has died in ``stage``: nothing is driven without a new look.

    A measurement begins anew with the comparison of the open circuits; what a multiplexer has joined is joined, and
    read back, once more.
    """
    if stage in (Stage.CHECKING, Stage.MEASURING):
        return Stage.TO_POTENTIOSTAT if via is Via.MULTIPLEXER else Stage.CHECKING
    return Stage.TO_CYCLER if stage is Stage.CHECKING_BACK else stage
