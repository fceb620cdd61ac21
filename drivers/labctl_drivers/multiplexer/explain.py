"""Says in one line what passed the line to a multiplexer. Pure, never raises."""

from __future__ import annotations

import re

from labctl.interfaces.frames import FrameText

_ACT = re.compile(r"ROUT:(CLOS\??|OPEN) \(@([12])(\d\d)\)")
_VERBS = {"CLOS": "close", "OPEN": "open", "CLOS?": "is it closed:"}
_SOURCES = {"1": "cycler", "2": "potentiostat"}


def explain(data: bytes, *, sent: bool) -> FrameText:
    """Return what the bytes of one write or read say."""
    text = data.decode("ascii", "replace").strip()
    if not sent:
        return FrameText({"0": "open", "1": "closed"}.get(text, f"answer {text!r}"))
    if text == "ROUT:OPEN:ALL":
        return FrameText("open every path")
    found = _ACT.fullmatch(text)
    if found is None:
        return FrameText({"*IDN?": "who are you?"}.get(text, text or "an empty line"))
    verb, hundreds, place = found.groups()
    return FrameText(f"{_VERBS[verb]} place {int(place)} to the {_SOURCES[hundreds]}", (str(int(place)),))
