"""What labctl asks of a switch that joins a cell to the cycler or to the potentiostat, never to both.

A place is where a cell stands, numbered from 1; each has two paths, one to each source. The switch cannot see whether
current flows, so whoever asks for a move hands over what **both** instruments have just read, and ``reasons_against``
decides: one rule for every driver and for the engine. Break before make; each path is read back. On any doubt all paths
of the box are opened, those of other cells too: a cell that nobody drives is better than one that two drive.

All methods raise ``labctl.errors.InstrumentError`` subclasses; none is ever retried. Source: potentiostat.md 2.7.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from labctl.interfaces.cycler import ChannelState

BREAK_S = 0.05
"""Plant seconds for which a place is joined to nothing before it is joined to another source."""


class Source(StrEnum):
    """What a cell may be joined to."""

    CYCLER = "cycler"
    POTENTIOSTAT = "potentiostat"


@dataclass(frozen=True, slots=True, order=True)
class Path:
    """The relay between a place (from 1) and a source."""

    place: int
    source: Source


@dataclass(frozen=True, slots=True)
class SwitchIdentity:
    """Who answers. Texts as the device gave them; empty where it does not tell."""

    maker: str
    model: str
    serial: str
    firmware: str = ""


@dataclass(frozen=True, slots=True)
class AtRest:
    """What the instruments on both sides of a place read just before a move.

    ``channel`` and ``current_A`` are the cycler's; ``cell_on`` is the potentiostat's, ``None`` where it cannot tell.
    """

    channel: ChannelState
    current_A: float
    cell_on: bool | None


STILL = frozenset({ChannelState.IDLE, ChannelState.FINISHED, ChannelState.STOPPED})
"""Or never used. A paused test is not enough: somebody at the tester may continue it."""


def reasons_against(rest: AtRest) -> tuple[str, ...]:
    """Return every reason why leads must not be moved now, one sentence each; empty where they may be."""
    reasons = []
    if rest.channel not in STILL:
        reasons.append(f"The cycler's channel is {rest.channel.value}, neither finished nor stopped.")
    if rest.current_A != 0.0:  # NaN is not zero either
        reasons.append(f"The cycler reads {rest.current_A:g} A, not 0.")
    if rest.cell_on is None:
        reasons.append("Nobody knows whether the potentiostat's cell switch is off.")
    elif rest.cell_on:
        reasons.append("The potentiostat's cell switch is on.")
    return tuple(reasons)


class CellSwitch(Protocol):
    """One box of relays between cells, a cycler and a potentiostat."""

    @property
    def name(self) -> str: ...
    @property
    def places(self) -> int:
        """Return how many places it has; they count from 1."""

    async def open(self) -> SwitchIdentity:
        """Connect, identify, and read every path; moves nothing, for a test may run through it.

        Where a move was broken off, or a place reads as joined to both sources, all paths are opened first, which is
        read back. Raises: UnknownStateError where that failed; RefusedError for another box than before; LinkError.
        """

    async def close(self) -> None:
        """Disconnect; the relays stay as they are. Never raises, may be called twice."""

    async def closed(self) -> tuple[Path, ...]:
        """Ask for every path and return those that are closed, in order. Raises InstrumentError."""

    async def join(self, place: int, source: Source, rest: AtRest) -> None:
        """Join a place to one source: open the other path, read it back, wait ``BREAK_S``, close, read both back.

        Joining what is joined already moves nothing. Raises: UsageError for a place that is not there, for any of
        ``reasons_against`` (nothing is sent), or while in doubt, until ``open_all`` has been confirmed;
        UnknownStateError where a read-back differs: then all paths have been told to open, and the text says whether
        they read as open; LinkError: then the next ``open`` begins by opening all.
        """

    async def part(self, place: int, rest: AtRest) -> None:
        """Open both paths of a place and read them back. Raises as ``join``."""

    async def open_all(self) -> None:
        """Open every path and read each back, connecting where it must: allowed at any moment, ends any doubt.

        Raises: UnknownStateError, LinkError; the doubt remains then.
        """
