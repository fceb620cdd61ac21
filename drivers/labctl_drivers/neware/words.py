"""The vendor's words in ours: step words, status words, log codes. Source: neware-bts.md 2.8, 3.3, 4.3."""

from __future__ import annotations

from labctl.interfaces.cycler import ChannelState
from labctl.model.program import StepMode
from labctl.model.record import STEP_TYPE_CODES

STEP_TYPE_OTHER = -1
"""Step type of a record whose step labctl has no mode for (constant power, pulse, simulation ...)."""

_MODES: dict[str, StepMode] = {
    "rest": StepMode.REST,
    "cc": StepMode.CC_CHARGE,
    "dc": StepMode.CC_DISCHARGE,
    "cv": StepMode.CV_CHARGE,
    "dv": StepMode.CV_DISCHARGE,
    "cccv": StepMode.CCCV_CHARGE,
    "pcccv": StepMode.CCCV_CHARGE,
    "cccd": StepMode.CCCV_DISCHARGE,
    "pause": StepMode.PAUSE,
}
STEP_TYPE_BY_WORD: dict[bytes, int] = {word.encode(): STEP_TYPE_CODES[mode] for word, mode in _MODES.items()}
WORD_BY_STEP_TYPE: dict[int, str] = {
    STEP_TYPE_CODES[mode]: word for word, mode in _MODES.items() if word != "pcccv"
}

STATE_BY_WORD: dict[str, ChannelState] = {
    "working": ChannelState.RUNNING,
    "finish": ChannelState.FINISHED,
    "stop": ChannelState.STOPPED,
    "protect": ChannelState.PROTECTED,
    "pause": ChannelState.PAUSED,
    "false": ChannelState.ABSENT,
}
"""Words are lower case; synCtrl, ligth, waitTimeOut, waitStart and any other word are UNKNOWN."""

LOG_MEANINGS: dict[int, str] = {
    100000: "test started",
    100001: "test finished normally",
    100003: "paused",
    100004: "resumed from pause",
    100012: "step started",
    100056: "step ended",
    100007: "step file replaced",
    100213: "step file replaced: first new record",
    100215: "step file replaced: last old record",
    100169: "constant current changed to constant voltage",
    100209: "periodic clock synchronisation",
    102000: "no end reason yet",
    102001: "step ended by its time limit",
    102004: "step ended by its voltage limit",
    102005: "step ended by its current limit",
}
"""The vendor's full table is not public; unknown codes are shown as numbers and never decided on."""


def state_of(word: str) -> ChannelState:
    """Translate a status word."""
    return STATE_BY_WORD.get(word, ChannelState.UNKNOWN)


def meaning_of(code: int) -> str:
    """Translate a log code."""
    return LOG_MEANINGS.get(code, f"vendor code {code}")
