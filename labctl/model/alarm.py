"""An alarm asks a person to do something; all else is an event. Plain data; the rules are in
``labctl.engine.machines.alarms`` (shared spec safety-and-faults, section 8).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

AlarmKey = NewType("AlarmKey", str)
"""``definition:subject``, for example ``link.unknown:neware``; the same trouble of the same thing is one alarm."""


class AlarmPriority(StrEnum):
    """How soon a person must act."""

    LOW = "low"  # next working day
    MEDIUM = "medium"  # this shift
    HIGH = "high"  # within the hour
    CRITICAL = "critical"  # harm or loss now


class AlarmState(StrEnum):
    """The life of an alarm."""

    NORMAL = "normal"
    UNACK = "unacknowledged"
    ACKED = "acknowledged"
    RTN_UNACK = "cleared, not acknowledged"
    SHELVED = "shelved"
    SUPPRESSED = "suppressed"  # by design: a root alarm covers it
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm as it stands. Texts are English; ``text_zh`` and ``what_to_do_zh`` are Simplified Chinese."""

    key: AlarmKey
    definition: str
    subject: str
    state: AlarmState
    priority: AlarmPriority
    text: str
    what_to_do: str
    consequence: str = ""
    text_zh: str = ""
    what_to_do_zh: str = ""
    advisory: bool = False
    """An early warning: a hint from the curve, never a reason to stop by itself."""
    channel: str = ""
    cell: str = ""
    run_id: str = ""
    since_utc: str = ""
    changed_utc: str = ""
    count: int = 1
    chattering: bool = False
    latched: bool = False
    acknowledged_by: str = ""
    until_utc: str = ""
    comment: str = ""
    version: int = 1
