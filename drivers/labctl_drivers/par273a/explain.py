"""Says in one line what passed the link to a 273A and its analyser. Pure, never raises."""

from __future__ import annotations

from labctl.interfaces.frames import FrameText
from labctl_drivers.par273a.codec import ESC

WORDS = {
    "CELL 0": "cell off", "CELL 1": "cell on", "CELL": "is the cell on?", "CS": "is CELL ENABLE on?",
    "DCL": "restore defaults", "ST": "status?",
    "ID": "model?", "VER": "firmware?", "ERR": "which error?", "OVER": "overloaded?", "READE": "potential?",
    "READI": "current?", "I/E": "which current range?", "XY.": "both phases?", "SI": "measure once",
    "MODE 1": "galvanostat", "MODE 2": "potentiostat", "++spoll": "status byte?", "++read eoi": "reply?",
}  # fmt: skip
PHRASES = {
    "SETE": "potential {} mV",
    "SETI": "current {} (mantissa, exponent; reduction positive)",
    "I/E": "current range 1e{} A",
    "++addr": "to address {}",
    "OF.": "frequency {} Hz",
    "OA.": "amplitude {} V rms",
}


def explain(data: bytes, *, sent: bool, boxed: bool) -> FrameText:
    """Return what the bytes of one write or read say; ``boxed``: they go through a Prologix box."""
    if not sent:
        text = data.replace(b"\0", b"").decode("ascii", "replace").strip()
        return FrameText(f"answer {text!r}" if text else "an empty line")
    lines = _unescaped_lines(data) if boxed else data.replace(b"\r", b"\n").split(b"\n")
    said = [_word(line.decode("ascii", "replace").strip("\0\r\n ")) for line in lines]
    return FrameText(", ".join(one for one in said if one) or "an empty line")


def _unescaped_lines(data: bytes) -> list[bytes]:
    """Return the lines of a box, its escapes taken out."""
    lines, escaped = [b""], False
    for byte in data:
        if escaped or byte not in (ESC, 0x0A):
            lines[-1] += bytes((byte,))
            escaped = False
        elif byte == ESC:
            escaped = True
        else:
            lines.append(b"")
    return lines


def _word(text: str) -> str:
    if text in WORDS:
        return WORDS[text]
    word, _, operand = text.partition(" ")
    return PHRASES[word].format(operand) if word in PHRASES and operand else text
