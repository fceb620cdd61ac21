"""What the machines report: findings (events and alarms) and trips.

A machine never acts. It returns findings for the record and, at most, one decision for the shell to carry
out. Alarms are plain events with a priority for now; the full alarm life-cycle comes with the station.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Priority(StrEnum):
    """How soon a person must act; ``EVENT`` asks for nothing (safety-and-faults section 8)."""

    EVENT = "event"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Outcome(StrEnum):
    """How a run ended; written into ``run.json``."""

    FINISHED = "finished"  # the program is done
    STOPPED = "stopped"  # a person stopped it
    SHORT = "short"  # detected short, stopped as the protocol says
    DEAD = "dead"  # another detection stopped it: polarisation, capacity, efficiency
    PROTECT = "protect"  # the device's own protection ended it
    TRIPPED = "tripped"  # our limits or the chamber's state ended it; latched
    HELD = "held"  # something does not agree: nothing more is sent, a person must look
    FAILED = "failed"  # it never started: refused by a check or by the instrument


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing worth a line in the record; ``sequence`` is the row that shows it, where one does."""

    kind: str
    priority: Priority
    text: str
    sequence: int | None = None
    what_to_do: str = ""
    about: str = ""
    """Which of several like things of the channel: two warn limits are two alarms."""


@dataclass(frozen=True, slots=True)
class EndDecision:
    """The host ends the run: ``sequence`` is the deciding row (``end_sequence``), ``None`` = no row
    decided.
    """

    outcome: Outcome
    reason: str
    sequence: int | None
