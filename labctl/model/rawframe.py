"""What passed the links of an instrument, as the raw-frame log has it, for people to look at."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from labctl.model.ids import ChannelId


class FrameKind(StrEnum):
    """What a line of the log tells."""

    OPEN = "open"
    CLOSE = "close"
    OUT = "out"
    IN = "in"
    TIMEOUT = "timeout"  # nothing came
    LOST = "lost"  # the peer closed
    BEGIN = "begin"  # a process began to write there
    IDENTITY = "identity"  # what the instrument said it is
    DROPPED = "dropped"  # frames that there was no room for
    UNREADABLE = "unreadable"  # a line that a killed process has left half


@dataclass(frozen=True, slots=True)
class RawFrame:
    """One write or read of a link, or an event of it. A long answer may have come in several reads.

    ``hex`` holds the first bytes; ``size`` says how many there were. ``text`` is what the driver reads in it, one line.
    ``channels`` are those that it names.
    """

    utc: str
    link: str
    kind: FrameKind
    size: int
    hex: str
    text: str
    channels: tuple[ChannelId, ...] = ()


@dataclass(frozen=True, slots=True)
class FramePage:
    """Frames of an instrument or chamber, newest first. ``earlier`` asks for those before them; empty: there are none.

    ``kept_in`` is the file within the data root; ``trouble`` says why frames are not kept.
    """

    instrument: str
    frames: tuple[RawFrame, ...]
    earlier: str = ""
    kept_in: str = ""
    trouble: str = ""
