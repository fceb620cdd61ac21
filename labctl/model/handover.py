"""Where a cell's leads are while a potentiostat measures it in the middle of a run, and what a person must do.

A cell belongs to one instrument at a time. Its stages are walked in order; each act that energises is allowed in one of
them only::

    QUEUED -> TO_POTENTIOSTAT -> CHECKING -> MEASURING -> TO_CYCLER -> CHECKING_BACK -> (gone: the run goes on)

The cycler may start the cell in none of them, the potentiostat may measure it in MEASURING alone (I07, I08). Every
stage lies in the run's journal before it is entered, so that a restarted station stands where the dead one stood.
Source: potentiostat.md section 2.7, safety-and-faults.md section 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from labctl.model.bench import LinkState
from labctl.model.ids import ChannelId


class Via(StrEnum):
    """Who moves the leads."""

    OPERATOR = "operator"
    MULTIPLEXER = "multiplexer"


class Stage(StrEnum):
    """Where a handover stands; the cycler owns the cell before TO_POTENTIOSTAT and after CHECKING_BACK."""

    QUEUED = "queued"  # another cell is at the potentiostat, or it does not answer; nothing has been moved
    TO_POTENTIOSTAT = "to potentiostat"  # leads are being moved; both instruments are off
    CHECKING = "checking"  # its open circuit at the potentiostat is compared with the cycler's
    MEASURING = "measuring"
    TO_CYCLER = "to cycler"  # leads are being moved back; both instruments are off
    CHECKING_BACK = "checking back"  # its open circuit at the cycler is compared with the potentiostat's


OWNED_BY_POTENTIOSTAT = frozenset({Stage.CHECKING, Stage.MEASURING})
"""Stages in which the potentiostat is connected to the cell; in those of moving nobody is, as far as anybody knows."""


@dataclass(frozen=True, slots=True)
class PotentiostatFacts:
    """What a protocol's binding must know of a potentiostat. ``channels`` are those whose cells can come to it, empty =
    all; ``switched`` those that a multiplexer moves. The frequencies are known once it has been opened.
    """

    name: str
    channels: tuple[ChannelId, ...] = ()
    switched: tuple[ChannelId, ...] = ()
    eis_min_Hz: float = 0.0
    eis_max_Hz: float = float("inf")

    def takes(self, channel: ChannelId) -> bool:
        """Tell whether the cell of a channel can come to it."""
        return not self.channels or channel in self.channels

    def via(self, channel: ChannelId) -> Via:
        """Return who moves the leads of a channel unless the protocol says otherwise."""
        return Via.MULTIPLEXER if channel in self.switched else Via.OPERATOR


@dataclass(frozen=True, slots=True)
class HandoverStatus:
    """One cell that waits for, is at, or comes back from a potentiostat; ``run_id`` names it.

    ``asked`` is true while a person has to move leads and confirm; ``text`` then says what to do. ``trouble`` is why a
    confirmation was not believed, or why the spectrum could not be taken; empty where all is well. Voltages are NaN
    where they are not known. ``part`` counts the spectra of the program from 1 in the order of the text, ``place`` the
    cells in the potentiostat's queue, from 1 for the one in hand.
    """

    run_id: str
    channel: ChannelId
    cell_id: str
    cell_name: str
    potentiostat: str
    via: Via
    stage: Stage
    place: int = 1
    asked: bool = False
    text: str = ""
    trouble: str = ""
    expected_V: float = float("nan")
    measured_V: float = float("nan")
    since_utc: str = ""
    part: int = 1
    cycle: int = 0
    sentence: str = ""
    """The spectrum as operators read it: from, to, points per decade, amplitude."""


@dataclass(frozen=True, slots=True)
class PotentiostatStatus:
    """One potentiostat with its link, and what it does. ``cell_on`` is None where nobody knows.

    ``points_expected`` is 0 while it measures nothing; ``left_s`` NaN where nobody can tell.
    """

    name: str
    driver: str
    resource: str
    link: LinkState
    identity: str = ""
    text: str = ""
    silence: str = ""
    attended: bool = False
    via: Via = Via.OPERATOR
    channels: tuple[ChannelId, ...] = ()
    """The channels whose cells can come to it; empty = all."""
    cell_on: bool | None = None
    e_V: float = float("nan")
    i_A: float = float("nan")
    range_A: float = float("nan")
    overload: bool = False
    run_id: str = ""
    cell_id: str = ""
    points_got: int = 0
    points_expected: int = 0
    left_s: float = float("nan")
    eis_min_Hz: float = float("nan")
    eis_max_Hz: float = float("nan")
    seen_utc: str = ""


@dataclass(frozen=True, slots=True)
class SpectrumEntry:
    """A stored spectrum in a list. ``run_id`` is empty for one that was imported or taken without a station.

    ``outcome`` is ``whole``, ``broken off`` or ``failed``; ``test_time_s`` the run's test time at which it was taken.
    """

    spectrum_id: str
    cell_id: str
    run_id: str = ""
    part: int = 0
    cycle: int | None = None
    taken_utc: str = ""
    test_time_s: float = float("nan")
    instrument: str = ""
    points: int = 0
    f_max_Hz: float = float("nan")
    f_min_Hz: float = float("nan")
    outcome: str = "whole"
    text: str = ""
