"""What a rehearsal predicts of a program: a thinned curve and the cycles, or why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class PredictionState(StrEnum):
    """How far a prediction is."""

    PENDING = "pending"  # being computed: ask again, or wait for the event ``run.predicted``
    READY = "ready"
    NONE = "none"  # there is none; ``Prediction.reason`` says why


@dataclass(frozen=True, slots=True)
class Prediction:
    """A rehearsal on a twin of the cell, which is made from named parameters and the registered geometry.

    ``columns`` are rows thinned for drawing, in order: ``cycle``, ``test_time_s``, ``voltage_V`` and ``capacity_Ah``,
    the charge passed in this direction since the cycle began. ``cycles`` is the cycle summary with the names of
    ``runs.cycles``. ``whole`` is False where the rehearsal was cut off by its time limit: the curve ends early.
    """

    state: PredictionState
    reason: str = ""
    twin: str = ""
    outcome: str = ""
    whole: bool = True
    duration_s: float = float("nan")
    rows: int = 0
    columns: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    cycles: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    events: tuple[str, ...] = ()
