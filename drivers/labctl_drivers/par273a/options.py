"""The driver's options in the station file."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from labctl.errors import UserInputError
from labctl_drivers.par273a.models import EIS_MAX_HZ, ID_273A, LIMITS, TIME_CONSTANTS_S, AnalyserKind
from labctl_drivers.par273a.session import ADDRESS_MAX

REPLY_TIMEOUT_S = 5.0
"""Link seconds. A box alone may spend 3 s on one read (2.4.8)."""

UNATTENDED_MAX_S = 900.0
"""The longest that a cell may be driven by an instrument without watchdog (safety-and-faults section 3): 15 min."""

OCV_S = 2.0
DELIMITER = 44
ADDRESSES = {AnalyserKind.LOCKIN: 12, AnalyserKind.FRA: 4}
TERMINATORS = {"cr": b"\r", "crlf": b"\r\n"}
DELIMITERS = (9, 10, 13, 32, *range(33, 48), 58, 59)
"""ASCII codes that a delimiter may have: nothing that belongs to a number, to a word or to the prompt."""

_SWITCHES = {
    "link": ("prologix", "serial"),
    "terminator": tuple(TERMINATORS),
    "stop_lane": ("own", "shared"),
    "analyser": tuple(AnalyserKind),
    "analyser_link": ("prologix", "status", "plain"),
    "analyser_model": ("", *TIME_CONSTANTS_S),
    "fra_coordinates": ("rectangular", "polar"),
}
_WHOLE = {
    "address": (0, ADDRESS_MAX),
    "analyser_address": (0, ADDRESS_MAX),
    "id": (1, 99999),
    "readings": (1, 100),
}
_ABOVE_ZERO = ("reply_timeout_s", "ocv_s", "step_max_s", "eis_max_Hz")
KNOWN = (
    *_SWITCHES,
    *_WHOLE,
    *_ABOVE_ZERO,
    "delimiter",
    "b_sign",
    "analyser_resource",
    "step_max_by",
    "poll_s",
)


class AnalyserLink(StrEnum):
    """How an analyser with a connection of its own is spoken to: a box, or one of a lock-in's two Ethernet ports."""

    PROLOGIX = "prologix"
    STATUS = "status"
    PLAIN = "plain"


USUAL_PORTS = {":50000": AnalyserLink.STATUS, ":50001": AnalyserLink.PLAIN}


class LinkKind(StrEnum):
    """How the 273A is reached."""

    PROLOGIX = "prologix"
    SERIAL = "serial"


@dataclass(frozen=True, slots=True)
class ParOptions:
    """How to talk to one 273A and its analyser. ``step_max_by`` is who allows more than 15 min.

    ``readings`` of a lock-in are averaged, a time constant apart. ``b_sign`` is what it multiplies its B input by where
    it reads that alone (2.4.6: -B).
    """

    link: LinkKind
    address: int = 14
    id: int = ID_273A
    terminator: bytes = b"\r\n"
    delimiter: int = DELIMITER
    own_stop_lane: bool = True
    analyser: AnalyserKind = AnalyserKind.NONE
    analyser_address: int = 0
    analyser_resource: str = ""
    analyser_link: AnalyserLink = AnalyserLink.PROLOGIX
    analyser_model: str = ""
    b_sign: int = -1
    readings: int = 1
    polar: bool = False
    eis_max_Hz: float = EIS_MAX_HZ
    reply_timeout_s: float = REPLY_TIMEOUT_S
    ocv_s: float = OCV_S
    step_max_s: float = UNATTENDED_MAX_S
    step_max_by: str = ""


def options_from(name: str, resource: str, options: Mapping[str, object]) -> ParOptions:
    """Check the options of potentiostat ``name``. Raises UserInputError naming the option and what is right."""
    told = {key: _checked(name, key, value) for key, value in options.items()}
    analyser = AnalyserKind(str(told.get("analyser", AnalyserKind.NONE)))
    link = LinkKind(str(told.get("link", _usual_link(resource))))
    chosen = ParOptions(
        link=link,
        address=_whole(told, "address", 14),
        id=_whole(told, "id", ID_273A),
        terminator=TERMINATORS[str(told.get("terminator", "crlf"))],
        delimiter=_whole(told, "delimiter", DELIMITER),
        own_stop_lane=link is LinkKind.PROLOGIX and told.get("stop_lane", "own") == "own",
        analyser=analyser,
        analyser_address=_whole(told, "analyser_address", ADDRESSES.get(analyser, 0)),
        analyser_resource=str(told.get("analyser_resource", "")),
        analyser_link=AnalyserLink(str(told.get("analyser_link", _usual_analyser_link(told)))),
        analyser_model=str(told.get("analyser_model", "")),
        b_sign=_whole(told, "b_sign", -1),
        readings=_whole(told, "readings", 1),
        polar=told.get("fra_coordinates") == "polar",
        eis_max_Hz=_number(told, "eis_max_Hz", EIS_MAX_HZ),
        reply_timeout_s=_number(told, "reply_timeout_s", REPLY_TIMEOUT_S),
        ocv_s=_number(told, "ocv_s", OCV_S),
        step_max_s=_number(told, "step_max_s", UNATTENDED_MAX_S),
        step_max_by=str(told.get("step_max_by", "")).strip(),
    )
    _together(name, chosen)
    return chosen


def _checked(name: str, key: str, value: object) -> object:
    if key not in KNOWN:
        near = difflib.get_close_matches(key, KNOWN, 1)
        hint = f"did you mean {near[0]}?" if near else f"known options are {', '.join(KNOWN)}."
        raise UserInputError(f"potentiostat {name}: unknown option {key!r}; {hint}")
    right = ""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if key in _SWITCHES:
        value = str(value)  # a model such as 7265 is written as a number
        right = "" if value in _SWITCHES[key] else "one of " + ", ".join(one for one in _SWITCHES[key] if one)
    elif key in _WHOLE:
        low, high = _WHOLE[key]
        right = "" if type(value) is int and low <= value <= high else f"a whole number {low} to {high}"
    elif key in _ABOVE_ZERO:
        right = "" if is_number and 0 < float(str(value)) < float("inf") else "a number above 0"
    elif key == "delimiter":
        right = (
            ""
            if type(value) is int and value in DELIMITERS
            else "the ASCII code of a comma (44), CR (13) or so"
        )
    elif key == "b_sign":
        right = "" if type(value) is int and value in (-1, 1) else "-1 or 1"
    elif key != "poll_s":
        right = "" if isinstance(value, str) else "a text"
    if right:
        raise UserInputError(f"potentiostat {name}: {key} must be {right}, not {value!r}.")
    return value


def _whole(told: Mapping[str, object], key: str, default: int) -> int:
    return int(str(told.get(key, default)))


def _number(told: Mapping[str, object], key: str, default: float) -> float:
    return float(str(told.get(key, default)))


def _together(name: str, chosen: ParOptions) -> None:
    """Check what can only be wrong together. Raises UserInputError."""
    problem = ""
    if chosen.step_max_s > UNATTENDED_MAX_S and not chosen.step_max_by:
        problem = (
            f"step_max_s above {UNATTENDED_MAX_S:g} needs step_max_by, the name of the person who allows it: this "
            "instrument has no watchdog"
        )
    elif chosen.analyser is not AnalyserKind.NONE and not chosen.analyser_resource:
        if chosen.link is LinkKind.SERIAL:
            problem = "with the 273A on RS-232 the analyser needs a link of its own: analyser_resource"
        elif chosen.analyser_address == chosen.address:
            problem = f"analyser and 273A cannot both have address {chosen.address}"
    if chosen.analyser is AnalyserKind.FRA and chosen.analyser_link is not AnalyserLink.PROLOGIX:
        problem = "a solartron1260 is reached through a box: analyser_link prologix"
    limits = LIMITS.get(chosen.analyser)
    if not problem and limits is not None and chosen.eis_max_Hz > limits.frequency_max_Hz:
        problem = (
            f"eis_max_Hz must be at most {limits.frequency_max_Hz:g}, what a {chosen.analyser} generates"
        )
    if problem:
        raise UserInputError(f"potentiostat {name}: {problem}.")


def _usual_link(resource: str) -> LinkKind:
    """Return what speaks over a link of this kind: the instrument itself on a serial line, a box on a network."""
    return LinkKind.SERIAL if resource.startswith(("serial:", "visa://ASRL")) else LinkKind.PROLOGIX


def _usual_analyser_link(told: Mapping[str, object]) -> AnalyserLink:
    """Return what speaks at a resource by its port: 50000 and 50001 are a lock-in's own."""
    return USUAL_PORTS.get(str(told.get("analyser_resource", ""))[-6:], AnalyserLink.PROLOGIX)


def with_usual_baud(resource: str) -> str:
    """Add 19200 baud [S] to a serial resource that names none."""
    if not resource.startswith("serial:") or "baud=" in resource:
        return resource
    return resource + ("&" if "?" in resource else "?") + "baud=19200"
