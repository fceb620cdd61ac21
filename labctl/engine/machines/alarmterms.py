"""What is said about alarms: definitions, reports, changes, and the table of legal changes of state."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum

from labctl.model.alarm import Alarm, AlarmPriority, AlarmState

COUNT_WINDOW_S = 600.0
"""Definitions that ask for several reports ask for them within this time."""
CHATTER_COUNT = 3
CHATTER_S = 60.0
"""So many comings and goings within this time are one alarm that chatters; it lasts until it was quiet as long."""


class Until(StrEnum):
    """What ends an alarm's condition."""

    SIGNAL = "signal"  # whoever raised it says when it is over
    RUN = "run"  # a signal, or the end of the run it belongs to
    ACK = "acknowledgement"  # nothing can tell that it is over but the person who has seen to it


@dataclass(frozen=True, slots=True)
class Definition:
    """One kind of alarm. Texts: ``title`` names it, ``what_to_do`` is one line; both also in Chinese.

    ``delay_s`` and ``clear_delay_s`` (hysteresis in time) are how long the condition must last, or be gone; ``count``
    is how many reports within ``COUNT_WINDOW_S`` it takes. ``under`` names root definitions: while one of them is
    active for the instrument or chamber of the subject, this one is suppressed. ``view`` is where a client shows it.
    ``calls``: somebody is waited for, so the first person gets a message whatever the priority.
    """

    id: str
    priority: AlarmPriority
    title: str
    title_zh: str
    cause: str
    consequence: str
    what_to_do: str
    what_to_do_zh: str
    group: str = "station"
    view: str = "station"
    until: Until = Until.SIGNAL
    latch: bool = True
    delay_s: float = 0.0
    clear_delay_s: float = 0.0
    count: int = 1
    under: tuple[str, ...] = ()
    notify: bool = True
    advisory: bool = False
    calls: bool = False


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment: link time in seconds, and the UTC of it for people (ISO 8601)."""

    now_s: float
    utc: str


@dataclass(frozen=True, slots=True)
class Signal:
    """What is reported with an alarm; ``priority`` None means the definition's."""

    subject: str
    text: str = ""
    text_zh: str = ""
    what_to_do: str = ""
    channel: str = ""
    cell: str = ""
    run_id: str = ""
    priority: AlarmPriority | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one alarm. ``announce``: a person must hear of it now. ``active`` and ``acked`` are to be kept."""

    what: str
    old: AlarmState
    alarm: Alarm
    active: bool
    acked: bool
    announce: bool = False
    flooded: bool = False
    by: str = ""


_S = AlarmState
_HIDDEN = frozenset({_S.SHELVED, _S.DISABLED})
TRANSITIONS: dict[AlarmState, frozenset[AlarmState]] = {
    _S.NORMAL: _HIDDEN | {_S.UNACK, _S.SUPPRESSED},
    _S.UNACK: _HIDDEN | {_S.ACKED, _S.RTN_UNACK, _S.NORMAL, _S.SUPPRESSED},
    _S.ACKED: _HIDDEN | {_S.NORMAL, _S.UNACK, _S.SUPPRESSED},
    _S.RTN_UNACK: _HIDDEN | {_S.NORMAL, _S.UNACK, _S.SUPPRESSED},
    _S.SUPPRESSED: _HIDDEN | {_S.NORMAL, _S.UNACK, _S.ACKED, _S.RTN_UNACK},
    _S.SHELVED: frozenset(set(_S) - {_S.SHELVED}),
    _S.DISABLED: frozenset(set(_S) - {_S.DISABLED}),
}
"""Every change of state is looked up here (I16)."""


@dataclass(slots=True)
class Entry:
    """One alarm with all that its state follows from."""

    definition: Definition
    alarm: Alarm
    condition: bool = False  # as last reported
    active: bool = False  # the condition after delay, hysteresis and chatter
    acked: bool = True
    announced: bool = False
    due_s: float | None = None  # when a delay or hysteresis is over
    shelved_until_s: float | None = None
    disabled: bool = False
    suppressed: bool = False
    quiet_s: float | None = None  # when a chattering alarm will have been quiet for long enough
    moves: deque[float] = field(default_factory=lambda: deque(maxlen=CHATTER_COUNT))
    reports: deque[float] = field(default_factory=deque)
    runs: set[str] = field(default_factory=set)  # the runs in which the condition lasts

    @property
    def lapse_s(self) -> float | None:
        """Return until when a NORMAL alarm is kept: its comings and goings, or its reports, are being counted."""
        if self.state is not _S.NORMAL or self.condition:
            return None
        ends = [*(move + CHATTER_S for move in self.moves), *(made + COUNT_WINDOW_S for made in self.reports)]
        return max(ends, default=None)

    @property
    def state(self) -> AlarmState:
        if self.disabled:
            return _S.DISABLED
        if self.shelved_until_s is not None:
            return _S.SHELVED
        if not self.active:
            return _S.NORMAL if self.acked or not self.alarm.latched else _S.RTN_UNACK
        if self.suppressed:
            return _S.SUPPRESSED
        return _S.ACKED if self.acked else _S.UNACK
