"""Says in one line what passed the link to a BTS: command, channels, and what matters of it. Pure, never raises.

A long answer comes in several reads; only the first names its command.
"""

from __future__ import annotations

import re

from labctl.interfaces.frames import FrameText

PLACES_NAMED = 3
_COMMAND = re.compile(rb"<cmd>(\w{1,40})</cmd>")
_CHANNEL = re.compile(rb'subdevid="(\d{1,5})" chlid="(\d{1,5})"')
_DEV = re.compile(rb'dev="\d+-\d+-(\d{1,5})-(\d{1,5})-\d+"')
_PAGE = re.compile(rb'startpos="(\d+)" count="(\d+)"')
_SEQUENCE = re.compile(rb'seqid="(\d+)"')
_RESULT = re.compile(rb">([A-Za-z ]{1,40})</(?:\w+)>")
_SPELT = {"donwload": "download", "donwloadlog": "downloadlog"}
"""How the vendor spells the answers of two commands (SOURCES.md)."""
_ACKNOWLEDGED = frozenset({"start", "stop", "continue", "goto", "setpause", "cancelpause", "clearflag", "resetalarm",
                           "chl_ctrl", "getchlstatus"})  # fmt: skip


def explain(data: bytes, *, sent: bool) -> FrameText:
    """Return what bytes sent to or read from a BTS say."""
    found = _COMMAND.search(data)
    places = tuple(
        dict.fromkeys(
            f"{match[1].decode()}-{match[2].decode()}"
            for pattern in (_CHANNEL, _DEV)
            for match in pattern.finditer(data)
        )
    )
    if found is None:
        return FrameText("request without a command" if sent else "more of an answer", places)
    name = found[1].decode().removesuffix("_resp")
    name = _SPELT.get(name, name)
    return FrameText(f"{name} {_places(places)}".rstrip() + _facts(name, data, sent), places)


def _places(places: tuple[str, ...]) -> str:
    named = ", ".join(places[:PLACES_NAMED])
    more = len(places) - PLACES_NAMED
    return f"{named} and {more} more" if more > 0 else named


def _facts(name: str, data: bytes, sent: bool) -> str:
    if name == "download":
        page, rows = _PAGE.search(data), _SEQUENCE.findall(data)
        if not sent and rows:
            return f": records {rows[0].decode()} to {rows[-1].decode()}"
        return "" if page is None else f": {page[2].decode()} records from {page[1].decode()}"
    if not sent and name in _ACKNOWLEDGED:
        results = list(dict.fromkeys(match.decode() for match in _RESULT.findall(data)))
        results = [word for word in results if word.removesuffix("_resp") != name]
        return f": {', '.join(results[:PLACES_NAMED])}" if results else ""
    return ""
