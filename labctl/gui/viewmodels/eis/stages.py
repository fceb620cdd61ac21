"""The way of a cell to a potentiostat and back, in words: where it is, who owns it, what a person must do."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from labctl.gui.viewmodels.allowed import label_of
from labctl.gui.viewmodels.lab import Lab
from labctl.gui.viewmodels.text import NONE, number, quantity
from labctl.gui.viewmodels.words import Glyph, Token, mark, tr
from labctl.model.bench import LinkState
from labctl.model.handover import OWNED_BY_POTENTIOSTAT, HandoverStatus, PotentiostatStatus, Stage

STAGE_WORDS: Mapping[Stage, str] = {
    Stage.QUEUED: mark("eis", "waits"),
    Stage.TO_POTENTIOSTAT: mark("eis", "on the way there"),
    Stage.CHECKING: mark("eis", "OCV is compared"),
    Stage.MEASURING: mark("eis", "is measured"),
    Stage.TO_CYCLER: mark("eis", "on the way back"),
    Stage.CHECKING_BACK: mark("eis", "OCV is compared"),
}
OUTCOME_WORDS: Mapping[str, str] = {
    "whole": mark("eis", "whole"), "broken off": mark("eis", "broken off"), "failed": mark("eis", "failed"),
    "under way": mark("eis", "live"),
}  # fmt: skip
STAGE_GLYPHS: Mapping[Stage, tuple[Glyph, Token]] = {
    Stage.QUEUED: (Glyph.WAITING, Token.REST), Stage.TO_POTENTIOSTAT: (Glyph.STARTING, Token.PAUSED),
    Stage.CHECKING: (Glyph.EIS, Token.PAUSED), Stage.MEASURING: (Glyph.EIS, Token.PAUSED),
    Stage.TO_CYCLER: (Glyph.STOPPING, Token.PAUSED), Stage.CHECKING_BACK: (Glyph.REST, Token.REST),
}  # fmt: skip
THERE = frozenset({Stage.TO_POTENTIOSTAT, Stage.CHECKING})
"""Stages of the way to the potentiostat; a prompt of any other one asks for the way back."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a person must do with leads now. ``differs``: the voltages do not agree; a reason accepts them as they are.

    ``told`` is the station's own sentence, ``trouble`` why the last confirmation was not believed.
    """

    run_id: str
    title: str
    begin: str
    end: str
    steps: tuple[str, ...]
    expected: str
    measured: str
    trouble: str
    told: str
    since_utc: str
    differs: bool


@dataclass(frozen=True, slots=True)
class Waiting:
    """One line of a potentiostat's queue."""

    run_id: str
    place: str
    cell: str
    channel: str
    glyph: str
    token: str
    word: str
    since_utc: str
    why: str
    asked: bool


@dataclass(frozen=True, slots=True)
class Lane:
    """One potentiostat: how it stands in words, and the cells that have it or wait for it, in order."""

    name: str
    glyph: str
    token: str
    word: str
    told: str
    rows: tuple[Waiting, ...]
    needs_person: bool


def cell_of(status: HandoverStatus) -> str:
    """Return a cell as people call it."""
    return status.cell_name or status.cell_id


def voltage(value_V: float) -> str:
    """Return an open-circuit voltage to a tenth of a millivolt, in the unit that suits it; a dash for none."""
    if not math.isfinite(value_V):
        return NONE
    if abs(value_V) < 0.1:
        return f"{number(value_V * 1e3, 1, sign=True)}\u2009mV"
    return f"{number(value_V, 4)}\u2009V"


def owner_words(lab: Lab, status: HandoverStatus) -> str:
    """Return who owns the cell now: the channel or the potentiostat; empty while its leads are moved."""
    if status.stage in OWNED_BY_POTENTIOSTAT:
        return status.potentiostat
    if status.stage in (Stage.TO_POTENTIOSTAT, Stage.TO_CYCLER):
        return ""
    return tr("eis", "CH {label}").format(label=label_of(lab, status.channel))


def prompt_of(lab: Lab, status: HandoverStatus) -> Prompt | None:
    """Return what a handover asks of a person, None where it asks nothing."""
    if not status.asked:
        return None
    label, cell, name = label_of(lab, status.channel), cell_of(status), status.potentiostat
    channel = tr("eis", "channel {label}").format(label=label)
    begin, end = (channel, name) if status.stage in THERE else (name, channel)
    title = tr("eis", "Move the leads of {cell} from {begin} to {end}")
    steps = (
        tr("eis", "1  Take all leads of {cell} off {begin}: both instruments are off, as read back.").format(
            cell=cell, begin=begin
        ),
        tr("eis", "2  Connect them to {end}: working lead to the positive side, its sense beside it.").format(
            end=end
        ),
        tr("eis", "3  Confirm here. The open circuit is measured and compared before anything is driven."),
    )
    differs = math.isfinite(status.measured_V) and bool(status.trouble)
    return Prompt(
        status.run_id, title.format(cell=cell, begin=begin, end=end), begin, end, steps, voltage(status.expected_V),
        voltage(status.measured_V) if differs else NONE, status.trouble, status.text, status.since_utc, differs,
    )  # fmt: skip


def lanes_of(lab: Lab) -> tuple[Lane, ...]:
    """Return every potentiostat with its queue; one that only handovers name stands behind those that are known."""
    names = dict.fromkeys((*lab.potentiostats, *(one.potentiostat for one in lab.handovers.values())))
    return tuple(_lane(lab, name, lab.potentiostats.get(name)) for name in names)


def _lane(lab: Lab, name: str, status: PotentiostatStatus | None) -> Lane:
    queue = sorted(
        (one for one in lab.handovers.values() if one.potentiostat == name), key=lambda one: one.place
    )
    rows = tuple(_waiting(lab, one) for one in queue)
    asked = any(one.asked for one in queue)
    if status is None:
        word, told = tr("eis", "not known"), ""
        return Lane(name, Glyph.UNKNOWN, Token.STALE, word, told, rows, asked)
    if status.link is not LinkState.LIVE:
        told = status.text or status.silence
        return Lane(name, Glyph.STALE, Token.STALE, tr("eis", "does not answer"), told, rows, asked)
    if status.points_expected:
        word = tr("eis", "point {n} of {all}").format(n=status.points_got, all=status.points_expected)
        return Lane(name, Glyph.EIS, Token.PAUSED, word, status.text, rows, asked)
    if queue:
        return Lane(name, Glyph.WAITING, Token.REST, tr("eis", "taken"), status.text, rows, asked)
    return Lane(name, Glyph.DONE, Token.MUTED, tr("eis", "free"), status.text, rows, asked)


def _waiting(lab: Lab, status: HandoverStatus) -> Waiting:
    glyph, token = STAGE_GLYPHS[status.stage]
    word = tr("eis", STAGE_WORDS[status.stage])
    if status.asked:
        word = tr("eis", "you: move leads") if not status.trouble else tr("eis", "you: check leads")
    why = " ".join(part for part in (status.sentence, status.trouble or status.text) if part)
    return Waiting(status.run_id, str(status.place), cell_of(status), label_of(lab, status.channel), glyph, token,
                   word, status.since_utc, why, status.asked)  # fmt: skip


def cell_switch(status: PotentiostatStatus | None) -> str:
    """Return whether the potentiostat drives the cell, as read back; never guessed (R6)."""
    if status is None or status.cell_on is None:
        return tr("eis", "not known")
    return tr("eis", "on") if status.cell_on else tr("eis", "off")


def current_range(status: PotentiostatStatus | None) -> str:
    """Return the current range in use."""
    return NONE if status is None else quantity(status.range_A, "A", digits=3)
