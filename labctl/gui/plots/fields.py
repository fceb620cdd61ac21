"""What stands on an axis: a quantity, its unit, and how a number of the data becomes the number that is shown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo
from enum import StrEnum


class FieldKind(StrEnum):
    """How an axis counts."""

    NUMBER = "number"
    COUNT = "count"
    """Whole numbers only: cycles, points."""
    DURATION = "duration"
    """Data in seconds, shown in s, min, h or d as the visible span asks."""
    MOMENT = "moment"
    """Data in seconds since 1970 (UTC), shown in local time."""


@dataclass(frozen=True, slots=True)
class Field:
    """A quantity of an axis. ``factor`` turns a number of the data into the shown one: 1e3 for A shown in mA."""

    quantity: str
    unit: str = ""
    factor: float = 1.0
    kind: FieldKind = FieldKind.NUMBER
    zone: tzinfo | None = None
    """Time zone of a MOMENT; None = that of this computer."""

    def title(self, unit: str | None = None) -> str:
        """Return "quantity / unit", or the quantity alone where there is no unit."""
        shown = self.unit if unit is None else unit
        return f"{self.quantity} / {shown}" if shown else self.quantity


def voltage(word: str = "voltage") -> Field:
    """Return the field of a voltage in V; ``word`` is the translated quantity."""
    return Field(word, "V")


def test_time(word: str = "test time") -> Field:
    """Return the field of a time since the start of a run, data in s."""
    return Field(word, kind=FieldKind.DURATION)


def moment(word: str = "local time", zone: tzinfo | None = None) -> Field:
    """Return the field of absolute time, data in s since 1970 (UTC)."""
    return Field(word, kind=FieldKind.MOMENT, zone=zone)


def cycle_number(word: str = "cycle number") -> Field:
    """Return the field of a cycle number."""
    return Field(word, kind=FieldKind.COUNT)
