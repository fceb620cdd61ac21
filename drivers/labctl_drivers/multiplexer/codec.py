"""SCPI switch words <-> messages. Pure: no input or output.

::

    *IDN?               -> maker,model,serial,firmware
    ROUT:CLOS (@101)       close a path: 1nn is place nn to the cycler, 2nn to the potentiostat
    ROUT:OPEN (@101)       open it
    ROUT:OPEN:ALL          open every path
    ROUT:CLOS? (@101)   -> 0 or 1

Lines end with LF; a CR before it is dropped. Source: potentiostat.md 2.7.
"""

from __future__ import annotations

from labctl.errors import UsageError, WireError
from labctl.interfaces.switch import Path, Source, SwitchIdentity
from labctl_drivers.multiplexer.messages import Close, Command, Identify, IsClosed, Open, OpenAll, Question

HUNDREDS = {Source.CYCLER: 1, Source.POTENTIOSTAT: 2}
PLACES_MAX = 99
LINE_MAX_BYTES = 256
"""An identity has four short texts, any other answer one character; more is no multiplexer."""

WORDS = {"0": False, "1": True}


def encode(message: Command | Question) -> bytes:
    """Return the line of a message. Raises UsageError for a place that has no number on this wire."""
    match message:
        case Identify():
            text = "*IDN?"
        case OpenAll():
            text = "ROUT:OPEN:ALL"
        case Close(path):
            text = f"ROUT:CLOS {_channel(path)}"
        case Open(path):
            text = f"ROUT:OPEN {_channel(path)}"
        case IsClosed(path):
            text = f"ROUT:CLOS? {_channel(path)}"
    return f"{text}\n".encode("ascii")


def _channel(path: Path) -> str:
    if not 1 <= path.place <= PLACES_MAX:
        raise UsageError(f"places are 1 to {PLACES_MAX}, not {path.place}", operation="encode")
    return f"(@{HUNDREDS[path.source]}{path.place:02d})"


def read_closed(line: str) -> bool:
    """Return whether the path that was asked for is closed. Raises WireError for anything but 0 and 1."""
    if line.strip() not in WORDS:
        raise WireError(f"neither 0 nor 1: {line!r}", data=line.encode(), rule="answer to ROUT:CLOS?")
    return WORDS[line.strip()]


def read_identity(line: str) -> SwitchIdentity:
    """Return who answers. Raises WireError for a line without four texts between commas."""
    texts = [text.strip() for text in line.split(",")]
    if len(texts) != 4 or not texts[1]:
        raise WireError(f"no identity: {line!r}", data=line.encode(), rule="answer to *IDN?")
    return SwitchIdentity(*texts)


class LineDecoder:
    """Cuts what comes into lines; keeps the rest for later."""

    def __init__(self) -> None:
        self._rest = b""

    def reset(self) -> None:
        """Forget what has come."""
        self._rest = b""

    def feed(self, data: bytes) -> list[str]:
        """Return the lines that are complete now. Raises WireError for what is no line of text; keeps nothing then."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        try:
            if len(self._rest) > LINE_MAX_BYTES:
                raise WireError("bytes without a line's end", data=self._rest, rule="line length")
            return [_text(line) for line in lines]
        except WireError:
            self.reset()
            raise


def _text(line: bytes) -> str:
    text = line.removesuffix(b"\r")
    if len(text) > LINE_MAX_BYTES or not all(0x20 <= byte < 0x7F for byte in text):
        raise WireError("no line of text", data=line, rule="printable ASCII")
    return text.decode("ascii")
