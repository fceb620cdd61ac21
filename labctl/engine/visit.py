"""One spectrum of one run: where its cell is, what is asked of a person, what has been answered."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from labctl.engine.machines.handover import Handover
from labctl.engine.machines.walk import WalkPosition
from labctl.errors import UserInputError
from labctl.model.handover import HandoverStatus, Stage, Via
from labctl.model.program import Spectroscopy, spectroscopy_from_plain

if TYPE_CHECKING:
    from labctl.engine.attended import Taken
    from labctl.engine.run import Run

NAN = math.nan


@dataclass(frozen=True, slots=True)
class EarlierVisit:
    """What the journal of a dead process says of a spectrum that was under way."""

    number: int
    on: str
    walk: WalkPosition
    stage: Stage
    expected_V: float = NAN
    queued_utc: str = ""
    given_up: str = ""
    asked: Spectroscopy | None = None
    """What a person has asked for; None for one of the program."""


@dataclass(slots=True)
class Visit:
    """A cell that goes to a potentiostat. ``number`` counts the spectra that the run has asked for, from 1."""

    run: Run
    part: Spectroscopy
    potentiostat: str
    via: Via
    number: int
    machine: Handover = field(default_factory=Handover)
    expected_V: float = NAN
    measured_V: float = NAN
    asked: bool = False
    text: str = ""
    trouble: str = ""
    since_utc: str = ""
    given_up: str = ""
    """Why a person wants no spectrum any more."""
    accepted: str = ""
    """Why a person accepts an open circuit that does not fit."""
    is_another: bool = False
    """A person has accepted another open circuit there: it tells nothing about this cell."""
    confirmed: bool = False
    by: str = ""
    """Who has confirmed last."""
    trouble_asked: bool = False
    """A person has to look at the leads because of ``trouble``, whoever usually moves them."""
    wrong: str = ""
    """What is wrong with the open circuit that was read last."""
    tries: int = 0
    waits: int = 0
    """Looks in a row at something that is not as it must be."""
    taken: Taken | None = None
    """What was measured, until it is stored."""
    stop_told: bool = False
    """The journal knows why the run ends."""
    queued_utc: str = ""
    told: str = ""
    """The trouble that the run's record has already."""
    nudge: Callable[[], None] = lambda: None
    """Wakes who serves it."""

    @property
    def stage(self) -> Stage:
        """Return where the cell is."""
        return self.machine.stage

    @property
    def unwanted(self) -> bool:
        """Tell whether the cell is to go back without a spectrum, or with what there is of one."""
        return self.run.decision is not None or self.run.over or bool(self.given_up)

    @property
    def why_unwanted(self) -> str:
        """Return why it is to go back."""
        run = self.run
        return run.leaving or self.given_up if run.decision is None else run.decision.reason

    def ask(self, text: str) -> None:
        """Ask a person to do something, to move the leads for example, and to confirm."""
        self.asked, self.text, self.confirmed = True, text, False

    def answered(self) -> None:
        """Ask nothing any more."""
        self.asked, self.text, self.confirmed = False, "", False

    def confirm(self, by: str, reason: str) -> None:
        """Hear a person say that what is asked is done; ``reason`` accepts an open circuit that does not fit.

        Raises: UserInputError where nothing is asked.
        """
        if not self.asked or self.confirmed:
            raise UserInputError(f"Nothing is asked about the cell of run {self.run.run_id} now.")
        self.confirmed, self.accepted, self.by = True, reason if self.wrong else "", by
        self.run.event("eis.confirmed", number=self.number, stage=self.stage.value, by=by, reason=reason)
        self.nudge()

    def give_up(self, by: str, reason: str) -> None:
        """Hear that a person wants no spectrum any more. Raises: UserInputError where it has been taken already."""
        if self.stage in (Stage.TO_CYCLER, Stage.CHECKING_BACK):
            raise UserInputError(f"The cell of run {self.run.run_id} is on its way back already.")
        self.given_up = reason or "given up by a person"
        self.run.event("eis.given_up", number=self.number, stage=self.stage.value, by=by, reason=reason)
        self.nudge()

    def fields(self) -> Mapping[str, Any]:
        """Return what each journal line of this spectrum says."""
        return {
            "number": self.number, "part": self.part.index, "on": self.potentiostat, "via": self.via.value,
            "walk": self.run.walker.position.to_json(),
        }  # fmt: skip

    def status(self, place: int) -> HandoverStatus:
        """Return it for people; ``place`` is the one in the queue."""
        run = self.run
        return HandoverStatus(
            run_id=run.run_id,
            channel=run.program.channel,
            cell_id=run.program.cell.cell_id,
            cell_name=run.program.cell.name,
            potentiostat=self.potentiostat,
            via=self.via,
            stage=self.stage,
            place=place,
            asked=self.asked and not self.confirmed,
            text=self.text,
            trouble=self.trouble,
            expected_V=self.expected_V,
            measured_V=self.measured_V,
            since_utc=self.since_utc,
            part=self.part.index,
            cycle=run.full_cycles,
            sentence=self.part.sentence,
        )


def earlier_visit(journal: Sequence[Mapping[str, Any]]) -> EarlierVisit | None:
    """Return the spectrum that was under way when a process died, None where none was; ``journal`` in order."""
    found: EarlierVisit | None = None
    stages = {
        "eis.queued": Stage.QUEUED,
        "eis.begin": Stage.MEASURING,
        "eis.end": Stage.TO_CYCLER,
    }
    for line in journal:
        kind = str(line.get("kind"))
        if kind in ("eis.returned", "start.intent"):
            found = None
        if kind == "eis.given_up" and found is not None:
            found = replace(found, given_up=str(line["reason"]))
        if kind == "eis.leads":
            stage = Stage.TO_CYCLER if line.get("to") == "cycler" else Stage.TO_POTENTIOSTAT
        elif kind in stages:
            stage = stages[kind]
        else:
            continue
        asked = None if found is None else found.asked
        if "spectrum" in line and kind == "eis.queued":
            asked = spectroscopy_from_plain(line["spectrum"])
        queued_utc = str(line.get("utc", "")) if found is None else found.queued_utc
        expected_V = line.get("expected_V")
        before_V = NAN if found is None else found.expected_V
        found = EarlierVisit(
            number=int(line["number"]),
            on=str(line["on"]),
            walk=WalkPosition.from_json(line["walk"]),
            stage=stage,
            expected_V=before_V if expected_V is None else float(expected_V),
            queued_utc=queued_utc,
            asked=asked,
            given_up=str(line.get("given_up") or ("" if found is None else found.given_up)),
        )
    return found


def last_walk(journal: Sequence[Mapping[str, Any]]) -> tuple[WalkPosition | None, int]:
    """Return where the walk stood at the newest spectrum behind the newest confirmed start, and how many there were.

    A program goes on behind that spectrum and takes none twice.
    """
    walk, number = None, 0
    for line in journal:
        kind = str(line.get("kind"))
        if kind == "start.confirmed":
            walk = None
        elif kind == "eis.queued":
            walk, number = WalkPosition.from_json(line["walk"]), int(line["number"])
    return walk, number
