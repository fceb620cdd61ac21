"""Start a batch: one table to review, only rows that pass can be ticked, then load, release and queue (U04, U05)."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum

from labctl.gui.viewmodels.acts import Acts, Trouble, TroubleKind
from labctl.gui.viewmodels.allowed import channel_why_not, general, runs_now
from labctl.gui.viewmodels.lab import Lab, Place, utc_of
from labctl.gui.viewmodels.places import cabinet
from labctl.gui.viewmodels.text import NONE, duration, moment, number
from labctl.gui.viewmodels.words import tr
from labctl.model.ids import CellId, ChannelId
from labctl.model.job import JobSpec, PlannedJob

OCV_NEAR_V = 0.050
"""How far the measured OCV may be off the registered one (as the station's own start check)."""
STAGGER_MAX_S = 3600.0
_LONG = re.compile(r"\d+\.\d{4,}")


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be started: which cell where with which protocol."""

    channel: str
    cell_id: str
    protocol: str
    variables: Mapping[str, str] = field(default_factory=dict)


class Verdict(StrEnum):
    """How a row stands."""

    CHECKING = "checking"
    PASS = "pass"
    WARN = "warn"  # may be started; something to know
    REFUSED = "refused"
    SENDING = "sending"
    QUEUED = "queued"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class StartRow:
    """One row of the review, ready to be painted. ``why_not`` says why it cannot be ticked, empty where it can."""

    index: int
    channel: str
    slot: str
    cell: str
    ocv_measured: str
    ocv_registered: str
    ocv_off: bool
    protocol: str
    current: str
    limits: str
    starts: str
    ends: str
    verdict: Verdict
    told: str
    why_not: str
    ticked: bool
    lines: tuple[str, ...] = ()


_GONE = (Verdict.SENDING, Verdict.QUEUED)
_NOT_KNOWN = (TroubleKind.DEADLINE, TroubleKind.LINK)


@dataclass(slots=True, eq=False)
class _Sending:
    """A start that was pressed: what was accepted then, by row; ``left`` counts the acts before it is queued."""

    specs: dict[int, JobSpec]
    left: dict[int, int] = field(default_factory=dict)


class BatchStart:
    """The review of one batch. ``watch`` tells of changes."""

    def __init__(self, lab: Lab, acts: Acts, *, ocv_near_V: float = OCV_NEAR_V) -> None:
        self._lab = lab
        self._acts = acts
        self._near_V = ocv_near_V
        self._wishes: tuple[Wish, ...] = ()
        self._planned: dict[int, PlannedJob] = {}
        self._verdicts: dict[int, tuple[Verdict, str]] = {}
        self._unticked: set[int] = set()
        self._round = 0
        self._checked = False
        self._sending: _Sending | None = None
        self._watchers: list[Callable[[], None]] = []
        self.stagger_s = 0.0
        self.trouble: Trouble | None = None
        self._unwatch = lab.watch({"channel", "link"}, self._changed)

    def close(self) -> None:
        """Watch no more."""
        self._unwatch()

    def watch(self, observer: Callable[[], None]) -> Callable[[], None]:
        """Call ``observer`` after each change; returns unwatch."""
        self._watchers.append(observer)
        return lambda: self._watchers.remove(observer) if observer in self._watchers else None

    def _tell(self) -> None:
        for observer in tuple(self._watchers):
            observer()

    def _changed(self, places: frozenset[Place]) -> None:
        mine = {wish.channel for wish in self._wishes}
        if any(topic == "link" or key in mine for topic, key in places):
            self._tell()

    # -- the review -------------------------------------------------------------------------------------------------

    def begin(self, wishes: Sequence[Wish]) -> None:
        """Take what is to be started and check it; every row that passes is ticked."""
        self._wishes = tuple(wishes)
        self._planned, self._verdicts, self._unticked = {}, {}, set()
        self._sending = None  # what was pressed before goes on; its answers belong to other rows
        self.check()

    def set_protocol(self, indices: Collection[int], protocol: str) -> None:
        """Give rows another protocol and check again; one that is being started keeps what was accepted."""
        gone = {index for index, (verdict, _) in self._verdicts.items() if verdict in _GONE}
        self._wishes = tuple(
            Wish(wish.channel, wish.cell_id, protocol, {}) if index in indices and index not in gone else wish
            for index, wish in enumerate(self._wishes)
        )
        self.check()

    def set_stagger(self, stagger_s: float) -> str:
        """Set the pause between two starts; returns why it cannot be, empty when it is set."""
        if not (math.isfinite(stagger_s) and 0.0 <= stagger_s <= STAGGER_MAX_S):
            return tr("starts", "The pause between two starts is 0 to 3600 s.")
        self.stagger_s = stagger_s
        self._tell()
        return ""

    def check(self) -> None:
        """Ask the station what would become of every row: a dry run, nothing is queued (pre-flight)."""
        self._round += 1
        here, self._checked, self.trouble = self._round, False, None
        specs = [
            replace(self._spec(index), label=str(index))
            for index, wish in enumerate(self._wishes)
            if wish.protocol
        ]
        if not specs:
            self._checked = True
            self._tell()
            return

        def take(answer: object) -> None:
            if here != self._round:
                return
            self._checked = True
            jobs: Sequence[PlannedJob] = getattr(answer, "jobs", ())
            self._planned = {int(job.label): job for job in jobs if job.label.isdigit()}
            self._tell()

        def failed(trouble: Trouble) -> None:
            if here == self._round:
                self._checked, self.trouble = True, trouble
                self._planned = {}
                self._tell()

        self._acts.ask("queue.submit", specs, dry_run=True, then=take, failed=failed, deadline_s=30.0)
        self._tell()

    def _spec(self, index: int) -> JobSpec:
        wish = self._wishes[index]
        channel = ChannelId(wish.channel) if wish.channel else None
        variables = dict(wish.variables)
        return JobSpec(CellId(wish.cell_id), protocol=wish.protocol, channel=channel, variables=variables,
                       stagger_s=self.stagger_s)  # fmt: skip

    def tick(self, index: int, on: bool) -> str:
        """Tick a row or not; returns why it cannot be, empty when it is done (U05)."""
        why = self.why_not(index) if on else ""
        if not why:
            self._unticked.discard(index) if on else self._unticked.add(index)
            self._tell()
        return why

    def why_not(self, index: int) -> str:
        """Return why a row cannot be started, empty where it can."""
        wish = self._wishes[index]
        if index in self._verdicts and self._verdicts[index][0] in _GONE:
            return self._verdicts[index][1]
        if not wish.protocol:
            return tr("starts", "Choose a protocol.")
        if wish.channel and (problem := self._channel_problem(wish)):
            return problem
        if not self._checked:
            return tr("starts", "being checked")
        if self.trouble is not None:
            return str(self.trouble)
        planned = self._planned.get(index)
        if planned is None:
            return tr("starts", "The station said nothing about this row.")
        return " ".join(planned.errors)

    def _channel_problem(self, wish: Wish) -> str:
        status = self._lab.channels.get(wish.channel)
        if status is None:
            return tr("starts", "The station knows no channel {name}.").format(name=wish.channel)
        if runs_now(status):
            return channel_why_not(self._lab, "queue.submit", wish.channel)
        if status.cell_id and status.cell_id != wish.cell_id:
            told = tr("starts", "{there} is in the slot, not {wanted}.")
            return told.format(there=status.cell_name or status.cell_id, wanted=wish.cell_id)
        if status.tripped:
            return channel_why_not(self._lab, "queue.submit", wish.channel) or status.tripped
        return self._ocv_problem(wish)[1]

    def _ocv_off(self, wish: Wish) -> bool:
        """Tell whether the OCV is off; under a run what is measured is no OCV."""
        status = self._lab.channels.get(wish.channel)
        return status is not None and not runs_now(status) and self._ocv_problem(wish)[0]

    def _ocv_problem(self, wish: Wish) -> tuple[bool, str]:
        """Return whether the OCV is off, and what stands against the start because of it (U05)."""
        status, cell = self._lab.channels.get(wish.channel), self._lab.cells.get(wish.cell_id)
        if status is None or cell is None:
            return False, ""
        if self._lab.stale(wish.channel) or not math.isfinite(status.voltage_V):
            return False, tr("starts", "The OCV is not read now.")
        if cell.ocv_V is None or abs(status.voltage_V - cell.ocv_V) <= self._near_V + 1e-12:
            return False, ""
        told = tr("starts", "OCV {measured} V, registered {registered} V: another cell?")
        return True, told.format(measured=number(status.voltage_V, 3), registered=number(cell.ocv_V, 3))

    def rows(self) -> tuple[StartRow, ...]:
        """Return the review, ready to be painted."""
        whys = [self.why_not(index) for index in range(len(self._wishes))]
        found, before = [], 0
        for index, why in enumerate(whys):
            found.append(self._row(index, why, before))
            before += index not in self._unticked and not why
        return tuple(found)

    def _row(self, index: int, why: str, before: int) -> StartRow:
        wish, planned = self._wishes[index], self._planned.get(index)
        status, cell = self._lab.channels.get(wish.channel), self._lab.cells.get(wish.cell_id)
        verdict, told = self._verdict(index, why)
        lines = () if planned is None else planned.review
        registered = NONE if cell is None or cell.ocv_V is None else number(cell.ocv_V, 3)
        channel = wish.channel or (str(planned.channel or "") if planned else "")
        return StartRow(
            index, channel, cabinet(self._lab.channels).label(channel) if channel else tr("starts", "any that fits"),
            wish.cell_id if cell is None else cell.name, NONE if status is None else number(status.voltage_V, 3),
            registered, self._ocv_off(wish), wish.protocol, _after(lines, "currents: "),
            _after(lines, "limits: "), self._starts(before, planned), self._ends(planned), verdict, told, why,
            index not in self._unticked and not why, lines,
        )  # fmt: skip

    def _verdict(self, index: int, why: str) -> tuple[Verdict, str]:
        if index in self._verdicts:
            return self._verdicts[index]
        if why:
            checking = not self._checked and why == tr("starts", "being checked")
            return (Verdict.CHECKING if checking else Verdict.REFUSED), why
        warnings = self._planned[index].warnings if index in self._planned else ()
        return (Verdict.WARN, " ".join(warnings)) if warnings else (Verdict.PASS, tr("starts", "passes"))

    def _starts(self, before: int, planned: PlannedJob | None) -> str:
        if planned is not None and planned.starts is not None:
            return moment(utc_of(planned.starts.end_utc), self._lab.plant_utc)
        return moment(self._lab.plant_utc + timedelta(seconds=before * self.stagger_s), self._lab.plant_utc)

    def _ends(self, planned: PlannedJob | None) -> str:
        if planned is None or planned.ends is None:
            return NONE
        return moment(utc_of(planned.ends.end_utc), self._lab.plant_utc)

    # -- the start ----------------------------------------------------------------------------------------------------

    def ticked(self) -> tuple[int, ...]:
        """Return the rows that would be started."""
        done = {index for index, (verdict, _) in self._verdicts.items() if verdict is Verdict.QUEUED}
        return tuple(index for index in range(len(self._wishes))
                     if index not in self._unticked and index not in done and not self.why_not(index))  # fmt: skip

    def start_why_not(self) -> str:
        """Return why the start is off, empty where it may be pressed."""
        refusal = general(self._lab, "queue.submit")
        if refusal:
            return refusal
        if self._sending is not None:
            return tr("starts", "being started")
        return "" if self.ticked() else tr("starts", "No row passes.")

    def label(self) -> str:
        """Return what the start button says."""
        pause = (
            tr("starts", ", {pause} apart").format(pause=duration(self.stagger_s)) if self.stagger_s else ""
        )
        return tr("starts", "Start {n}{pause}").format(n=len(self.ticked()), pause=pause)

    def start(self) -> str:
        """Load, release and queue the ticked rows; returns why not, empty when it was sent.

        A row whose cell cannot be loaded is left out and says why; the others are queued together, all or none.
        """
        why = self.start_why_not()
        if why:
            return why
        sending = _Sending({index: self._spec(index) for index in self.ticked()})
        self._sending = sending
        for index in sending.specs:
            self._verdicts[index] = (Verdict.SENDING, tr("starts", "sending"))
        steps = {index: acts for index in sending.specs if (acts := self._preparing(index))}
        sending.left = {index: len(acts) for index, acts in steps.items()}
        for index, acts in steps.items():
            self._step(sending, index, self._wishes[index].channel, acts)
        if not steps:
            self._submit_when_ready(sending)
        self._tell()
        return ""

    def _preparing(self, index: int) -> list[tuple[str, tuple[object, ...]]]:
        """Return the acts that say that the cell sits in the channel and may be started, where that is not known."""
        wish = self._wishes[index]
        status = self._lab.channels.get(wish.channel)
        steps: list[tuple[str, tuple[object, ...]]] = []
        if status is None:
            return steps
        if status.cell_id != wish.cell_id:
            steps.append(("channels.load", (wish.channel, wish.cell_id)))
        if not (status.ready and status.cell_id == wish.cell_id):
            steps.append(("channels.set_ready", (wish.channel, True)))
        return steps

    def _step(
        self, sending: _Sending, index: int, channel: str, steps: list[tuple[str, tuple[object, ...]]]
    ) -> None:
        verb, args = steps[0]

        def good(answer: object) -> None:
            sending.left[index] -= 1
            if len(steps) > 1:
                self._step(sending, index, channel, steps[1:])
            elif not sending.left[index]:
                del sending.left[index]
                self._submit_when_ready(sending)

        def bad(trouble: Trouble) -> None:
            sending.left.pop(index, None)
            sending.specs.pop(index, None)
            self._judge(sending, index, Verdict.FAILED, str(trouble))
            self._submit_when_ready(sending)
            self._tell()

        self._acts.send(verb, channel, *args, then=good, failed=bad)

    def _judge(self, sending: _Sending, index: int, verdict: Verdict, told: str) -> None:
        """Say how a row stands, where it is still a row of this review."""
        if sending is self._sending:
            self._verdicts[index] = (verdict, told)

    def _submit_when_ready(self, sending: _Sending) -> None:
        if sending.left:
            return
        chosen = list(sending.specs)
        if not chosen:
            self._over(sending)
            return

        def good(answer: object) -> None:
            jobs: Sequence[PlannedJob] = getattr(answer, "jobs", ())
            for index, job in zip(chosen, jobs, strict=False):
                told = tr("starts", "queued as {job}").format(job=job.job_id)
                self._judge(sending, index, Verdict.QUEUED, told)
            self._over(sending)
            self._tell()

        def bad(trouble: Trouble) -> None:
            for index in chosen:
                self._judge(sending, index, Verdict.FAILED, str(trouble))
                if trouble.kind in _NOT_KNOWN and sending is self._sending:
                    self._unticked.add(index)  # it may be queued: to start it again is a second decision
            self._over(sending)
            self._tell()

        text = tr("starts", "Start {n}").format(n=len(chosen))
        self._acts.send(
            "queue.submit", "batch", list(sending.specs.values()), text=text, then=good, failed=bad
        )

    def _over(self, sending: _Sending) -> None:
        if sending is self._sending:
            self._sending = None


def _after(lines: Sequence[str], head: str) -> str:
    """Return what a line of the review says behind its head, its numbers with four figures at most."""
    found = next((line.removeprefix(head) for line in lines if line.startswith(head)), NONE)
    return _LONG.sub(lambda hit: f"{float(hit[0]):.4g}", found)
