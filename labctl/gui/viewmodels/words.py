"""Every state of the bench as a person reads it: glyph, short word, colour token and a sentence; and the door to the
window's language.

Colour is the fourth sign only (U18): whatever paints a state paints its glyph and its word too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from labctl.model.alarm import AlarmPriority, AlarmState
from labctl.model.bench import LinkState
from labctl.model.job import JobState
from labctl.model.person import Role

translate: Callable[[str, str], str] = lambda context, text: text  # noqa: E731  # the shell replaces it
"""``(context, English text) -> text``. Set once by the shell; numbers are filled in behind it with ``str.format``."""


def tr(context: str, text: str) -> str:
    """Return the text in the window's language. Both arguments are literals: they are collected by reading them."""
    return translate(context, text)


def in_chinese() -> bool:
    """Tell whether the window speaks Chinese: for texts that the station gives in both languages."""
    return tr("words", "en") == "zh"


def mark(context: str, text: str) -> str:
    """Return the text as it is and have it collected: for tables that are translated when they are shown."""
    return text


class Token(StrEnum):
    """Colour tokens of states, as the theme's table names them."""

    CHARGE = "charge"
    DISCHARGE = "discharge"
    REST = "rest"
    PAUSED = "paused"
    DONE = "done"
    STALE = "stale"
    MUTED = "muted"
    TEXT = "text"


class Glyph(StrEnum):
    """Painted state glyphs, 10 x 10."""

    CHARGE = "charge"  # triangle up
    DISCHARGE = "discharge"  # triangle down
    REST = "rest"  # two bars lying
    PAUSED = "paused"  # two bars standing
    EIS = "eis"  # half wave
    DONE = "done"  # square
    STALE = "stale"  # wave
    UNKNOWN = "unknown"  # question mark
    HELD = "held"  # bar in a circle
    STARTING = "starting"  # triangle right, hollow
    STOPPING = "stopping"  # square, hollow
    WAITING = "waiting"  # clock
    NOW = "now"  # triangle right, filled
    STOPPED = "stopped"  # crossed square
    TRIP = "trip"  # octagon
    SHORT = "short"  # diamond
    FREE = "free"  # nothing


@dataclass(frozen=True, slots=True)
class StateWord:
    """How a state is shown. ``word`` fits a tile; ``sentence`` is English, shown through ``tr("words", ...)``."""

    glyph: Glyph
    word: str
    token: Token
    sentence: str

    @property
    def short(self) -> str:
        """Return the tile's word; upper case words are the same in every language."""
        return self.word if self.word.isupper() else tr("words", self.word)

    @property
    def told(self) -> str:
        """Return the sentence in the window's language."""
        return tr("words", self.sentence)


CHARGING = StateWord(Glyph.CHARGE, "CHG", Token.CHARGE, mark("words", "charging"))
DISCHARGING = StateWord(Glyph.DISCHARGE, "DIS", Token.DISCHARGE, mark("words", "discharging"))
RESTING = StateWord(Glyph.REST, "REST", Token.REST, mark("words", "resting at open circuit"))
PAUSED = StateWord(
    Glyph.PAUSED, "PAUSE", Token.PAUSED, mark("words", "paused; it goes on when a person says so")
)
SOAKING = StateWord(Glyph.WAITING, "SOAK", Token.REST, mark("words", "waiting for the chamber's temperature"))
EIS = StateWord(Glyph.EIS, "EIS", Token.PAUSED, mark("words", "at a potentiostat, or on the way"))
FREE = StateWord(Glyph.FREE, mark("words", "free"), Token.MUTED, mark("words", "free"))
LOADED = StateWord(Glyph.REST, "IDLE", Token.REST, mark("words", "a cell is in it; nothing runs"))
DONE = StateWord(Glyph.DONE, "DONE", Token.DONE, mark("words", "finished"))
STOPPED = StateWord(Glyph.STOPPED, "STOP", Token.REST, mark("words", "stopped by a person"))
TRIP = StateWord(
    Glyph.TRIP, "TRIP", Token.TEXT, mark("words", "stopped by a limit; latched until a person resets it")
)
PROTECTED = StateWord(
    Glyph.TRIP, "PROT", Token.TEXT, mark("words", "the instrument stopped it by its own limit")
)
SHORT = StateWord(Glyph.SHORT, "SHORT", Token.TEXT, mark("words", "the cell is short-circuited"))
DEAD = StateWord(Glyph.SHORT, "DEAD", Token.TEXT, mark("words", "the cell has reached the end of its life"))
WARN = StateWord(Glyph.SHORT, "WARN", Token.TEXT, mark("words", "a person should look"))
HELD = StateWord(
    Glyph.HELD, "HELD", Token.PAUSED, mark("words", "held: nothing is sent until a person has looked")
)
STALE = StateWord(
    Glyph.STALE, "STALE", Token.STALE, mark("words", "no news; the instrument goes on by itself")
)
UNKNOWN = StateWord(Glyph.UNKNOWN, "UNKNOWN", Token.STALE, mark("words", "nobody knows what it does"))
STARTING = StateWord(Glyph.STARTING, "START", Token.REST, mark("words", "starting: the answer is awaited"))
STOPPING = StateWord(
    Glyph.STOPPING, "STOP...", Token.REST, mark("words", "stopping: the read-back is awaited")
)
DRAINING = StateWord(Glyph.DONE, "SAVE", Token.DONE, mark("words", "over; the last rows are being fetched"))
DECIDING = StateWord(
    Glyph.REST, "NEXT", Token.REST, mark("words", "between two parts of the program, at open circuit")
)
PREPARED = StateWord(Glyph.STARTING, "READY", Token.REST, mark("words", "prepared; nothing was sent yet"))
RUNNING = StateWord(Glyph.CHARGE, "RUN", Token.TEXT, mark("words", "running"))
ABSENT = StateWord(Glyph.UNKNOWN, "NONE", Token.MUTED, mark("words", "the instrument has no such channel"))

CHANNEL_WORDS: dict[str, StateWord] = {
    # phases of a run (engine)
    "prepared": PREPARED, "waiting": SOAKING, "starting": STARTING, "running": RUNNING, "paused": PAUSED,
    "stale": STALE, "unknown": UNKNOWN, "deciding": DECIDING, "held": HELD, "stopping": STOPPING,
    "draining": DRAINING, "at potentiostat": EIS, "ended": DONE,
    # a device's own words, when no run owns it
    "idle": FREE, "finished": DONE, "stopped": STOPPED, "protected": PROTECTED, "absent": ABSENT,
    # links and chambers
    "opening": STARTING, "live": RESTING,
}  # fmt: skip
JOB_WORDS: dict[JobState, StateWord] = {
    JobState.WAITING: StateWord(Glyph.WAITING, mark("words", "waiting"), Token.REST, mark("words", "starts by itself")),
    JobState.HELD: StateWord(Glyph.HELD, mark("words", "held"), Token.PAUSED, mark("words", "starts after release")),
    JobState.STARTING: StateWord(Glyph.STARTING, mark("words", "starting"), Token.REST, mark("words", "being started")),
    JobState.RUNNING: StateWord(Glyph.NOW, mark("words", "running"), Token.TEXT, mark("words", "running")),
    JobState.PAUSED: StateWord(Glyph.PAUSED, mark("words", "paused"), Token.PAUSED, PAUSED.sentence),
    JobState.ENDED: StateWord(Glyph.DONE, mark("words", "done"), Token.DONE, mark("words", "ended as it should")),
    JobState.FAILED: StateWord(Glyph.TRIP, mark("words", "failed"), Token.TEXT, mark("words", "ended badly")),
    JobState.REMOVED: StateWord(Glyph.STOPPED, mark("words", "removed"), Token.MUTED, mark("words", "never started")),
}  # fmt: skip
LINK_WORDS: dict[LinkState, StateWord] = {
    LinkState.OPENING: StateWord(Glyph.STARTING, mark("words", "opening"), Token.MUTED, mark("words", "awaited")),
    LinkState.LIVE: StateWord(Glyph.DONE, mark("words", "live"), Token.MUTED, mark("words", "it answers")),
    LinkState.STALE: STALE,
    LinkState.UNKNOWN: UNKNOWN,
    LinkState.HELD: HELD,
}  # fmt: skip
ALARM_STATE_WORDS: dict[AlarmState, str] = {
    AlarmState.NORMAL: "NORMAL", AlarmState.UNACK: "UNACK", AlarmState.ACKED: "ACKED",
    AlarmState.RTN_UNACK: "RTN_UNACK", AlarmState.SHELVED: "SHELVED", AlarmState.SUPPRESSED: "SUPPRESSED",
    AlarmState.DISABLED: "DISABLED",
}  # fmt: skip
ROLE_WORDS: dict[Role, str] = {
    Role.VIEW: mark("words", "view only"),
    Role.OPERATE: mark("words", "operator"),
    Role.CONFIGURE: mark("words", "configurer"),
    Role.ADMIN: mark("words", "administrator"),
}
STEP_WORDS: dict[str, str] = {
    "REST": "REST", "CC_CHG": "CC-CHG", "CC_DCHG": "CC-DIS", "CV_CHG": "CV-CHG", "CV_DCHG": "CV-DIS",
    "CCCV_CHG": "CCCV-CHG", "CCCV_DCHG": "CCCV-DIS", "PAUSE": "PAUSE",
    # the same steps as the program names them
    "rest": "REST", "cc_charge": "CC-CHG", "cc_discharge": "CC-DIS", "cv_charge": "CV-CHG",
    "cv_discharge": "CV-DIS", "cccv_charge": "CCCV-CHG", "cccv_discharge": "CCCV-DIS", "pause": "PAUSE",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class PriorityMark:
    """An alarm's badge: number, shape and the token of its fill; the same in all themes."""

    number: int
    shape: str
    token: str
    word: str

    @property
    def told(self) -> str:
        """Return the priority's word in the window's language."""
        return tr("words", self.word)


PRIORITY_MARKS: dict[AlarmPriority, PriorityMark] = {
    AlarmPriority.CRITICAL: PriorityMark(1, "octagon", "critical", mark("words", "Critical")),
    AlarmPriority.HIGH: PriorityMark(2, "triangle", "high", mark("words", "High")),
    AlarmPriority.MEDIUM: PriorityMark(3, "diamond", "medium", mark("words", "Medium")),
    AlarmPriority.LOW: PriorityMark(4, "square", "low", mark("words", "Low")),
}

_PAUSE, _REST = STEP_WORDS["pause"], STEP_WORDS["rest"]


def channel_word(state: str) -> StateWord:
    """Return how a channel's or run's state is shown; a word that nobody knows is UNKNOWN, never hidden."""
    return CHANNEL_WORDS.get(state, UNKNOWN)


def step_word(kind: str) -> StateWord:
    """Return what a running channel does, by the kind of its step (``CC-CHG``); RUN where that is not known."""
    if kind.endswith("CHG"):
        return CHARGING
    if kind.endswith("DIS"):
        return DISCHARGING
    return {_REST: RESTING, _PAUSE: PAUSED}.get(kind, RUNNING)


def step_name(name: str) -> str:
    """Return a step's word as operators write it (``CC-CHG``); an unknown one as it is, in upper case."""
    return STEP_WORDS.get(name, name.upper().replace("_", "-"))


def role_word(role: Role) -> str:
    """Return a role in the window's language."""
    return tr("words", ROLE_WORDS[role])
